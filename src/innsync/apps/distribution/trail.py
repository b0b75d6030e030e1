"""The trail of one night at one connection: what it should show, what the channel confirmed, and why.

From cause to answer: the bookings and blocks that hold rooms, the rules and who set them, what still waits and since
when, what the channel refused, and the messages that told it of the night.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from innsync.apps.distribution import acknowledged
from innsync.apps.distribution.models import Connection, Dirty, PushLog, RefusedCell
from innsync.apps.distribution.push_records import BODY_KEPT
from innsync.apps.distribution.reconcile import wanted_calendars
from innsync.apps.distribution.selectors import Linked, load_linked
from innsync.apps.distribution.wanted import RateMap, RoomMap
from innsync.apps.inventory.counts import Count, list_counts
from innsync.apps.inventory.models import OutOfOrder
from innsync.apps.rates.history import CellEntry, list_cell_history
from innsync.apps.rates.selectors import list_rate_rows
from innsync.apps.reservations.models import RoomStay
from innsync.domain.ari import Target
from innsync.domain.products import RateRow, effective_price, effective_rules, lineage_of
from innsync.domain.rate_cells import FIELDS
from innsync.domain.restrictions import DayRules

PUSHES = 15
PRICES, RULES = 30, 200
"""Changes of a night that are told."""
PUSHES_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class TrailCell:
    """One value there. wanted None: nothing to say; confirmed None: not known. refused: the channel's words for `wanted`."""

    field: str
    wanted: int | None
    confirmed: int | None
    refused: str = ""

    @property
    def agrees(self) -> bool:
        return self.wanted is None or self.wanted == self.confirmed


@dataclass(frozen=True, slots=True)
class RateTrail:
    """One rate there. price: ours for the base occupancy, minor units of the property's currency; None: none is set.

    rules: ours, before they are said in the channel's own way. outside_window: too soon or too far ahead for the plan.
    changes: who set what of this night, newest first.
    """

    mapping: RateMap
    plan: str
    cells: list[TrailCell]
    price: int | None
    rules: DayRules
    outside_window: bool
    changes: list[CellEntry]


@dataclass(frozen=True, slots=True)
class Trail:
    """All there is to say of one room type on one night at one connection. room None: the type is not mapped there.

    beyond: the night is past, or further ahead than the connection or the property sells. stays: those that hold a room
    of the type that night, the latest booked first. blocks: rooms out of order. waiting: changes of the night that were
    not yet sent. pushes: messages whose nights take in this one and that name the room there, newest first.
    """

    connection: Connection
    day: date
    room: RoomMap | None
    cells: list[TrailCell]
    rates: list[RateTrail]
    count: Count | None
    stays: list[RoomStay]
    blocks: list[OutOfOrder]
    beyond: bool
    waiting: list[Dirty]
    pushes: list[PushLog]


def trail_of(*, connection_id: UUID, room_type_id: UUID, day: date, now: datetime) -> Trail:
    """In a tenant transaction; a number of statements that does not grow with what is there.

    Raises Connection.DoesNotExist for a connection that is not this organization's.
    """
    linked = load_linked(connection_id=connection_id)
    link, house = linked.connection, linked.house
    today, last = linked.window(now)
    rooms = [one for one in linked.rooms if one.room_type_id == room_type_id]
    rates = [one for one in linked.rates if one.room_type_id == room_type_id]
    targets = [*(one.target for one in rooms), *(one.target for one in rates)]
    layouts = {target: layout for target, layout in linked.layouts().items() if target in targets}
    beyond = not today <= day <= last
    cells = _cells(linked, layouts, day, today) if not beyond else {}
    rows = list_rate_rows(property_id=house.id, first=day, last=day)
    history = _history(house.id, _lineages(linked, rates), day)
    return Trail(
        connection=link,
        day=day,
        room=rooms[0] if rooms else None,
        cells=cells.get(rooms[0].target, []) if rooms else [],
        rates=[
            _rate(linked, one, cells.get(one.target, []), rows[0] if rows else None, history, (day - today).days)
            for one in rates
        ],
        count=list_counts(property_id=house.id, first=day, last=day).get((room_type_id, day)),
        stays=list(
            RoomStay.objects.filter(
                property_id=house.id, room_type_id=room_type_id, holds_stock=True, check_in__lte=day, check_out__gt=day
            )
            .select_related("booking", "room")
            .order_by("-booking__created_at", "id")
        ),
        blocks=list(
            OutOfOrder.objects.filter(
                property_id=house.id, room_type_id=room_type_id, first__lte=day, last__gte=day, released_at=None
            ).select_related("room")
        ),
        beyond=beyond or day >= today + timedelta(days=house.sellable_days),
        waiting=_waiting(link.id, room_type_id, day),
        pushes=_pushes(link.id, day, [target.room for target in targets]),
    )


def _cells(
    linked: Linked, layouts: dict[Target, tuple[str, ...]], day: date, today: date
) -> dict[Target, list[TrailCell]]:
    wanted = wanted_calendars(linked, dict.fromkeys(layouts, (day, day)), today=today)
    known = acknowledged.load(connection_id=linked.id, layouts=layouts, first=day, last=day)
    refused = {
        (Target(one.room, one.rate or None), one.field): one
        for one in RefusedCell.objects.filter(connection_id=linked.id, day=day)
    }
    found: dict[Target, list[TrailCell]] = {}
    for target, layout in layouts.items():
        found[target] = []
        for field, value, held in zip(layout, wanted[target].row(day), known[target].row(day), strict=True):
            refusal = refused.get((target, field))
            words = refusal.words if refusal is not None and refusal.value == value else ""
            found[target].append(TrailCell(field, value, held, words))
    return found


def _rate(
    linked: Linked,
    mapping: RateMap,
    cells: list[TrailCell],
    row: RateRow | None,
    history: Sequence[CellEntry],
    ahead: int,
) -> RateTrail:
    by_slot = linked.house.facts.by_slot
    product = by_slot[mapping.slot]
    window = product.window
    lineage = lineage_of(mapping.slot, by_slot)
    return RateTrail(
        mapping=mapping,
        plan=next((plan.name for plan in linked.house.plans.values() if plan.id == product.rate_plan_id), ""),
        cells=cells,
        price=effective_price(row, product, by_slot),
        rules=effective_rules(row, product, by_slot),
        outside_window=ahead < window.min_advance_days
        or (window.max_advance_days is not None and ahead > window.max_advance_days),
        changes=[one for one in history if one.cell.slot in lineage],
    )


def _history(property_id: UUID, slots: Sequence[int], day: date) -> list[CellEntry]:
    """The rules apart from the prices, which change so often that nobody would learn who stopped the sale."""
    prices = list_cell_history(property_id=property_id, slots=slots, day=day, fields=["price"], limit=PRICES)
    rules = [one for one in FIELDS if one != "price"]
    found = list_cell_history(property_id=property_id, slots=slots, day=day, fields=rules, limit=RULES)
    return sorted([*found, *prices], key=lambda one: one.change_id, reverse=True)


def _lineages(linked: Linked, rates: Sequence[RateMap]) -> list[int]:
    return sorted({slot for one in rates for slot in lineage_of(one.slot, linked.house.facts.by_slot)})


def _waiting(connection_id: UUID, room_type_id: UUID, day: date) -> list[Dirty]:
    """The caller checked whose connection it is: these rows stand outside row-level security."""
    found = Dirty.objects.filter(connection_id=connection_id, first__lte=day, last__gte=day).order_by("since", "id")
    return [one for one in found[:PUSHES_LOOKED_AT] if one.room_type_id in (None, room_type_id)]


def _pushes(connection_id: UUID, day: date, rooms: Sequence[str]) -> list[PushLog]:
    """A body that was cut counts as naming every room."""
    looked_at = PushLog.objects.filter(connection_id=connection_id, first__lte=day, last__gte=day).order_by("-at")
    named = (
        one
        for one in looked_at[:PUSHES_LOOKED_AT]
        if len(one.body) >= BODY_KEPT or any(room in one.body for room in rooms)
    )
    return [one for one, _ in zip(named, range(PUSHES), strict=False)]
