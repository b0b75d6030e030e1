"""What the desk does with a booking: check in and out, no-show, back again, cancel."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from innsync.apps.accounts.roles import Ability
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.rates.selectors import get_house
from innsync.apps.reservations import records
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.models import Booking
from innsync.apps.reservations.terms import cancelling_costs
from innsync.domain.booking_state import TRANSITIONS, BookingAction, BookingStatus, actions
from innsync.domain.errors import DomainError
from innsync.integrations.manifest import channel_name
from innsync.portals.access import Done, PageView, Visitor, action, confirmed, page
from innsync.portals.admin.calendar.refusals import nothing_changed
from innsync.portals.admin.choice import today_at
from innsync.portals.admin.pages import show
from innsync.portals.words import ACTIONS, BOOKING_STATES, DONE

IN_PASSING = frozenset(BookingAction) - {BookingAction.CANCEL}
"""What is done at once, since it can be taken back."""


def get_booking(visitor: Visitor, booking_id: UUID) -> Booking:
    """Raises Http404 for one that is not there, or not the visitor's to see."""
    return visitor.seen(Booking.objects.select_related("property", "connection").filter(id=booking_id).first())


def offered(booking: Booking) -> list[BookingAction]:
    """What may be done with it now: a channel's booking is ended at the channel alone, and nobody comes before their day."""
    never = set() if booking.channel == "direct" else {BookingAction.CANCEL, BookingAction.REINSTATE}
    if booking.check_in > today_at(booking.property):
        never |= {BookingAction.CHECK_IN, BookingAction.MARK_NO_SHOW}
    return [one for one in actions(BookingStatus(booking.status)) if one not in never]


@action(Ability.MANAGE_BOOKINGS, back="today")
def move_on(request: HttpRequest, visitor: Visitor, booking_id: UUID, action: str) -> Done:
    """One step along, if it is one of those offered; pressed twice it is done once, and said to be done."""
    if action not in IN_PASSING:
        raise Http404
    found = get_booking(visitor, booking_id)
    step, to = BookingAction(action), _back(request, found)
    if step not in offered(found):
        state = BOOKING_STATES[found.status].label
        if found.status in {after for (_before, each), after in TRANSITIONS.items() if each is step}:
            return Done(_("%(guest)s: %(state)s already.") % {"guest": found.guest_name, "state": state}, to)
        words = _("%(guest)s: “%(step)s” is not possible for this booking (%(state)s). Nothing was changed.")
        return Done(words % {"guest": found.guest_name, "step": ACTIONS[step], "state": state}, to, well=False)
    reservations.change_state(
        organization_id=visitor.access.organization_id,
        booking_id=found.id,
        action=step,
        now=datetime.now(UTC),
        actor=visitor.actor,
    )
    return Done(f"{found.guest_name}: {DONE[step]}", to)


def _back(request: HttpRequest, booking: Booking) -> str:
    """Where the button was, as far as that is a page of ours; else the booking."""
    to = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(to, allowed_hosts=None)
    return to if safe and to.startswith("/") else reverse("booking", args=[booking.id])


def booking_action(view: Callable[..., Done]) -> PageView:
    """Something done with a booking, all or nothing. A refusal leads back to the booking."""

    @wraps(view)
    def attempt(request: HttpRequest, visitor: Visitor, booking_id: UUID, **where: Any) -> Done:
        try:
            with tenant(visitor.access.organization_id):
                return view(request, visitor, booking_id=booking_id, **where)
        except DomainError as error:
            return Done(nothing_changed(error), reverse("booking", args=[booking_id]), well=False)

    return action(Ability.MANAGE_BOOKINGS, back="bookings", whole=False)(attempt)


@page(Ability.MANAGE_BOOKINGS)
def _ask_cancel(request: HttpRequest, visitor: Visitor, booking_id: UUID) -> HttpResponse:
    found = get_booking(visitor, booking_id)
    house = get_house(organization_id=visitor.access.organization_id, key=found.property_id)
    fee = cancelling_costs(house, records.load(booking_id=found.id), datetime.now(UTC))
    direct = found.channel == "direct"
    context = {
        "booking": found,
        "fee": fee,
        "channel": channel_name(found.channel),
        "direct": direct,
        "version": found.version,
        "back": reverse("booking", args=[found.id]),
    }
    return show(request, visitor, "cancel.html", context, section="bookings")


@action(Ability.MANAGE_BOOKINGS, back="bookings")
def _do_cancel(request: HttpRequest, visitor: Visitor, booking_id: UUID) -> Done:
    found = get_booking(visitor, booking_id)
    house = get_house(organization_id=visitor.access.organization_id, key=found.property_id)
    record = reservations.cancel(
        house=house,
        booking_id=found.id,
        now=datetime.now(UTC),
        actor=visitor.actor,
        expected_version=_version(request),
        waive_fee=request.POST.get("waive") == "1",
    )
    fee = record.cancellation_fee_minor
    words = _("Booking %(code)s is cancelled; its rooms are free again on every channel.") % {"code": record.code}
    if not fee:
        words += " " + _("No fee is due.")
    return Done(words, reverse("booking", args=[found.id]))


def _version(request: HttpRequest) -> int | None:
    text = request.POST.get("version", "")
    return int(text) if text.isdecimal() else None


cancel = confirmed(ask=_ask_cancel, do=_do_cancel)
