"""What a change of prices or rules would send to each channel, worked out before anybody makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution.selectors import dialect_of, read_rate_map
from innsync.apps.distribution.wanted import RateMap, rate_calendar, rules_reach
from innsync.apps.rates.selectors import House, list_rate_rows
from innsync.domain.products import RateRow, lineage_of
from innsync.domain.rate_cells import CellChange, with_values
from innsync.integrations.manifest import Dialect, manifests


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One connection. products: (slot, cells that would differ) of those mapped there; unmapped: how many changed products
    it does not know; beyond: whether some of the nights are past its horizon, and not told yet."""

    connection_id: UUID
    vendor: str
    state: str
    products: tuple[tuple[int, int], ...]
    unmapped: int
    beyond: bool

    @property
    def cells(self) -> int:
        return sum(count for _, count in self.products)


@dataclass(frozen=True, slots=True)
class _Link:
    """What is asked of a connection."""

    id: UUID
    vendor: str
    state: str
    horizon_days: int
    dialect: Dialect


def foresee(*, house: House, changes: Sequence[CellChange], now: datetime) -> list[Foreseen]:
    """For each connection that takes rates: the cells of its calendar that would differ, as reconciling would find them."""
    if not changes:
        return []
    today, links = house.today(now), _links(house)
    first, last = min(one.day for one in changes), max(one.day for one in changes)
    reach = timedelta(days=max((rules_reach(link.dialect) for link, _ in links), default=0))
    before = {row.day: row for row in list_rate_rows(property_id=house.id, first=first - reach, last=last + reach)}
    after = with_values(before, {one.cell: one.after for one in changes})
    changed = {one.slot for one in changes}
    touched = {slot for slot in house.facts.by_slot if changed & set(lineage_of(slot, house.facts.by_slot))}
    found = []
    for link, maps in links:
        begin = max(today, first - timedelta(days=rules_reach(link.dialect)))
        end = min(today + timedelta(days=link.horizon_days - 1), last)
        counts = [
            (one.slot, _differing(one, house, before, after, (begin, end), link.dialect, today))
            for one in maps
            if one.slot in touched and begin <= end
        ]
        found.append(
            Foreseen(
                link.id,
                link.vendor,
                link.state,
                tuple(pair for pair in counts if pair[1]),
                len(changed - {one.slot for one in maps}),
                last > end,
            )
        )
    return found


def _differing(
    mapping: RateMap,
    house: House,
    before: Mapping[date, RateRow],
    after: Mapping[date, RateRow],
    window: tuple[date, date],
    dialect: Dialect,
    today: date,
) -> int:
    """How many cells of that rate would be told anew; a price that falls away is told as a stop sell."""
    was, will = (
        rate_calendar(mapping, house, list(rows.values()), *window, dialect=dialect, today=today).rows
        for rows in (before, after)
    )
    return sum(
        new is not None and new != old
        for old_row, new_row in zip(was, will, strict=True)
        if old_row != new_row
        for old, new in zip(old_row, new_row, strict=True)
    )


def _links(house: House) -> list[tuple[_Link, list[RateMap]]]:
    with sql() as cursor:
        links = cursor.execute(
            "SELECT c.id, c.vendor, c.state, c.horizon_days, c.settings, c.currency, c.exchange_rate"
            " FROM distribution_connection c WHERE c.property_id = %s AND c.state <> 'left' ORDER BY c.vendor, c.external_id",
            (house.id,),
        ).fetchall()
        rows = cursor.execute(
            "SELECT m.connection_id, m.product_id, p.room_type_id, m.external_room, m.external_rate, m.occupancies,"
            " m.markup_percent, m.markup_minor, m.sells, m.currency, m.exchange_rate FROM distribution_ratemapping m"
            " JOIN rates_product p ON p.id = m.product_id WHERE p.property_id = %s ORDER BY p.slot",
            (house.id,),
        ).fetchall()
    maps: dict[UUID, list[tuple[Any, ...]]] = {}
    for row in rows:
        maps.setdefault(row[0], []).append(row)
    return [
        (
            _Link(id, vendor, state, horizon_days, dialect_of(vendor, settings)),
            [read_rate_map(house, row[1:], currency, exchange_rate) for row in maps.get(id, [])],
        )
        for id, vendor, state, horizon_days, settings, currency, exchange_rate in links
        if vendor in manifests() and "push_rates" in manifests()[vendor].can
    ]
