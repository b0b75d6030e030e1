"""What a person needs to see to settle an oversale: the stays on its nights, and where they could go."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution.models import Conflict
from innsync.apps.inventory.counts import left_of
from innsync.apps.inventory.models import OutOfOrder

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


_CONFLICTS = """
unnest(%(ids)s::uuid[], %(properties)s::uuid[], %(types)s::uuid[], %(firsts)s::date[], %(lasts)s::date[])
  AS k(id, property_id, room_type_id, first, last)
"""
_NIGHTS = f"""
SELECT k.id, d.day, d.oversold
FROM {_CONFLICTS} JOIN inventory_stockday d ON d.property_id = k.property_id AND d.room_type_id = k.room_type_id
  AND d.day BETWEEN k.first AND k.last AND d.oversold > 0
ORDER BY d.day
"""  # noqa: S608  # constants of this module
_STAYS = f"""
SELECT k.id, s.id, b.id, b.code, b.status, b.channel, b.source, coalesce(nullif(s.guest_name, ''), b.guest_name),
  s.check_in, s.check_out, b.created_at
FROM {_CONFLICTS} JOIN reservations_roomstay s ON s.property_id = k.property_id AND s.room_type_id = k.room_type_id
  AND s.holds_stock AND s.check_in <= k.last AND s.check_out > k.first
JOIN reservations_booking b ON b.id = s.booking_id
ORDER BY b.created_at DESC, b.id DESC, s.position
"""  # noqa: S608

# A stay fits where every one of its nights is known and has a room left.
_FREE = f"""
SELECT stay.id, t.id, t.name, min({left_of("d")})
FROM unnest(%(stays)s::uuid[], %(properties)s::uuid[], %(types)s::uuid[], %(ins)s::date[], %(outs)s::date[])
  AS stay(id, property_id, room_type_id, check_in, check_out)
JOIN properties_roomtype t ON t.property_id = stay.property_id AND t.id <> stay.room_type_id
JOIN inventory_stockday d ON d.property_id = t.property_id AND d.room_type_id = t.id
  AND d.day >= stay.check_in AND d.day < stay.check_out
GROUP BY stay.id, stay.check_in, stay.check_out, t.id, t.name, t.position
HAVING count(*) = stay.check_out - stay.check_in AND min({left_of("d")}) > 0
ORDER BY stay.id, t.position, t.name
"""  # noqa: S608


def _asked(conflicts: Sequence[Conflict]) -> dict[str, list[object]]:
    return {
        "ids": [one.id for one in conflicts],
        "properties": [one.property_id for one in conflicts],
        "types": [one.room_type_id for one in conflicts],
        "firsts": [one.first for one in conflicts],
        "lasts": [one.last for one in conflicts],
    }


def list_oversold_nights(conflicts: Sequence[Conflict]) -> dict[UUID, list[tuple[date, int]]]:
    """(night, by how many rooms) of each conflict, in order."""
    found: dict[UUID, list[tuple[date, int]]] = {one.id: [] for one in conflicts}
    with sql() as cursor:
        for conflict_id, day, count in cursor.execute(_NIGHTS, _asked(conflicts)):
            found[conflict_id].append((day, count))
    return found


def list_all_concerned(conflicts: Sequence[Conflict]) -> dict[UUID, list[ConcernedStay]]:
    """For each conflict the stays that share its nights, the last sold first, each with the types it could move to."""
    by_id = {one.id: one for one in conflicts}
    found: dict[UUID, list[ConcernedStay]] = {one.id: [] for one in conflicts}
    with sql() as cursor:
        rows = cursor.execute(_STAYS, _asked(conflicts)).fetchall()
        # One stay may lie in several conflicts, and is looked at once.
        stays = {row[1]: (by_id[row[0]].property_id, by_id[row[0]].room_type_id, row[8], row[9]) for row in rows}
        asked = dict(zip(("properties", "types", "ins", "outs"), zip(*stays.values(), strict=True), strict=False))
        free: dict[UUID, list[FreeType]] = {}
        if stays:
            about = {"stays": list(stays), **{name: list(values) for name, values in asked.items()}}
            for stay_id, *room_type in cursor.execute(_FREE, about):
                free.setdefault(stay_id, []).append(FreeType(*room_type))
    for conflict_id, *row in rows:
        stay = ConcernedStay(*row)
        latest = stay.booking_id == by_id[conflict_id].booking_id
        found[conflict_id].append(replace(stay, latest=latest, free=tuple(free.get(stay.id, ()))))
    return found


def list_concerned(conflict: Conflict) -> list[ConcernedStay]:
    """The stays that share the conflict's nights, the last sold first, each with the types it could move to."""
    return list_all_concerned([conflict])[conflict.id]


def list_all_releasable(conflicts: Sequence[Conflict]) -> dict[UUID, list[OutOfOrder]]:
    """For each conflict the rooms of its type that are out of order on one of its nights at least."""
    blocks = list(
        OutOfOrder.objects.select_related("room")
        .filter(
            room_type_id__in={one.room_type_id for one in conflicts},
            released_at__isnull=True,
            first__lte=max((one.last for one in conflicts), default=date.min),
            last__gte=min((one.first for one in conflicts), default=date.max),
        )
        .order_by("first", "id")
    )
    return {
        one.id: [
            block
            for block in blocks
            if block.room_type_id == one.room_type_id and block.first <= one.last and block.last >= one.first
        ]
        for one in conflicts
    }


def list_releasable(conflict: Conflict) -> list[OutOfOrder]:
    """Rooms of the type that are out of order on one of the conflict's nights at least."""
    return list_all_releasable([conflict])[conflict.id]
