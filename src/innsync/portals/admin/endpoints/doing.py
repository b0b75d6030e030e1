"""What a person does with an endpoint: try it, stop it, have it go on, give it another secret, send again, remove it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from innsync.apps.accounts.roles import Ability
from innsync.apps.webhooks import endpoints, managed
from innsync.apps.webhooks.endpoints import LONGEST_REPLAY
from innsync.domain.errors import InvalidField
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin import shown_once
from innsync.portals.admin.endpoints.words import SECTION, get_endpoint
from innsync.portals.admin.keys import OVERLAPS_H, overlap_words, read_overlap
from innsync.portals.admin.managing import manager_of
from innsync.portals.admin.pages import show
from innsync.portals.once import only_once

USUAL_OVERLAP_H = 24


def _page_of(endpoint_id: UUID) -> str:
    return reverse("endpoint", args=[endpoint_id])


@action(Ability.MANAGE_PEOPLE, back="endpoints")
def test(request: HttpRequest, visitor: Visitor, endpoint_id: UUID) -> Done:
    found = get_endpoint(visitor, endpoint_id)
    if found.disabled_at is not None:
        return Done(_("It is disabled: enable it first, then a test is sent."), _page_of(found.id), well=False)
    endpoints.test(found, now=datetime.now(UTC))
    return Done(_("A test is on its way; what is answered shows below."), _page_of(found.id))


@action(Ability.MANAGE_PEOPLE, back="endpoints")
def disable(request: HttpRequest, visitor: Visitor, endpoint_id: UUID) -> Done:
    found = get_endpoint(visitor, endpoint_id)
    managed.disable(manager=manager_of(visitor), endpoint_id=found.id, now=datetime.now(UTC))
    return Done(_("Nothing is sent there any more. What happens from now on waits."), _page_of(found.id))


@page(Ability.MANAGE_PEOPLE)
def _ask_enable(request: HttpRequest, visitor: Visitor, endpoint_id: UUID) -> HttpResponse:
    context = {"endpoint": get_endpoint(visitor, endpoint_id)}
    return show(request, visitor, "endpoints/enable.html", context, section=SECTION)


@action(Ability.MANAGE_PEOPLE, back="endpoints")
def _do_enable(request: HttpRequest, visitor: Visitor, endpoint_id: UUID) -> Done:
    found = get_endpoint(visitor, endpoint_id)
    skip = request.POST.get("missed") == "skip"
    managed.enable(manager=manager_of(visitor), endpoint_id=found.id, skip=skip, now=datetime.now(UTC))
    words = (
        _("Events are sent there again, from now on.") if skip else _("Events are sent there again, the missed first.")
    )
    return Done(words, _page_of(found.id))


enable = confirmed(ask=_ask_enable, do=_do_enable)


@page(Ability.MANAGE_PEOPLE)
def _ask_rotate(request: HttpRequest, visitor: Visitor, endpoint_id: UUID) -> HttpResponse:
    context = {
        "endpoint": get_endpoint(visitor, endpoint_id),
        "overlaps": [(hours, overlap_words(hours)) for hours in OVERLAPS_H],
        "usual": USUAL_OVERLAP_H,
    }
    return show(request, visitor, "endpoints/rotate.html", context, section=SECTION)


@action(Ability.MANAGE_PEOPLE, back="endpoints")
def _do_rotate(request: HttpRequest, visitor: Visitor, endpoint_id: UUID) -> Done | HttpResponse:
    found = get_endpoint(visitor, endpoint_id)
    grace = read_overlap(request)

    def work() -> Done:
        _endpoint, secret = managed.rotate(
            manager=manager_of(visitor), endpoint_id=found.id, grace=grace, now=datetime.now(UTC)
        )
        shown_once.put_by(request, visitor, f"endpoint:{found.id}", name=found.host, secret=secret)
        return Done(_("From now on the new secret signs."), _page_of(found.id))

    return only_once(request, visitor, work)


rotate = confirmed(ask=_ask_rotate, do=_do_rotate)


@page(Ability.MANAGE_PEOPLE)
def _ask_replay(request: HttpRequest, visitor: Visitor, endpoint_id: UUID) -> HttpResponse:
    here = datetime.now(_zone(visitor))
    context = {
        "endpoint": get_endpoint(visitor, endpoint_id),
        "begin": _as_typed(here - timedelta(days=1)),
        "end": _as_typed(here),
        "days": LONGEST_REPLAY.days,
        "zone": str(_zone(visitor)),
    }
    return show(request, visitor, "endpoints/replay.html", context, section=SECTION)


@action(Ability.MANAGE_PEOPLE, back="endpoints")
def _do_replay(request: HttpRequest, visitor: Visitor, endpoint_id: UUID) -> Done:
    found = get_endpoint(visitor, endpoint_id)
    to = _page_of(found.id)
    if found.disabled_at is not None:
        return Done(_("It is disabled: enable it first, then events are sent again."), to, well=False)
    begin, end = (_moment(request, name, _zone(visitor)) for name in ("begin", "end"))
    count = endpoints.replay(found, begin=begin, end=end, now=datetime.now(UTC))
    if not count:
        return Done(_("Nothing that it is told of happened in that time."), to, well=False)
    words = ngettext("%(count)d event is sent again.", "%(count)d events are sent again, in their order.", count)
    return Done(words % {"count": count}, to)


replay = confirmed(ask=_ask_replay, do=_do_replay)


def _zone(visitor: Visitor) -> ZoneInfo:
    return ZoneInfo(visitor.user.time_zone or "UTC")


def _as_typed(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")


def _moment(request: HttpRequest, name: str, zone: ZoneInfo) -> datetime:
    """By the visitor's clocks. Raises InvalidField."""
    try:
        found = datetime.fromisoformat(request.POST.get(name, ""))
        return found.replace(tzinfo=zone).astimezone(UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidField(field=f"/{name}", problem=_("must be a date and a time")) from None


@page(Ability.MANAGE_PEOPLE)
def _ask_remove(request: HttpRequest, visitor: Visitor, endpoint_id: UUID) -> HttpResponse:
    found = get_endpoint(visitor, endpoint_id)
    context = {
        "title": _("Remove %(url)s?") % {"url": found.url},
        "advice": [
            _("Nothing is sent there any more, and the log of what was sent is forgotten. It can't be undone."),
            _("To stop for a while, disable it instead: then what happens meanwhile waits."),
        ],
        "do": _("Remove"),
        "grave": True,
        "back": _page_of(found.id),
    }
    return show(request, visitor, "confirm.html", context, section=SECTION)


@action(Ability.MANAGE_PEOPLE, back="endpoints")
def _do_remove(request: HttpRequest, visitor: Visitor, endpoint_id: UUID) -> Done:
    found = get_endpoint(visitor, endpoint_id)
    managed.remove(manager=manager_of(visitor), endpoint_id=found.id, now=datetime.now(UTC))
    return Done(_("%(host)s is told nothing any more.") % {"host": found.host}, reverse("endpoints"))


remove = confirmed(ask=_ask_remove, do=_do_remove)
