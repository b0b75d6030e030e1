"""Conflicts: what was oversold, whom it concerns, and the ways out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from innsync.apps.accounts.roles import Ability
from innsync.apps.distribution import conflicts as services
from innsync.apps.distribution.models import Conflict
from innsync.apps.distribution.ways_out import (
    ConcernedStay,
    list_all_concerned,
    list_all_releasable,
    list_concerned,
    list_conflicts,
    list_oversold_nights,
)
from innsync.portals import formats
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.pages import get_conflict, show
from innsync.portals.admin.reading import needed_id
from innsync.portals.words import BOOKING_STATES, channel_name

CLOSES = lazy("The conflict closes as soon as the nights are free.")


@page(Ability.SEE_BOOKINGS)
def conflicts(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    seen = visitor.access.property_ids
    context = {
        "unsettled": _unsettled(list_conflicts(property_ids=seen)),
        "settled": list_conflicts(property_ids=seen, is_open=False),
    }
    return show(request, visitor, "conflicts.html", context, section="conflicts")


def _unsettled(conflicts: Sequence[Conflict]) -> list[dict[str, Any]]:
    """Each with what a person needs to settle it; asked of all at once."""
    nights, stays, blocks = (
        list_oversold_nights(conflicts),
        list_all_concerned(conflicts),
        list_all_releasable(conflicts),
    )
    return [
        {
            "conflict": one,
            "nights": nights[one.id],
            "stays": [
                {"stay": stay, "channel": channel_name(stay.channel), "state": BOOKING_STATES[stay.status]}
                for stay in stays[one.id]
            ],
            "releasable": blocks[one.id],
            "ask": next((channel_name(stay.channel) for stay in stays[one.id] if _may_be_asked(stay)), ""),
        }
        for one in conflicts
    ]


def _may_be_asked(stay: ConcernedStay) -> bool:
    return stay.latest and stay.channel != "direct"


def _stay(conflict: Conflict, **wanted: UUID) -> ConcernedStay:
    """The stay of this conflict with that id or booking. Raises Http404: a form may name anything."""
    for one in list_concerned(conflict):
        if all(getattr(one, name) == value for name, value in wanted.items()):
            return one
    raise Http404


@action(Ability.MANAGE_BOOKINGS, back="conflicts")
def move(request: HttpRequest, visitor: Visitor, conflict_id: UUID) -> Done:
    """To another type with rooms left; SoldOut when the last one went meanwhile."""
    conflict = get_conflict(visitor, conflict_id)
    stay = _stay(conflict, id=needed_id(request.POST.get("room_stay", "")))
    room_type_id = needed_id(request.POST.get("room_type", ""))
    services.resolve_by_moving(
        organization_id=visitor.access.organization_id,
        conflict_id=conflict.id,
        room_stay_id=stay.id,
        room_type_id=room_type_id,
        now=datetime.now(UTC),
        actor=visitor.actor,
    )
    name = next((one.name for one in stay.free if one.id == room_type_id), _("another room type"))
    return Done(
        _("%(guest)s moved to %(room_type)s, at the price agreed.") % {"guest": stay.guest_name, "room_type": name}
        + f" {CLOSES}",
        reverse("conflicts"),
    )


@action(Ability.MANAGE_BOOKINGS, back="conflicts")
def release(request: HttpRequest, visitor: Visitor, conflict_id: UUID) -> Done:
    conflict = get_conflict(visitor, conflict_id)
    services.resolve_by_release(
        organization_id=visitor.access.organization_id,
        conflict_id=conflict.id,
        out_of_order_id=needed_id(request.POST.get("block", "")),
        now=datetime.now(UTC),
        actor=visitor.actor,
    )
    return Done(_("The room is back in order.") + f" {CLOSES}", reverse("conflicts"))


@page(Ability.MANAGE_BOOKINGS)
def _ask_walk(request: HttpRequest, visitor: Visitor, conflict_id: UUID, booking_id: UUID) -> HttpResponse:
    conflict = get_conflict(visitor, conflict_id)
    stay = _stay(conflict, booking_id=booking_id)
    told_there = _("%(channel)s is not told by itself: report it there as walked.") % {
        "channel": channel_name(stay.channel)
    }
    context = {
        "title": _("Walk %(guest)s?") % {"guest": stay.guest_name},
        "advice": [
            _(
                "Booking %(code)s (%(first)s to %(last)s, all its rooms) ends here without a fee, and its nights are free"
                " again. This can't be undone."
            )
            % {
                "code": stay.code,
                "first": formats.short_day(stay.check_in),
                "last": formats.short_day(stay.check_out),
            },
            _("Find the guest a room elsewhere first: you pay for it, and for the way there."),
            *([] if stay.channel == "direct" else [told_there]),
        ],
        "do": _("Walk this guest"),
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
    return Done(
        _("Booking %(code)s has ended without a fee.") % {"code": stay.code} + f" {CLOSES}", reverse("conflicts")
    )


walk = confirmed(ask=_ask_walk, do=_do_walk)


@action(Ability.MANAGE_BOOKINGS, back="conflicts")
def ask(request: HttpRequest, visitor: Visitor, conflict_id: UUID) -> Done:
    """Only noted: no channel takes such a request from a program."""
    conflict = get_conflict(visitor, conflict_id)
    services.ask_channel(conflict_id=conflict.id, now=datetime.now(UTC), actor=visitor.actor)
    return Done(
        _("Noted. Ask the channel in its own extranet; the conflict closes when its cancellation arrives."),
        reverse("conflicts"),
    )
