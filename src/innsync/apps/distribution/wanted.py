"""The calendar a connection should show: our stock, prices and rules through its mapping. Pure, but for reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from uuid import UUID

from innsync.apps.rates.selectors import House
from innsync.domain.ari import (
    CLOSED_TO_ARRIVAL,
    CLOSED_TO_DEPARTURE,
    MAX_STAY,
    MIN_STAY_ARRIVAL,
    MIN_STAY_THROUGH,
    ROOM_LAYOUT,
    STOP_SELL,
    Calendar,
    Row,
    Target,
    price_occupancy,
    product_layout,
)
from innsync.domain.dialect import ALL_RULES, Compiled, Rules, compile_rules, reach
from innsync.domain.money import Money, convert
from innsync.domain.offers import (
    ProductFacts,
    RateRow,
    StockRow,
    effective_price,
    effective_rules,
)
from innsync.domain.pricing import price_by_occupancy
from innsync.domain.restrictions import DayRules
from innsync.integrations.manifest import Dialect


@dataclass(frozen=True, slots=True)
class RoomMap:
    """A room type as a channel's room."""

    room_type_id: UUID
    external_room: str
    allotment: int | None
    buffer: int
    sells: bool
    target: Target = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "target", Target(self.external_room))


@dataclass(frozen=True, slots=True)
class RateMap:
    """A product as a channel's rate. currency: that of its prices there; exchange_rate: from the property's own, if set."""

    slot: int
    room_type_id: UUID
    external_room: str
    external_rate: str
    occupancies: tuple[int, ...]
    markup_percent: Decimal
    markup_minor: int
    sells: bool
    currency: str
    exchange_rate: Decimal | None
    target: Target = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "target", Target(self.external_room, self.external_rate))


def room_calendar(
    mapping: RoomMap, stock: Sequence[StockRow], first: date, last: date, *, last_check_out: date
) -> Calendar:
    """Rooms offered there: what is left, less the buffer, at most the allotment; none where nothing is known.

    last_check_out: the property sells no stay that ends later, so no night from that day on.
    """
    left = {row.day: row.left for row in stock if row.room_type_id == mapping.room_type_id}
    rows: list[Row] = []
    day = first
    while day <= last:
        sold = mapping.sells and day < last_check_out
        rooms = max(0, left.get(day, 0) - mapping.buffer) if sold else 0
        rows.append((rooms if mapping.allotment is None else min(rooms, mapping.allotment),))
        day += timedelta(days=1)
    return Calendar(first, ROOM_LAYOUT, tuple(rows))


def closed_calendar(layout: tuple[str, ...], first: date, last: date) -> Calendar:
    """Nothing for sale: no room of what is a room, stop sell of what is a rate."""
    row = tuple(int(field == STOP_SELL) for field in layout)
    return Calendar(first, layout, (row,) * ((last - first).days + 1))


def rate_layout(mapping: RateMap, dialect: Dialect) -> tuple[str, ...]:
    return _layout(mapping.occupancies, dialect)


@lru_cache(maxsize=512)
def _layout(occupancies: tuple[int, ...], dialect: Dialect) -> tuple[str, ...]:
    return product_layout(occupancies, dialect.restrictions())


def _known(dialect: Dialect) -> Rules:
    return Rules(
        arrival="arrival" in dialect.min_stay,
        through="through" in dialect.min_stay,
        max_stay=dialect.max_stay,
        closed_to_arrival=dialect.closed_to_arrival,
        closed_to_departure=dialect.closed_to_departure,
        stop_sell=dialect.stop_sell,
    )


@lru_cache(maxsize=512)
def rules_reach(dialect: Dialect) -> int:
    """How many nights before its own a change of rules may show there: so far must be looked back, and read ahead."""
    return reach(_known(dialect), dialect.max_nights)


def rate_calendar(
    mapping: RateMap,
    house: House,
    rates: Sequence[RateRow],
    first: date,
    last: date,
    *,
    dialect: Dialect,
    today: date,
) -> Calendar:
    """Prices and rules of one product there, in that channel's dialect and the mapping's currency.

    A night without price is closed, and so is one on which a party would have nothing to pay.

    rates: the rows up to `rules_reach` nights after the last, since their rules may be said on earlier nights.

    Advance purchase and last minute are said as closed to arrival on the days outside the plan's window, which moves on
    at the property's midnight.
    """
    by_day = {row.day: row for row in rates}
    product = house.facts.by_slot[mapping.slot]
    layout = rate_layout(mapping, dialect)
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    rules = compile_rates(mapping, house, rates, first, last, dialect=dialect, today=today)
    off_sale = not mapping.sells or not product.sold
    # Most nights are like others: each price and each set of rules is worked out once.
    prices_of: dict[int | None, dict[int, int]] = {}
    rows_of: dict[tuple[int | None, DayRules], Row] = {}
    rows: list[Row] = []
    for day, compiled in zip(days, rules.days, strict=False):
        base = effective_price(by_day.get(day), product, house.facts.by_slot)
        row = rows_of.get((base, compiled))
        if row is None:
            if base not in prices_of:
                prices_of[base] = _prices(base, product, mapping, house.currency)
            row = rows_of[base, compiled] = _row(layout, compiled, prices_of[base], off_sale=off_sale)
        rows.append(row)
    return Calendar(first, layout, tuple(rows))


def _row(layout: tuple[str, ...], rules: DayRules, prices: Mapping[int, int], *, off_sale: bool) -> Row:
    values = {
        MIN_STAY_ARRIVAL: rules.min_stay_arrival,
        MIN_STAY_THROUGH: rules.min_stay_through,
        MAX_STAY: rules.max_stay,
        CLOSED_TO_ARRIVAL: int(rules.closed_to_arrival),
        CLOSED_TO_DEPARTURE: int(rules.closed_to_departure),
        STOP_SELL: int(rules.stop_sell or not prices or off_sale),
    }
    return tuple(values[field] if field in values else prices.get(price_occupancy(field) or 0) for field in layout)


def says_all(dialect: Dialect) -> bool:
    """Whether every rule can be told there as it is."""
    return not dialect.max_nights and _known(dialect) == ALL_RULES


def compile_rates(
    mapping: RateMap,
    house: House,
    rates: Sequence[RateRow],
    first: date,
    last: date,
    *,
    dialect: Dialect,
    today: date,
) -> Compiled:
    """The rules of `rate_calendar` from first to last and as far beyond as they reach, and what is said otherwise there."""
    by_day = {row.day: row for row in rates}
    product = house.facts.by_slot[mapping.slot]
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1 + rules_reach(dialect))]
    return compile_rules(
        [_rules(by_day.get(day), product, house, (day - today).days) for day in days],
        _known(dialect),
        dialect.max_nights,
    )


def _rules(row: RateRow | None, product: ProductFacts, house: House, ahead: int) -> DayRules:
    rules = effective_rules(row, product, house.facts.by_slot)
    window = product.window
    outside = ahead < window.min_advance_days or (
        window.max_advance_days is not None and ahead > window.max_advance_days
    )
    return replace(rules, closed_to_arrival=True) if outside else rules


def _prices(base: int | None, product: ProductFacts, mapping: RateMap, own_currency: str) -> dict[int, int]:
    """The price of each party that is told there, in minor units; none at all as soon as one of them has nothing to pay.

    A channel that was told no price for one party would go on selling to it at the former one.
    """
    result: dict[int, int] = {}
    if base is None:
        return result
    for adults, own in price_by_occupancy(base, product.pricing, own_currency):
        if adults in mapping.occupancies:
            price = own
            if mapping.currency != own_currency and mapping.exchange_rate is not None:
                price = convert(price, mapping.currency, mapping.exchange_rate)
            price = price + price.percent(mapping.markup_percent) if mapping.markup_percent else price
            price = price + Money(mapping.markup_minor, price.currency)
            if own.minor <= 0 or price.minor <= 0:
                return {}
            result[adults] = price.minor
    return result
