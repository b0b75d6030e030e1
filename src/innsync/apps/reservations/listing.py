"""All bookings of a property, in pages."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple
from uuid import UUID

from django.db.models import Prefetch, Q

from innsync.apps.reservations.models import Booking, RoomStay


class Place(NamedTuple):
    """Where a page begins: behind this booking."""

    check_in: date
    id: UUID


def list_bookings_of(
    *, organization_id: UUID, property_id: UUID, first: date, last: date | None, after: Place | None, limit: int
) -> list[Booking]:
    """Bookings whose guests stay, or leave, on a day from first to last (None: any later one), by arrival.

    With their room stays, types and rooms. In a tenant transaction.
    """
    # Named here too: row-level security alone is no condition that an index serves.
    found = Booking.objects.filter(organization_id=organization_id, property_id=property_id, check_out__gte=first)
    if last is not None:
        found = found.filter(check_in__lte=last)
    if after is not None:
        found = found.filter(Q(check_in__gt=after.check_in) | Q(check_in=after.check_in, id__gt=after.id))
    stays = RoomStay.objects.select_related("room_type", "room")
    return list(found.prefetch_related(Prefetch("room_stays", stays)).order_by("check_in", "id")[:limit])
