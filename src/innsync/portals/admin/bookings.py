"""Finding bookings, and all there is to know of one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse

from innsync.apps.inbox.selectors import list_of_booking
from innsync.apps.reservations.models import Booking, RoomStay
from innsync.apps.reservations.search import MOST_FOUND, find_bookings
from innsync.domain.money import Money
from innsync.integrations.manifest import channel_name
from innsync.portals.access import Visitor, page
from innsync.portals.admin.history import entries
from innsync.portals.admin.inbox import line
from innsync.portals.admin.pages import show
from innsync.portals.words import BOOKING_STATES


@page()
def search(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    text = request.GET.get("q", "").strip()[:200]
    found = find_bookings(text=text, property_ids=visitor.access.property_ids, limit=MOST_FOUND + 1)
    context = {"text": text, "found": [_line(one) for one in found[:MOST_FOUND]], "more": len(found) > MOST_FOUND}
    return show(request, visitor, "bookings.html", context, section="bookings")


def _line(booking: Booking) -> dict[str, Any]:
    return {
        "booking": booking,
        "channel": channel_name(booking.channel),
        "state": BOOKING_STATES[booking.status],
        "total": Money(booking.total_minor, booking.currency),
    }


@page()
def booking(request: HttpRequest, visitor: Visitor, booking_id: UUID) -> HttpResponse:
    found = Booking.objects.select_related("property", "connection").filter(id=booking_id).first()
    if found is None or not visitor.access.sees(found.property_id):
        raise Http404
    stays = list(found.room_stays.select_related("room_type", "rate_plan", "room"))
    context = {
        **_line(found),
        "stays": [_stay(stay, found.currency) for stay in stays],
        "charges": [
            (one["name"], Money(one["minor"], found.currency), bool(one.get("included"))) for one in found.charges
        ],
        "fee": Money(found.cancellation_fee_minor, found.currency)
        if found.cancellation_fee_minor is not None
        else None,
        "history": entries(found),
        "messages_behind": [line(one) for one in list_of_booking(booking_id=found.id)],
    }
    return show(request, visitor, "booking.html", context, section="bookings")


def _stay(stay: RoomStay, currency: str) -> dict[str, Any]:
    nights = [
        (stay.check_in + timedelta(days=offset), Money(minor, currency))
        for offset, minor in enumerate(stay.nightly_minor)
    ]
    return {"stay": stay, "nights": nights, "total": Money(stay.total_minor, currency)}
