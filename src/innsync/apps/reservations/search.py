"""Finding a booking from the little that a person remembers of it."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q

from innsync.apps.reservations.models import Booking, RoomStay

MOST_FOUND = 50


def find_bookings(*, text: str, property_ids: Collection[UUID] = (), limit: int = MOST_FOUND) -> list[Booking]:
    """Bookings by our code, a channel's reference (also a former one), a direct seller's own, or part of a guest's name.

    The newest first; of these properties alone when any are named. Empty text finds the newest of all.
    """
    found = Booking.objects.select_related("property").order_by("-created_at", "-id")
    if property_ids:
        found = found.filter(property_id__in=property_ids)
    text = text.strip()
    if text:
        found = found.filter(
            Q(code=text.upper())
            | Q(channel_ref=text)
            | Q(former_refs__contains=[text])
            | Q(external_id=text)
            | Q(guest_name__icontains=text)
            | Q(id__in=RoomStay.objects.filter(guest_name__icontains=text).values("booking_id"))
        )
    return list(found[:limit])
