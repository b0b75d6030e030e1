"""Where events are sent: every endpoint, and one of them with the log of what was sent there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from innsync.apps.accounts.models import ApiKey
from innsync.apps.accounts.roles import Ability
from innsync.apps.events.kinds import TEST
from innsync.apps.webhooks import managed, selectors
from innsync.apps.webhooks.endpoints import MOST
from innsync.apps.webhooks.models import Endpoint, State
from innsync.apps.webhooks.selectors import Standing
from innsync.portals.access import Visitor, fragment, page
from innsync.portals.admin import shown_once
from innsync.portals.admin.connection.questions import Question
from innsync.portals.admin.endpoints.words import SECTION, STATES, Line, endpoint_state, get_endpoint
from innsync.portals.admin.managing import in_words, manager_of, named
from innsync.portals.admin.pages import show
from innsync.portals.admin.reading import read_id
from innsync.portals.event_words import chosen_words, event_words, kinds_explained
from innsync.portals.words import Condition

PAGE = 50


@dataclass(frozen=True, slots=True)
class Row:
    """An endpoint as the list shows it."""

    endpoint: Endpoint
    state: Condition
    told: str
    properties: str
    maker: str
    standing: Standing


@page(Ability.MANAGE_PEOPLE)
def endpoints(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    now, found = datetime.now(UTC), managed.list_managed(manager_of(visitor))
    names = named(visitor, (one.property_ids for one in found))
    makers, standing = _makers(found), selectors.standing_of([one.id for one in found])
    context = {
        "rows": [
            Row(
                endpoint=one,
                state=endpoint_state(one, now),
                told=chosen_words(one.types),
                properties=in_words(one.property_ids, names),
                maker=_maker(one, makers),
                standing=standing[one.id],
            )
            for one in found
        ],
        "full": len(found) >= MOST,
        "most": MOST,
        "now": now,
    }
    return show(request, visitor, "endpoints/list.html", context, section=SECTION)


def _makers(found: Sequence[Endpoint]) -> Mapping[UUID, str]:
    """The names of the keys that made them; those that replaced one have its name."""
    ids = {one.program_id for one in found if one.program_id}
    return {one.id: one.name for one in ApiKey.objects.filter(id__in=ids)} if ids else {}


def _maker(endpoint: Endpoint, makers: Mapping[UUID, str]) -> str:
    if endpoint.program_id is None:
        return _("made here")
    return makers.get(endpoint.program_id, _("a key"))


class LogAsked(Question):
    """Which deliveries: by how they ended, and of what they tell."""

    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    type = forms.ChoiceField(label=gettext_lazy("Event"), required=False)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.offer("state", [(key.value, state.label) for key, state in STATES.items()])
        self.offer("type", [*kinds_explained(), (TEST, event_words(TEST))])


@page(Ability.MANAGE_PEOPLE)
def one(request: HttpRequest, visitor: Visitor, endpoint_id: UUID) -> HttpResponse:
    found = get_endpoint(visitor, endpoint_id)
    names = named(visitor, [found.property_ids])
    query = request.META.get("QUERY_STRING", "")
    context = {
        **_log(request, visitor, found),
        "told": [event_words(one) for one in found.types],
        "properties": in_words(found.property_ids, names),
        "maker": _maker(found, _makers([found])),
        "fresh": shown_once.take(request, visitor, f"endpoint:{found.id}"),
        "live_url": reverse("endpoint-live", args=[found.id]) + (f"?{query}" if query else ""),
    }
    return show(request, visitor, "endpoints/one.html", context, section=SECTION)


@fragment(Ability.MANAGE_PEOPLE)
def live(request: HttpRequest, visitor: Visitor, endpoint_id: UUID) -> HttpResponse:
    """How it stands and its log, asked for again while somebody watches."""
    found = get_endpoint(visitor, endpoint_id)
    return render(request, "portals/admin/endpoints/_log.html", _log(request, visitor, found))


def _log(request: HttpRequest, visitor: Visitor, found: Endpoint) -> dict[str, Any]:
    now, form = datetime.now(UTC), LogAsked(request.GET)
    said = form.said()
    before_id = read_id(request.GET.get("before", ""))
    before = selectors.find_delivery(found, before_id) if before_id else None
    state = said.get("state")
    rows = selectors.list_deliveries(
        found, state=State(state) if state else None, type=said.get("type") or "", before=before, limit=PAGE + 1
    )
    kept = {name: str(value) for name, value in request.GET.items() if name != "before" and value}
    return {
        "endpoint": found,
        "state": endpoint_state(found, now),
        "standing": selectors.standing_of([found.id])[found.id],
        "form": form,
        "narrowed": bool(said.get("state") or said.get("type")),
        "lines": [Line.of(one) for one in rows[:PAGE]],
        "newest": f"?{urlencode(kept)}" if before else "",
        "older": f"?{urlencode({**kept, 'before': str(rows[PAGE - 1].id)})}" if len(rows) > PAGE else "",
        "zone": visitor.user.time_zone or "UTC",
        "now": now,
    }
