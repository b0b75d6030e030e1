"""Opening a room type again on nights: what closed it is taken back, and what somebody stopped by itself stays stopped."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from innsync.apps.rates.history import list_stops
from innsync.apps.rates.selectors import House
from innsync.domain.products import ProductFacts, RateRow, lineage_of
from innsync.domain.rate_cells import Cell, CellChange, own_value

Stops = dict[int, int | None]
"""Stop sell by slot: the product's own value."""


class _Latest(NamedTuple):
    """The last change of a product's stop sell. closed: with it the room type was no longer for sale at any rate."""

    before: int | None
    after: int | None
    closed: bool


def opening(
    house: House, products: Sequence[ProductFacts], rows: Mapping[date, RateRow | None]
) -> dict[Cell, int | None]:
    """What opens a room type's products on the nights of those rows.

    A stop sell that was set by the change that closed the room type becomes again what it was before. One that was set
    by another change stays. Where nothing is remembered of how it came to be, it is lifted.
    """
    if not rows or not products:
        return {}
    sold = [one.slot for one in products]
    lineages = {slot: lineage_of(slot, house.facts.by_slot) for slot in sold}
    slots = sorted({slot for lineage in lineages.values() for slot in lineage})
    made = list_stops(property_id=house.id, slots=slots, first=min(rows), last=max(rows))
    by_night: dict[date, list[list[CellChange]]] = {day: [] for day in rows}
    for change in made:
        nights: dict[date, list[CellChange]] = {}
        for one in change:
            nights.setdefault(one.day, []).append(one)
        for day, cells in nights.items():
            if day in by_night:
                by_night[day].append(cells)
    values: dict[Cell, int | None] = {}
    for day, row in rows.items():
        own = {slot: own_value(row, slot, "stop_sell") for slot in slots}
        latest = _latest(own, by_night[day], lineages.values())
        for product in products:
            value, last = own[product.slot], latest.get(product.slot)
            if last is None or last.after != value:
                if value == 1:
                    values[product.slot, day, "stop_sell"] = 0 if product.parent_slot is None else None
            elif last.closed:
                values[product.slot, day, "stop_sell"] = last.before
    return values


def _latest(
    own: Stops, made: Sequence[Sequence[CellChange]], lineages: Collection[Sequence[int]]
) -> dict[int, _Latest]:
    """The last change of each product, by slot; made: a night's changes, newest first; own: as it is now."""
    found: dict[int, _Latest] = {}
    then = dict(own)
    for change in made:
        closed = _closed(then, lineages)
        then |= {one.slot: one.before for one in change}
        closing = closed and not _closed(then, lineages)
        for one in change:
            found.setdefault(one.slot, _Latest(one.before, one.after, closing))
    return found


def _closed(own: Stops, lineages: Collection[Sequence[int]]) -> bool:
    """Whether the sale is stopped at each rate: by what it says itself, else by the nearest that it follows."""
    return all(next((own[slot] for slot in lineage if own[slot] is not None), 0) == 1 for lineage in lineages)
