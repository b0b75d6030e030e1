"""How many rooms may be sold, where another system owns that: kept as how many of those that are left are withheld.

Every function works inside `tenant(...)` and commits or vanishes with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.events import services as events
from innsync.apps.inventory.models import Withholding
from innsync.apps.inventory.services import TypeNight, lock_types, open_nights
from innsync.domain.errors import DomainError
from innsync.domain.spans import Span, compress
from innsync.domain.wording import told

MOST_SHOWN = 5


@dataclass(eq=False)
class UnknownWithholding(DomainError):
    """No change of withheld rooms has that id."""

    change_id: str


@dataclass(eq=False)
class NothingToPutBack(DomainError):
    """All nights of the change were changed again since."""

    change_id: str


class Night(NamedTuple):
    """free: rooms neither out of order, sold nor held; negative after an oversale. withheld: how many of them."""

    free: int
    withheld: int


class Offered(NamedTuple):
    """What became of what was said.

    changed: withheld rooms (before, after). unchanged: how many nights. short: (asked, given) where more was said to be
    available than there is.
    """

    changed: dict[TypeNight, tuple[int, int]]
    unchanged: int
    short: dict[TypeNight, tuple[int, int]]


class WithheldSpan(NamedTuple):
    """Rooms of a type withheld on nights, both ends included, all by one change."""

    room_type_id: UUID
    first: date
    last: date
    rooms: int
    actor: str
    at: datetime


def offer(
    *,
    organization_id: UUID,
    property_id: UUID,
    available: Mapping[TypeNight, int | None],
    now: datetime,
    actor: str,
) -> Offered:
    """Let so many rooms of a type be sold on a night, as one change; None: all that are left.

    That is at this moment: a sale takes one of them away, and a cancellation adds one. Nights not known yet become so.
    """
    if not available:
        return Offered({}, 0, {})
    nights = _locked(property_id, available)
    wanted = {
        key: 0 if asked is None else max(0, nights[key].free - asked)
        for key, asked in available.items()
        if key in nights
    }
    short = {
        key: (asked, max(0, nights[key].free))
        for key, asked in available.items()
        if asked is not None and key in nights and asked > max(0, nights[key].free)
    }
    changed = _withhold(organization_id, property_id, nights, wanted, now, actor)
    return Offered(changed, len(available) - len(changed), short)


def offer_all(
    *, organization_id: UUID, property_id: UUID, room_type_id: UUID, first: date, last: date, now: datetime, actor: str
) -> int:
    """Withhold no room of the type any more from first to last, both included. Answers on how many nights there were some."""
    with sql() as cursor:
        days = cursor.execute(
            "SELECT day FROM inventory_stockday WHERE property_id = %s AND room_type_id = %s"
            " AND day BETWEEN %s AND %s AND withheld > 0",
            (property_id, room_type_id, first, last),
        ).fetchall()
    said = dict.fromkeys(((room_type_id, day) for (day,) in days), None)
    return len(
        offer(organization_id=organization_id, property_id=property_id, available=said, now=now, actor=actor).changed
    )


def put_back(*, organization_id: UUID, change_id: UUID, today: date, now: datetime, actor: str) -> int:
    """Withhold as before a change, on its nights that are not over and were not changed since. Answers how many.

    Raises UnknownWithholding, NothingToPutBack.
    """
    change = Withholding.objects.filter(id=change_id).first()
    if change is None:
        raise UnknownWithholding(change_id=str(change_id))
    made = {key: values for key, values in _unpacked(change.changes) if key[1] >= today}
    nights = _locked(change.property_id, made) if made else {}
    back = {key: before for key, (before, after) in made.items() if key in nights and nights[key].withheld == after}
    if not back:
        raise NothingToPutBack(change_id=str(change_id))
    changed = _withhold(organization_id, change.property_id, nights, back, now, actor, undoes=change.id)
    return len(changed)


def list_withheld(*, property_id: UUID, first: date, last: date) -> list[WithheldSpan]:
    """On these nights, both included, by room type and date."""
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT s.room_type_id, s.day, s.withheld, coalesce(w.actor, ''), coalesce(w.at, 'epoch'), w.id"
            " FROM inventory_stockday s LEFT JOIN inventory_withholding w ON w.id = s.withheld_by_id"
            " JOIN properties_roomtype t ON t.id = s.room_type_id"
            " WHERE s.property_id = %s AND s.day BETWEEN %s AND %s AND s.withheld > 0 ORDER BY t.position, t.code",
            (property_id, first, last),
        ).fetchall()
    by_type: dict[UUID, dict[date, tuple[int, str, datetime, UUID | None]]] = {}
    for room_type_id, day, rooms, actor, at, change_id in rows:
        by_type.setdefault(room_type_id, {})[day] = (rooms, actor, at, change_id)
    return [
        WithheldSpan(room_type_id, span.first, span.last, *span.value[:3])
        for room_type_id, nights in by_type.items()
        for span in compress(nights)
    ]


def list_withholdings(*, property_id: UUID) -> list[tuple[Withholding, bool]]:
    """The last changes, newest first, without their nights; whether somebody has undone them since."""
    found = list(Withholding.objects.filter(property_id=property_id).defer("changes").order_by("-id")[:MOST_SHOWN])
    undone = set(Withholding.objects.filter(undoes__in=[one.id for one in found]).values_list("undoes_id", flat=True))
    return [(one, one.id in undone) for one in found]


def _locked(property_id: UUID, keys: Mapping[TypeNight, object]) -> dict[TypeNight, Night]:
    """What there is on these nights, which nobody else changes until the transaction ends."""
    types = sorted({room_type_id for room_type_id, _ in keys})
    with sql() as cursor:
        # As whoever makes nights known: rooms first, then the counts.
        cursor.execute("SELECT 1 FROM properties_roomtype WHERE id = ANY(%s) ORDER BY id FOR SHARE", (types,))
        lock_types(cursor, types)
    nights = _read(property_id, keys)
    missing = [key for key in keys if key not in nights]
    if missing:
        open_nights(property_id=property_id, nights=missing)
        nights |= _read(property_id, dict.fromkeys(missing))
    return nights


def _read(property_id: UUID, keys: Mapping[TypeNight, object]) -> dict[TypeNight, Night]:
    days = [day for _, day in keys]
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT room_type_id, day, rooms - out_of_order - sold - held, withheld FROM inventory_stockday"
            " WHERE property_id = %s AND room_type_id = ANY(%s) AND day BETWEEN %s AND %s",
            (property_id, list({one for one, _ in keys}), min(days), max(days)),
        ).fetchall()
    return {(one, day): Night(free, withheld) for one, day, free, withheld in rows if (one, day) in keys}


_WITHHOLD = """
UPDATE inventory_stockday s
SET withheld = c.withheld, withheld_by_id = CASE WHEN c.withheld > 0 THEN %(change)s::uuid END
FROM unnest(%(types)s::uuid[], %(days)s::date[], %(withheld)s::int[]) AS c(room_type_id, day, withheld)
WHERE s.property_id = %(property)s AND s.day = c.day AND s.room_type_id = c.room_type_id
"""


def _withhold(
    organization_id: UUID,
    property_id: UUID,
    nights: Mapping[TypeNight, Night],
    wanted: Mapping[TypeNight, int],
    now: datetime,
    actor: str,
    undoes: UUID | None = None,
) -> dict[TypeNight, tuple[int, int]]:
    """Write what becomes another, remember it and tell every connection. Answers withheld rooms (before, after)."""
    changed = {key: (nights[key].withheld, after) for key, after in wanted.items() if nights[key].withheld != after}
    if not changed:
        return {}
    spans = list(_spans(changed))
    change = Withholding.objects.create(
        organization_id=organization_id,
        property_id=property_id,
        at=now,
        actor=actor,
        undoes_id=undoes,
        first=min(span.first for _, span in spans),
        last=max(span.last for _, span in spans),
        nights=len(changed),
        changes=_packed(spans),
    )
    with sql() as cursor:
        cursor.execute(
            _WITHHOLD,
            {
                "property": property_id,
                "change": change.id,
                "types": [room_type_id for room_type_id, _ in changed],
                "days": [day for _, day in changed],
                "withheld": [after for _, after in changed.values()],
            },
        )
    events.ari_changed(
        organization_id=organization_id,
        property_id=property_id,
        ari=[(room_type_id, span.first, span.last) for room_type_id, span in spans],
        cause=told(f"rooms withheld by {actor}"),
    )
    return changed


def _spans(changed: Mapping[TypeNight, tuple[int, int]]) -> Iterator[tuple[UUID, Span[tuple[int, int]]]]:
    by_type: dict[UUID, dict[date, tuple[int, int]]] = {}
    for (room_type_id, day), values in changed.items():
        by_type.setdefault(room_type_id, {})[day] = values
    for room_type_id, nights in by_type.items():
        for span in compress(nights):
            yield room_type_id, span


def _packed(spans: list[tuple[UUID, Span[tuple[int, int]]]]) -> dict[str, list[list[object]]]:
    packed: dict[str, list[list[object]]] = {}
    for room_type_id, span in spans:
        line = [span.first.isoformat(), span.last.isoformat(), *span.value]
        packed.setdefault(str(room_type_id), []).append(line)
    return packed


def _unpacked(changes: Mapping[str, list[tuple[str, str, int, int]]]) -> Iterator[tuple[TypeNight, tuple[int, int]]]:
    for room_type_id, lines in changes.items():
        for first, last, before, after in lines:
            for day in Span(date.fromisoformat(first), date.fromisoformat(last), None).nights():
                yield (UUID(room_type_id), day), (before, after)
