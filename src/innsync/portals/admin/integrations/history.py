"""What was sent to channels and what came from them, of all connections, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from innsync.apps.accounts.roles import Ability
from innsync.apps.distribution import overall
from innsync.apps.distribution.models import PushLog
from innsync.apps.inbox import selectors as inbox
from innsync.apps.inbox.models import Message
from innsync.integrations.manifest import channel_name, manifests
from innsync.portals.access import Visitor, page
from innsync.portals.admin.api_calls import zone_of
from innsync.portals.admin.connection.pushes import outcome_words
from innsync.portals.admin.connection.questions import Question
from innsync.portals.admin.integrations.dashboard import SECTION
from innsync.portals.admin.pages import show
from innsync.portals.admin.reading import DayField
from innsync.portals.retelling import retell
from innsync.portals.words import MESSAGE_STATES

PAGE = 50
USUAL_DAYS = 7
DIRECTIONS = {"out": gettext_lazy("sent"), "in": gettext_lazy("came in")}


class HistoryAsked(Question):
    """Which way, how it ended, of which channel and property, and when. Without days: the last week's."""

    direction = forms.ChoiceField(label=gettext_lazy("Direction"), required=False)
    outcome = forms.ChoiceField(label=gettext_lazy("Outcome"), required=False)
    channel = forms.ChoiceField(label=gettext_lazy("Channel"), required=False)
    property = forms.CharField(label=gettext_lazy("Property’s code"), max_length=60, required=False)
    first = DayField(label=gettext_lazy("From"), required=False)
    last = DayField(label=gettext_lazy("Until"), required=False)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.offer("direction", DIRECTIONS.items())
        self.offer("outcome", [("well", _("went well")), ("faulty", _("did not go well"))])
        self.offer("channel", sorted(((one.key, one.name) for one in manifests().values()), key=lambda one: one[1]))
        self.fields["property"].widget.attrs["class"] = "form-control form-control-sm"

    def span(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """From the beginning of the first day to the end of the last."""
        said, today = self.said(), datetime.now(zone).date()
        last = said.get("last") or today
        first = said.get("first") or min(last, today) - timedelta(days=USUAL_DAYS - 1)
        return datetime.combine(first, time(), zone), datetime.combine(last + timedelta(days=1), time(), zone)


@dataclass(frozen=True, slots=True)
class Line:
    """Something that went over the wire. to: the page with its details."""

    at: datetime
    direction: str | Promise
    channel: str
    property: str
    what: str
    label: str | Promise
    tone: str
    words: str
    took_ms: float | None
    to: str


@page(Ability.SEE_CHANNELS)
def history(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    form, zone = HistoryAsked(request.GET), zone_of(visitor)
    since, until = form.span(zone)
    before = _place(request)
    found = lines(visitor, form, since=since, before=min(before, until) if before else until)
    said = {name: str(value) for name, value in request.GET.items() if name != "before" and value}
    older = found[PAGE - 1].at.timestamp() if len(found) > PAGE else None
    context = {
        "form": form,
        "narrowed": bool(said),
        "lines": found[:PAGE],
        "newest": f"?{urlencode(said)}" if before else "",
        "older": f"?{urlencode({**said, 'before': repr(older)})}" if older else "",
        "first": since.date(),
        "last": (until - timedelta(days=1)).date(),
        "zone": str(zone),
    }
    return show(request, visitor, "integrations/history.html", context, section=SECTION)


def _place(request: HttpRequest) -> datetime | None:
    """Where to read on from; an unreadable place is the beginning."""
    try:
        return datetime.fromtimestamp(float(request.GET.get("before", "")), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def lines(visitor: Visitor, form: HistoryAsked, *, since: datetime, before: datetime) -> list[Line]:
    """One more than a page, where there are as many."""
    said = form.said()
    found: list[Line] = []
    if said.get("direction") != "in":
        asked = overall.Asked(
            since=since,
            before=before,
            outcome={"well": "accepted", "faulty": "faulty"}.get(said.get("outcome") or "", ""),
            vendor=said.get("channel") or "",
            property_code=said.get("property") or "",
        )
        found += sent_lines(overall.list_sent(property_ids=visitor.access.property_ids, asked=asked, limit=PAGE + 1))
    if said.get("direction") != "out":
        found += came_lines(_came_in(visitor, said, since=since, before=before))
    return sorted(found, key=lambda one: one.at, reverse=True)[: PAGE + 1]


def _came_in(visitor: Visitor, said: dict[str, Any], *, since: datetime, before: datetime) -> list[Message]:
    """Well is all that asks for nobody."""
    return inbox.list_came_in(
        property_ids=visitor.access.property_ids,
        since=since,
        before=before,
        limit=PAGE + 1,
        asked=inbox.Asked(
            vendor=said.get("channel") or "",
            property_code=said.get("property") or "",
            state="needs_attention" if said.get("outcome") == "faulty" else "",
        ),
        well=said.get("outcome") == "well",
    )


def sent_lines(found: Sequence[PushLog]) -> list[Line]:
    return [_sent(one) for one in found]


def _sent(one: PushLog) -> Line:
    label, tone = outcome_words(one)
    cells = ngettext("%(count)d value", "%(count)d values", one.cells) % {"count": one.cells}
    return Line(
        at=one.at,
        direction=DIRECTIONS["out"],
        channel=channel_name(one.connection.vendor),
        property=one.connection.property.name,
        what=f"{retell(one.operation)}, {cells}",
        label=label,
        tone=tone,
        words=one.words,
        took_ms=one.duration_ms,
        to=reverse("push", args=[one.connection_id, one.id]),
    )


def came_lines(found: Sequence[Message]) -> list[Line]:
    return [_came(one) for one in found]


def _came(one: Message) -> Line:
    state, link = MESSAGE_STATES[one.state], one.connection
    return Line(
        at=one.received_at,
        direction=DIRECTIONS["in"],
        channel=channel_name(one.vendor),
        property=link.property.name if link else one.property_ref or _("unknown property"),
        what=_("booking %(reference)s") % {"reference": one.booking_ref},
        label=state.label,
        tone=state.tone,
        words=retell(one.reason),
        took_ms=None,
        to=reverse("message", args=[one.id]),
    )


def of_connection(connection_id: UUID, *, since: datetime, before: datetime, limit: int) -> list[Line]:
    """The same of one connection alone; the caller has checked whose it is."""
    asked = overall.Asked(since=since, before=before, connection_id=connection_id)
    found = sent_lines(overall.list_sent(property_ids=(), asked=asked, limit=limit))
    found += came_lines(
        inbox.list_came_in(property_ids=(), since=since, before=before, limit=limit, connection_id=connection_id)
    )
    return sorted(found, key=lambda one: one.at, reverse=True)[:limit]
