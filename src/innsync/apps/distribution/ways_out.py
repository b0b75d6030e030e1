"""What a person needs to see to settle an oversale: the stays on its nights, and where they could go."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution.models import Conflict
from innsync.apps.inventory.models import OutOfOrder
from innsync.apps.inventory.selectors import list_oversold

SHOWN = 50


@dataclass(frozen=True, slots=True)
class FreeType:
    """A room type with a room left on every night of a stay. left: rooms on the scarcest of these nights."""

    id: UUID
    name: str
    left: int


@dataclass(frozen=True, slots=True)
class ConcernedStay:
    """A room stay on the conflict's nights. latest: the one sold last, which made it an oversale."""

    id: UUID
    booking_id: UUID
    code: str
    status: str
    channel: str
    source: str
    guest_name: str
    check_in: date
    check_out: date
    booked_at: datetime
    latest: bool = False
    free: tuple[FreeType, ...] = ()


def list_conflicts(*, property_ids: Collection[UUID] = (), is_open: bool = True, limit: int = SHOWN) -> list[Conflict]:
    """Open conflicts by their first night, or those settled lately; of these properties alone when any are named."""
    found = Conflict.objects.select_related("property", "room_type", "booking")
    if property_ids:
        found = found.filter(property_id__in=property_ids)
    if is_open:
        return list(found.filter(state="open").order_by("first", "id")[:limit])
    return list(found.exclude(state="open").order_by("-resolved_at", "-id")[:limit])


def count_open_conflicts(*, property_ids: Collection[UUID] = ()) -> int:
    found = Conflict.objects.filter(state="open")
    return found.filter(property_id__in=property_ids).count() if property_ids else found.count()


def list_oversold_nights(conflict: Conflict) -> list[tuple[date, int]]:
    """(night, by how many rooms) of a conflict, in order."""
    rows = list_oversold(
        property_id=conflict.property_id,
        first=conflict.first,
        last=conflict.last,
        room_type_ids=[conflict.room_type_id],
    )
    return sorted((day, count) for _, day, count in rows)


_STAYS = """
SELECT s.id, b.id, b.code, b.status, b.channel, b.source, coalesce(nullif(s.guest_name, ''), b.guest_name),
  s.check_in, s.check_out, b.created_at
FROM reservations_roomstay s JOIN reservations_booking b ON b.id = s.booking_id
WHERE s.property_id = %(property)s AND s.room_type_id = %(type)s AND s.holds_stock
  AND s.check_in <= %(last)s AND s.check_out > %(first)s
ORDER BY b.created_at DESC, b.id DESC, s.position
"""

# A stay fits where every one of its nights is known and has a room left.
_FREE = """
SELECT stay.id, t.id, t.name, min(d.rooms - d.out_of_order - d.sold - d.held)
FROM unnest(%(stays)s::uuid[], %(ins)s::date[], %(outs)s::date[]) AS stay(id, check_in, check_out)
JOIN properties_roomtype t ON t.property_id = %(property)s AND t.id <> %(type)s
JOIN inventory_stockday d ON d.property_id = t.property_id AND d.room_type_id = t.id
  AND d.day >= stay.check_in AND d.day < stay.check_out
GROUP BY stay.id, stay.check_in, stay.check_out, t.id, t.name, t.position
HAVING count(*) = stay.check_out - stay.check_in AND min(d.rooms - d.out_of_order - d.sold - d.held) > 0
ORDER BY stay.id, t.position, t.name
"""


def list_concerned(conflict: Conflict) -> list[ConcernedStay]:
    """The stays that share the conflict's nights, the last sold first, each with the types it could move to."""
    about = {
        "property": conflict.property_id,
        "type": conflict.room_type_id,
        "first": conflict.first,
        "last": conflict.last,
    }
    with sql() as cursor:
        rows = cursor.execute(_STAYS, about).fetchall()
        free: dict[UUID, list[FreeType]] = {}
        stays = {
            "stays": [row[0] for row in rows],
            "ins": [row[7] for row in rows],
            "outs": [row[8] for row in rows],
        }
        for stay_id, *room_type in cursor.execute(_FREE, {**about, **stays}).fetchall():
            free.setdefault(stay_id, []).append(FreeType(*room_type))
    return [
        replace(ConcernedStay(*row), latest=row[1] == conflict.booking_id, free=tuple(free.get(row[0], ())))
        for row in rows
    ]


def list_releasable(conflict: Conflict) -> Sequence[OutOfOrder]:
    """Rooms of the type that are out of order on one of the conflict's nights at least."""
    return list(
        OutOfOrder.objects.select_related("room")
        .filter(
            room_type_id=conflict.room_type_id,
            released_at__isnull=True,
            first__lte=conflict.last,
            last__gte=conflict.first,
        )
        .order_by("first", "id")
    )
