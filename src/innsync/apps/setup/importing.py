"""Rooms and rates from a file: looked at first, with everything that is wrong by line, then taken in whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from innsync.apps.properties.models import Property, Room, RoomType
from innsync.apps.rates import services as rates
from innsync.apps.rates.bulk import MOST_OF_A_CHANGE
from innsync.apps.rates.selectors import House, list_rate_rows
from innsync.apps.rates.services import LONGEST_EDIT_DAYS, RateEdit
from innsync.apps.setup import changing
from innsync.apps.setup.services import (
    MOST_ROOMS_AT_ONCE,
    NewRoomType,
    add_more_rooms,
    add_room_type,
    read_room_names,
)
from innsync.apps.setup.sheets import CLEAR, Problems, Row, read_sheet
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.products import RateRow
from innsync.domain.rate_cells import FLAGS, LIMITS, CellChange, changes
from innsync.domain.wording import told

ROOM_COLUMNS = ("room_type", "rooms", "max_adults", "max_children", "max_occupancy", "size_m2", "price", "description")
RATE_COLUMNS = (
    "room_type",
    "rate_plan",
    "first",
    "last",
    "weekdays",
    "price",
    "min_stay_arrival",
    "min_stay_through",
    "max_stay",
    "closed_to_arrival",
    "closed_to_departure",
    "stop_sell",
)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DETAILS = ("max_adults", "max_children", "max_occupancy", "size_m2", "description")


@dataclass(eq=False)
class FileChanged(DomainError):
    """What the file would do is not what was looked at any more; nothing was done."""


@dataclass(slots=True)
class TypePlan:
    """A room type of the file. known: ours, None for a new one. details: what the file says of it; price: to begin with."""

    name: str
    known: RoomType | None
    line: int
    details: dict[str, Any] = field(default_factory=dict)
    price: int | None = None
    rooms: list[str] = field(default_factory=list)

    @property
    def changed(self) -> dict[str, Any]:
        """The details that a known type has otherwise."""
        if self.known is None:
            return {}
        return {name: value for name, value in self.details.items() if getattr(self.known, name) != value}


@dataclass(frozen=True, slots=True)
class RoomsPlan:
    """What a file of rooms would do. same: rooms that are there already."""

    types: tuple[TypePlan, ...]
    same: int
    problems: Problems

    @property
    def nothing(self) -> bool:
        return not any(one.known is None or one.rooms or one.changed for one in self.types)

    @property
    def fingerprint(self) -> str:
        said = [
            (one.name, one.known and one.known.id, sorted(one.changed.items()), one.price, one.rooms)
            for one in self.types
        ]
        return _fingerprint(said)


@dataclass(frozen=True, slots=True)
class RatesPlan:
    """What a file of rates would do. same: cells that are so already. edits: one a line, a later one wins."""

    edits: tuple[RateEdit, ...]
    changes: tuple[CellChange, ...]
    same: int
    problems: Problems

    @property
    def nothing(self) -> bool:
        return not self.changes

    @property
    def fingerprint(self) -> str:
        return _fingerprint(self.changes)


def _fingerprint(said: object) -> str:
    return hashlib.sha256(repr(said).encode()).hexdigest()[:32]


def plan_rooms(*, prop: Property, content: bytes) -> RoomsPlan:
    """Look what a file of rooms would do. Existing types and rooms are found by name or code; nothing is removed."""
    problems = Problems()
    known = list(RoomType.objects.filter(property=prop, retired_at=None))
    by_key = {key.casefold(): one for one in reversed(known) for key in (one.name, one.code)}
    there = {one.name: one.room_type_id for one in Room.objects.filter(property=prop)}
    types: dict[str, TypePlan] = {}
    seen: dict[str, int] = {}
    same = 0
    for row in read_sheet(content, needed=("room_type", "rooms"), known=ROOM_COLUMNS, problems=problems):
        name = row.needed("room_type")
        found = by_key.get(name.casefold())
        key = str(found.id) if found else name.casefold()
        plan = types.setdefault(key, TypePlan(name, found, row.line))
        _describe(plan, row, prop.currency, new=found is None)
        for room in _rooms(row):
            if room in seen:
                problems.add(row.line, "rooms", told(f"names {room} again, as line {seen[room]} does"))
            elif room not in there:
                plan.rooms.append(room)
            elif found is not None and there[room] == found.id:
                same += 1
            else:
                problems.add(row.line, "rooms", told(f"names {room}, which is a room of another type"))
            seen.setdefault(room, row.line)
    for plan in types.values():
        _check_type(plan, problems)
    return RoomsPlan(tuple(types.values()), same, problems)


def _rooms(row: Row) -> list[str]:
    text = row.needed("rooms", most=4000)
    try:
        names = read_room_names(text)
    except InvalidField as refusal:
        row.problems.add(row.line, "rooms", refusal.problem)
        return []
    if long := next((name for name in names if len(name) > 40), ""):
        row.problems.add(row.line, "rooms", told(f"{long[:60]}: a name has at most 40 letters"))
        return []
    return names


def _describe(plan: TypePlan, row: Row, currency: str, *, new: bool) -> None:
    said: dict[str, Any] = {
        "max_adults": row.number("max_adults", least=1, most=50),
        "max_children": row.number("max_children", least=0, most=50),
        "max_occupancy": row.number("max_occupancy", least=1, most=99),
        "size_m2": row.number("size_m2", least=1, most=10_000),
        "description": row.text("description", most=5000) or None,
    }
    for name, value in said.items():
        if value is None:
            continue
        if plan.details.setdefault(name, value) != value:
            row.problems.add(row.line, name, told("is said otherwise of this room type in an earlier line"))
    price = row.price("price", currency)
    if price is not None and not new:
        row.problems.add(row.line, "price", told("is only for new room types: import rates for those that are there"))
    elif price is not None:
        plan.price = plan.price or price


def _check_type(plan: TypePlan, problems: Problems) -> None:
    said = plan.details
    adults = said.get("max_adults", plan.known.max_adults if plan.known else 2)
    children = said.get("max_children", plan.known.max_children if plan.known else 0)
    most = said.get("max_occupancy", plan.known.max_occupancy if plan.known else adults + children)
    if most < adults:
        problems.add(plan.line, "max_occupancy", told("must be at least as many as adults"))
    if plan.known is None and not plan.rooms:
        problems.add(plan.line, "rooms", told("names no room of this new type"))
    if len(plan.rooms) > MOST_ROOMS_AT_ONCE:
        problems.add(plan.line, "rooms", told(f"names more than {MOST_ROOMS_AT_ONCE} rooms of one type"))


def import_rooms(*, prop: Property, content: bytes, fingerprint: str, now: datetime, actor: str) -> RoomsPlan:
    """Do what was looked at, all of it. Raises FileChanged."""
    Property.objects.select_for_update().get(id=prop.id)
    plan = plan_rooms(prop=prop, content=content)
    if plan.problems.found or plan.fingerprint != fingerprint:
        raise FileChanged
    for one in plan.types:
        if one.known is None:
            _make_type(prop, one, now, actor)
            continue
        if one.changed:
            _change_type(one.known, one.changed, now, actor)
        if one.rooms:
            add_more_rooms(room_type=one.known, names=one.rooms, now=now, actor=actor)
    return plan


def _make_type(prop: Property, plan: TypePlan, now: datetime, actor: str) -> None:
    said = plan.details
    adults, children = said.get("max_adults", 2), said.get("max_children", 0)
    made = add_room_type(
        prop=prop,
        new=NewRoomType(
            name=plan.name,
            rooms=plan.rooms,
            max_adults=adults,
            max_children=children,
            max_occupancy=said.get("max_occupancy", adults + children),
            price_minor=plan.price,
        ),
        now=now,
        actor=actor,
    )
    for name in ("size_m2", "description"):
        if name in said:
            setattr(made, name, said[name])
    made.save(update_fields=["size_m2", "description"])


def _change_type(room_type: RoomType, changed: Mapping[str, Any], now: datetime, actor: str) -> None:
    details = {name: getattr(room_type, name) for name in ("name", *_DETAILS, "amenities")} | dict(changed)
    details["amenities"] = [one for one in details["amenities"] if isinstance(one, str)]
    beds = {one["kind"]: one["count"] for one in room_type.beds if isinstance(one, dict)}
    changing.change_room_type(room_type=room_type, details=details, beds=beds, now=now, actor=actor)


def plan_rates(*, house: House, content: bytes, today: date) -> RatesPlan:
    """Look what a file of rates would do; nights that are over are left out of its spans."""
    problems = Problems()
    types = {key.casefold(): one.id for one in reversed(house.present_types()) for key in (one.name, one.code)}
    plans = {key.casefold(): one.id for one in reversed(house.present_plans()) for key in (one.name, one.code)}
    products = {(one.room_type_id, one.rate_plan_id): one.slot for one in house.facts.products if one.sold}
    ids = {slot: product_id for product_id, slot in house.product_ids.items()}
    edits: list[RateEdit] = []
    cells = 0
    for row in read_sheet(
        content, needed=("room_type", "rate_plan", "first", "last"), known=RATE_COLUMNS, problems=problems
    ):
        slot = _slot(row, types, plans, products)
        span = _span(row, today)
        weekdays, values = _weekdays(row), _values(row, house.currency)
        if slot is None or span is None:
            continue
        edit = RateEdit(ids[slot], *span, values, weekdays)
        cells += len(edit.days()) * len(values)
        if cells > MOST_OF_A_CHANGE:
            problems.add(row.line, "", told("makes the change too large: take the file in parts"))
            break
        edits.append(edit)
    if problems.found or not edits:
        return RatesPlan(tuple(edits), (), 0, problems)
    values_by_cell = rates.cells_of(edits, house.product_ids)
    if not values_by_cell:
        return RatesPlan(tuple(edits), (), 0, problems)
    first, last = min(day for _, day, _ in values_by_cell), max(day for _, day, _ in values_by_cell)
    rows: dict[date, RateRow] = {one.day: one for one in list_rate_rows(property_id=house.id, first=first, last=last)}
    found = changes(rows, values_by_cell)
    return RatesPlan(tuple(edits), tuple(found), len(values_by_cell) - len(found), problems)


def _slot(row: Row, types: Mapping[str, Any], plans: Mapping[str, UUID], products: Mapping[Any, int]) -> int | None:
    room_type, plan = row.needed("room_type"), row.needed("rate_plan")
    type_id, plan_id = types.get(room_type.casefold()), plans.get(plan.casefold())
    if room_type and type_id is None:
        row.problems.add(row.line, "room_type", told(f"{room_type[:60]} is no room type here"))
    if plan and plan_id is None:
        row.problems.add(row.line, "rate_plan", told(f"{plan[:60]} is no rate plan here"))
    if type_id is None or plan_id is None:
        return None
    slot = products.get((type_id, plan_id))
    if slot is None:
        row.problems.add(row.line, "rate_plan", told(f"{plan[:60]} is not sold for this room type"))
    return slot


def _span(row: Row, today: date) -> tuple[date, date] | None:
    first, last = row.night("first"), row.night("last")
    if first is None or last is None:
        return None
    if last < first:
        row.problems.add(row.line, "last", told("must not be before the first night"))
    elif last < today:
        row.problems.add(row.line, "last", told("is over"))
    elif last >= today + timedelta(days=LONGEST_EDIT_DAYS):
        row.problems.add(row.line, "last", told("is too far ahead"))
    else:
        return max(first, today), last
    return None


def _weekdays(row: Row) -> frozenset[int]:
    found: set[int] = set()
    for word in row.text("weekdays").lower().replace(";", " ").replace(",", " ").split():
        if word[:3] in _WEEKDAYS:
            found.add(_WEEKDAYS.index(word[:3]))
        else:
            row.problems.add(
                row.line, "weekdays", told(f"{word[:20]} is no weekday: mon, tue, wed, thu, fri, sat, sun")
            )
    return frozenset(found)


def _values(row: Row, currency: str) -> dict[str, int | None]:
    values: dict[str, int | None] = {}
    for name, (least, most) in LIMITS.items():
        if row.cells.get(name) == CLEAR:
            values[name] = None
            continue
        if name == "price":
            value = row.price(name, currency)
        elif name in FLAGS:
            value = row.flag(name)
        else:
            value = row.number(name, least=least, most=most)
        if value is not None:
            values[name] = value
    if not values and not any(one.line == row.line for one in row.problems.found):
        row.problems.add(row.line, "", told("says neither a price nor a rule"))
    return values


def import_rates(*, house: House, content: bytes, fingerprint: str, now: datetime, actor: str) -> int:
    """Do what was looked at as one change, so that each channel is sent the fewest messages. Answers how many cells changed.

    Raises FileChanged, also when somebody else changed one of the cells meanwhile.
    """
    rates.lock_rates(property_id=house.id)
    plan = plan_rates(house=house, content=content, today=house.today(now))
    if plan.problems.found or plan.fingerprint != fingerprint:
        raise FileChanged
    return rates.set_cells(
        organization_id=house.organization_id,
        property_id=house.id,
        found=plan.changes,
        now=now,
        actor=actor,
        kind="import",
    )
