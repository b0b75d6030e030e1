"""Editing single cells as a person does: each with what they saw of it, refused one by one, saved all or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from innsync.apps.rates.reopening import opening
from innsync.apps.rates.selectors import House, list_rate_rows
from innsync.apps.rates.services import LONGEST_EDIT_DAYS, edits_of, lock_rates, set_rates
from innsync.domain.errors import DomainError
from innsync.domain.offers import ProductFacts, RateRow, effective_rules
from innsync.domain.rate_cells import LIMITS, Cell, own_value

Sale = Literal["open", "closed", "partly"]
"""Whether a room type is for sale on a night: at all its rates, at none, or at some."""
Problem = Literal["unknown", "over", "too_far", "out_of_range"]


class CellEdit(NamedTuple):
    """One field of one product on one night. seen: its own value as whoever edits it saw it."""

    slot: int
    day: date
    field: str
    value: int | None
    seen: int | None


class SaleEdit(NamedTuple):
    """A room type opened or closed for sale at all its rates on one night. seen: as whoever does it saw it."""

    room_type: str
    day: date
    closed: bool
    seen: Sale


@dataclass(eq=False)
class InvalidCells(DomainError):
    """Cells that can't be set so, and why; nothing was saved."""

    problems: list[tuple[CellEdit | SaleEdit, Problem]]


@dataclass(eq=False)
class SaleChanged(DomainError):
    """Room types are not for sale, or closed, as they were seen any more: (what was wanted, what is so now)."""

    nights: list[tuple[SaleEdit, Sale]]


def change_cells(
    *,
    house: House,
    cells: Sequence[CellEdit],
    sales: Sequence[SaleEdit],
    now: datetime,
    actor: str,
) -> int:
    """Set cells, and room types open or closed, as one change; a cell of its own wins over its room type's.

    Answers how many were set. Raises InvalidCells, and CellsChanged or SaleChanged where somebody was faster.
    """
    _check(house, cells, sales, house.today(now))
    values: dict[Cell, int | None] = {}
    lock_rates(property_id=house.id)
    if sales:
        rows = _rows(house, [one.day for one in sales])
        changed = [
            (one, state) for one in sales if (state := sale_state(house, one.room_type, rows.get(one.day))) != one.seen
        ]
        if changed:
            raise SaleChanged(nights=changed)
        for room_type, closed in dict.fromkeys((one.room_type, one.closed) for one in sales):
            nights = [one.day for one in sales if (one.room_type, one.closed) == (room_type, closed)]
            values |= closing(house, room_type, {day: rows.get(day) for day in nights}, closed=closed)
    values |= {(one.slot, one.day, one.field): one.value for one in cells}
    if not values:
        return 0
    return set_rates(
        organization_id=house.organization_id,
        property_id=house.id,
        edits=edits_of(values, {slot: product_id for product_id, slot in house.product_ids.items()}),
        now=now,
        actor=actor,
        seen={(one.slot, one.day, one.field): one.seen for one in cells},
    )


def products_of(house: House, room_type: str) -> list[ProductFacts]:
    """What sells the room type of that code, plans in their order."""
    found = house.room_type(room_type)
    order = {plan_id: number for number, plan_id in enumerate(house.plans)}
    every = [one for one in house.facts.products if found is not None and one.room_type_id == found.id and one.sold]
    return sorted(every, key=lambda one: (order[_uuid(one.rate_plan_id)], one.slot))


def sale_state(house: House, room_type: str, row: RateRow | None) -> Sale:
    """Whether the room type's rates are open on the night of that row."""
    return state_of(effective_rules(row, one, house.facts.by_slot).stop_sell for one in products_of(house, room_type))


def state_of(stopped: Iterable[bool]) -> Sale:
    """From whether each of a room type's rates is stopped."""
    found = set(stopped)
    return "closed" if found == {True} else "partly" if len(found) == 2 else "open"


def closing(
    house: House, room_type: str, rows: Mapping[date, RateRow | None], *, closed: bool
) -> dict[Cell, int | None]:
    """What sets stop sell on all of a room type's rates on the nights of those rows, or takes such a closing back.

    Derived rates follow their parent, so they are closed only where they say of themselves that they are open. For what
    opens them see `reopening.opening`: rates that were stopped by another change than the closing stay stopped.
    """
    products = products_of(house, room_type)
    if not closed:
        return opening(house, products, rows)
    values: dict[Cell, int | None] = {}
    for product in products:
        for day, row in rows.items():
            if product.parent_slot is None:
                values[product.slot, day, "stop_sell"] = 1
            elif own_value(row, product.slot, "stop_sell") == 0:
                values[product.slot, day, "stop_sell"] = None
    return values


def _rows(house: House, days: Sequence[date]) -> dict[date, RateRow]:
    return {row.day: row for row in list_rate_rows(property_id=house.id, first=min(days), last=max(days))}


def _check(house: House, cells: Iterable[CellEdit], sales: Iterable[SaleEdit], today: date) -> None:
    problems: list[tuple[CellEdit | SaleEdit, Problem]] = []
    types = {one.code for one in house.facts.room_types}
    for sale in sales:
        problem = _night(sale.day, today) or (None if sale.room_type in types else "unknown")
        if problem:
            problems.append((sale, problem))
    for cell in cells:
        problem = _night(cell.day, today) or _value(house, cell)
        if problem:
            problems.append((cell, problem))
    if problems:
        raise InvalidCells(problems=problems)


def _night(day: date, today: date) -> Problem | None:
    if day < today:
        return "over"
    return "too_far" if day >= today + timedelta(days=LONGEST_EDIT_DAYS) else None


def _value(house: House, cell: CellEdit) -> Problem | None:
    if cell.slot not in house.facts.by_slot or cell.field not in LIMITS:
        return "unknown"
    least, most = LIMITS[cell.field]
    return None if cell.value is None or least <= cell.value <= most else "out_of_range"


def _uuid(value: object) -> UUID:
    assert isinstance(value, UUID)
    return value
