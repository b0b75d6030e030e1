"""Conflicts: what was oversold, whom it concerns, and the ways out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from innsync.apps.accounts.roles import Ability
from innsync.apps.distribution import conflicts as services
from innsync.apps.distribution.models import Conflict
from innsync.apps.distribution.ways_out import (
    ConcernedStay,
    list_concerned,
    list_conflicts,
    list_oversold_nights,
    list_releasable,
)
from innsync.integrations.manifest import channel_name
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.pages import get_conflict, show
from innsync.portals.words import BOOKING_STATES

CLOSES = "The conflict closes as soon as the nights are free."


@page(Ability.SEE_BOOKINGS)
def conflicts(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    seen = visitor.access.property_ids
    context = {
        "unsettled": [_unsettled(one) for one in list_conflicts(property_ids=seen)],
        "settled": list_conflicts(property_ids=seen, is_open=False),
    }
    return show(request, visitor, "conflicts.html", context, section="conflicts")


def _unsettled(conflict: Conflict) -> dict[str, Any]:
    stays = list_concerned(conflict)
    asked = next((one for one in stays if one.latest and one.channel != "direct"), None)
    return {
        "conflict": conflict,
        "nights": list_oversold_nights(conflict),
        "stays": [
            {"stay": one, "channel": channel_name(one.channel), "state": BOOKING_STATES[one.status]} for one in stays
        ],
        "releasable": list_releasable(conflict),
        "ask": channel_name(asked.channel) if asked else "",
    }


def _stay(conflict: Conflict, **wanted: UUID) -> ConcernedStay:
    """The stay of this conflict with that id or booking. Raises Http404: a form may name anything."""
    for one in list_concerned(conflict):
        if all(getattr(one, name) == value for name, value in wanted.items()):
            return one
    raise Http404


def _uuid(request: HttpRequest, name: str) -> UUID:
    try:
        return UUID(request.POST.get(name, ""))
    except ValueError:
        raise Http404 from None


@action(Ability.MANAGE_BOOKINGS, back="conflicts")
def move(request: HttpRequest, visitor: Visitor, conflict_id: UUID) -> Done:
    """To another type with rooms left; SoldOut when the last one went meanwhile."""
    conflict = get_conflict(visitor, conflict_id)
    stay = _stay(conflict, id=_uuid(request, "room_stay"))
    room_type_id = _uuid(request, "room_type")
    services.resolve_by_moving(
        organization_id=visitor.access.organization_id,
        conflict_id=conflict.id,
        room_stay_id=stay.id,
        room_type_id=room_type_id,
        now=datetime.now(UTC),
        actor=visitor.actor,
    )
    name = next((one.name for one in stay.free if one.id == room_type_id), "another room type")
    return Done(f"{stay.guest_name} moved to {name}, at the price agreed. {CLOSES}", reverse("conflicts"))


@action(Ability.MANAGE_BOOKINGS, back="conflicts")
def release(request: HttpRequest, visitor: Visitor, conflict_id: UUID) -> Done:
    conflict = get_conflict(visitor, conflict_id)
    services.resolve_by_release(
        organization_id=visitor.access.organization_id,
        conflict_id=conflict.id,
        out_of_order_id=_uuid(request, "block"),
        now=datetime.now(UTC),
        actor=visitor.actor,
    )
    return Done(f"The room is back in order. {CLOSES}", reverse("conflicts"))


@page(Ability.MANAGE_BOOKINGS)
def _ask_walk(request: HttpRequest, visitor: Visitor, conflict_id: UUID, booking_id: UUID) -> HttpResponse:
    conflict = get_conflict(visitor, conflict_id)
    stay = _stay(conflict, booking_id=booking_id)
    channel = channel_name(stay.channel)
    context = {
        "title": f"Walk {stay.guest_name}?",
        "advice": [
            f"Booking {stay.code} ({stay.check_in:%-d %b %Y} to {stay.check_out:%-d %b %Y}, all its rooms) ends here"
            " without a fee, and its nights are free again. This can't be undone.",
            "Find the guest a room elsewhere first: you pay for it, and for the way there.",
            *([] if stay.channel == "direct" else [f"{channel} is not told by itself: report it there as walked."]),
        ],
        "do": "Walk this guest",
        "grave": True,
        "back": reverse("conflicts"),
    }
    return show(request, visitor, "confirm.html", context, section="conflicts")


@action(Ability.MANAGE_BOOKINGS, back="conflicts")
def _do_walk(request: HttpRequest, visitor: Visitor, conflict_id: UUID, booking_id: UUID) -> Done:
    conflict = get_conflict(visitor, conflict_id)
    stay = _stay(conflict, booking_id=booking_id)
    services.resolve_by_walking(
        organization_id=visitor.access.organization_id,
        conflict_id=conflict.id,
        booking_id=booking_id,
        now=datetime.now(UTC),
        actor=visitor.actor,
    )
    return Done(f"Booking {stay.code} has ended without a fee. {CLOSES}", reverse("conflicts"))


walk = confirmed(ask=_ask_walk, do=_do_walk)


@action(Ability.MANAGE_BOOKINGS, back="conflicts")
def ask(request: HttpRequest, visitor: Visitor, conflict_id: UUID) -> Done:
    """Only noted: no channel takes such a request from a program."""
    conflict = get_conflict(visitor, conflict_id)
    services.ask_channel(conflict_id=conflict.id, now=datetime.now(UTC), actor=visitor.actor)
    return Done(
        "Noted. Ask the channel in its own extranet; the conflict closes when its cancellation arrives.",
        reverse("conflicts"),
    )
