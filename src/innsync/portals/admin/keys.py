"""The keys of programs: made, replaced with an overlap, withdrawn; the secret is shown once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from innsync.apps.accounts.models import ApiKey
from innsync.apps.accounts.roles import Ability
from innsync.apps.accounts.selectors import forget_callers
from innsync.apps.accounts.services import UnknownApiKey
from innsync.apps.people import keys
from innsync.apps.people.rules import BeyondReach
from innsync.domain.errors import InvalidField
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin import shown_once
from innsync.portals.admin.managing import Reach, chosen_properties, in_days, in_words, manager_of, named
from innsync.portals.admin.pages import show
from innsync.portals.once import only_once
from innsync.portals.roles import scopes_explained
from innsync.portals.words import Condition

OVERLAPS_H = (0, 1, 24, 168)
MOST_CALLS = 1_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """A key as the list shows it."""

    key: ApiKey
    state: Condition
    properties: str
    limit: int

    @property
    def living(self) -> bool:
        return self.state.tone != "plain"


@page(Ability.MANAGE_PEOPLE)
def api_keys(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    now, found = datetime.now(UTC), keys.list_keys(manager_of(visitor))
    names = named(visitor, (one.property_ids for one in found))
    context = {
        "lines": [
            Line(
                one,
                key_state(one, now),
                in_words(one.property_ids, names),
                one.calls_per_minute or settings.API_CALLS_PER_MINUTE,
            )
            for one in found
        ],
        "fresh": shown_once.take(request, visitor, "api-key"),
        "scopes": scopes_explained(),
        "reach": Reach.of(visitor, visitor.access.property_ids),
        "usual_limit": settings.API_CALLS_PER_MINUTE,
        "zone": visitor.user.time_zone or "UTC",
        "now": now,
    }
    return show(request, visitor, "api_keys.html", context, section="api-keys")


def key_state(key: ApiKey, now: datetime) -> Condition:
    if key.revoked_at:
        return Condition(_("Withdrawn"), "plain")
    if key.expires_at is None:
        return Condition(_("Good"), "good")
    if key.expires_at <= now:
        return Condition(_("Ended"), "plain")
    return Condition(_("Replaced, ends soon") if key.replaced_by_id else _("Good for now"), "wait")


@action(Ability.MANAGE_PEOPLE, back="api-keys")
def create(request: HttpRequest, visitor: Visitor) -> Done | HttpResponse:
    return only_once(request, visitor, lambda: _create(request, visitor))


def _create(request: HttpRequest, visitor: Visitor) -> Done:
    key, secret = keys.create_key(
        manager=manager_of(visitor),
        name=request.POST.get("name", ""),
        scopes=request.POST.getlist("scope"),
        property_ids=chosen_properties(request, visitor),
        ip_allowlist=request.POST.get("addresses", "").replace(",", " ").split(),
        expires_at=in_days(request, "ends_in_days"),
        calls_per_minute=_limit(request),
        now=datetime.now(UTC),
    )
    return _show_once(request, visitor, key, secret)


def _limit(request: HttpRequest) -> int | None:
    text = request.POST.get("calls_per_minute", "").strip()
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= MOST_CALLS:
        raise InvalidField(field="/calls_per_minute", problem=_("must be a number from 1 to 1000000"))
    return int(text)


def _show_once(request: HttpRequest, visitor: Visitor, key: ApiKey, secret: str) -> Done:
    shown_once.put_by(request, visitor, "api-key", name=key.name, secret=secret)
    return Done(_("The key %(name)s is made.") % {"name": key.name}, "api-keys")


@page(Ability.MANAGE_PEOPLE)
def _ask_rotate(request: HttpRequest, visitor: Visitor, key_id: UUID) -> HttpResponse:
    return show(
        request,
        visitor,
        "api_key_rotate.html",
        {
            "key": _living(visitor, key_id),
            "overlaps": [(hours, overlap_words(hours)) for hours in OVERLAPS_H],
            "usual": 24,
        },
        section="api-keys",
    )


def overlap_words(hours: int) -> str:
    """How long an old secret still works."""
    return {0: pgettext("old secret", "Not at all"), 1: _("An hour"), 24: _("A day"), 168: _("A week")}[hours]


def read_overlap(request: HttpRequest) -> timedelta:
    """One of OVERLAPS_H. Raises InvalidField."""
    hours = request.POST.get("overlap", "")
    if hours not in {str(one) for one in OVERLAPS_H}:
        raise InvalidField(field="/overlap", problem=_("must be one of those offered"))
    return timedelta(hours=int(hours))


@action(Ability.MANAGE_PEOPLE, back="api-keys")
def _do_rotate(request: HttpRequest, visitor: Visitor, key_id: UUID) -> Done:
    key, secret = keys.rotate_key(
        manager=manager_of(visitor), key_id=key_id, grace=read_overlap(request), now=datetime.now(UTC)
    )
    forget_callers()
    return _show_once(request, visitor, key, secret)


rotate = confirmed(ask=_ask_rotate, do=_do_rotate)


@page(Ability.MANAGE_PEOPLE)
def _ask_revoke(request: HttpRequest, visitor: Visitor, key_id: UUID) -> HttpResponse:
    key = _living(visitor, key_id)
    context = {
        "title": _("Withdraw the key %(name)s?") % {"name": key.name},
        "advice": [
            _("Every program that uses it is refused within a second. It can't be undone."),
            _("To change a key without an interruption, replace it instead."),
        ],
        "do": _("Withdraw"),
        "grave": True,
        "back": reverse("api-keys"),
    }
    return show(request, visitor, "confirm.html", context, section="api-keys")


@action(Ability.MANAGE_PEOPLE, back="api-keys")
def _do_revoke(request: HttpRequest, visitor: Visitor, key_id: UUID) -> Done:
    key = keys.revoke_key(manager=manager_of(visitor), key_id=key_id, now=datetime.now(UTC))
    forget_callers()
    return Done(_("The key %(name)s is withdrawn.") % {"name": key.name}, "api-keys")


revoke = confirmed(ask=_ask_revoke, do=_do_revoke)


def _living(visitor: Visitor, key_id: UUID) -> ApiKey:
    """Raises Http404 for a key that is withdrawn, or not the visitor's to manage."""
    try:
        key = keys.get_key(manager_of(visitor), key_id)
    except (UnknownApiKey, BeyondReach):
        raise Http404 from None
    if key.revoked_at:
        raise Http404
    return key
