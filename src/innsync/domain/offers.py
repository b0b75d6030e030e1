"""From the raw rows of one property to what a guest may book: the availability search.

The search answers the same as `effective_price`, `effective_rules` and `restrictions.refusals` asked night by night (a
property test holds them together), but turns rows into columns once, so that most of its work runs inside zip, min and max.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import zip_longest
from typing import NamedTuple

from innsync.domain.errors import InvalidField
from innsync.domain.money import Money
from innsync.domain.occupancy import Occupancy
from innsync.domain.pricing import NightAmount, OccupancyPricing, Quote, occupancy_delta
from innsync.domain.products import (
    CTA,
    CTD,
    STOP_SELL,
    Column,
    PreparedProduct,
    ProductFacts,
    PropertyFacts,
    RateRow,
    RoomTypeFacts,
    StockRow,
    effective_price,
    effective_rules,
    inherit_flags,
)
from innsync.domain.restrictions import ALWAYS, NOT_YET, Booked, Reason, ReasonCode, rule_refusals, window_refusals
from innsync.domain.stay import StayDates
from innsync.domain.taxes import ChargedMinor, ChargePlan, FeeRule, TaxRule

__all__ = [
    "CTA",
    "CTD",
    "STOP_SELL",
    "Offer",
    "ProductFacts",
    "PropertyFacts",
    "RateRow",
    "RoomTypeFacts",
    "StockRow",
    "Unavailable",
    "effective_price",
    "effective_rules",
    "search",
]


class Offer(NamedTuple):
    """One product that may be booked for the whole stay by the whole party. Amounts are minor units over all rooms."""

    room_type: RoomTypeFacts
    product: ProductFacts
    stay: StayDates
    rooms: int
    available: int
    nightly_minor: tuple[int, ...]
    taxes: tuple[ChargedMinor, ...]
    fees: tuple[ChargedMinor, ...]
    total_minor: int

    @property
    def currency(self) -> str:
        return self.product.currency

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)

    def quote(self) -> Quote:
        """The offer with its amounts as Money, for showing and for keeping."""
        currency = self.currency
        nights = zip(self.stay.nights(), self.nightly_minor, strict=True)
        return Quote(
            nightly=tuple(NightAmount(day, Money(minor, currency)) for day, minor in nights),
            subtotal=Money(sum(self.nightly_minor), currency),
            taxes=tuple(charged.line(currency) for charged in self.taxes),
            fees=tuple(charged.line(currency) for charged in self.fees),
            total=self.total,
        )


class Unavailable(NamedTuple):
    """A product that is not offered, and every reason why."""

    room_type: RoomTypeFacts
    product: ProductFacts
    reasons: tuple[Reason, ...]


def search(
    *,
    stay: StayDates,
    occupancies: Sequence[Occupancy],
    facts: PropertyFacts,
    stock: Iterable[StockRow],
    rates: Iterable[RateRow],
    today: date,
    sellable_days: int,
    taxes: Sequence[TaxRule] = (),
    fees: Sequence[FeeRule] = (),
    explain: bool = True,
    booked: Booked = NOT_YET,
) -> tuple[list[Offer], list[Unavailable]]:
    """Every product that all rooms of the party can book together, cheapest first, and why the others can't.

    occupancies: one for each room wanted; all rooms are of one product. stock: the nights; a missing one has no room.
    rates: the nights and the check-out day, whose row says whether one may leave then; a missing one has no price and
    no rule. today: the date at the property. explain=False leaves the second list empty, and is faster. booked: what a
    booking that is to be changed brings along.
    """
    stock_rows, rate_rows = list(stock), {row.day: row for row in rates}
    left = _rooms_left(stay, stock_rows)
    party = _Party(stay, occupancies, taxes, fees)
    columns = _Columns(stay, rate_rows, facts)
    common = window_refusals(stay, ALWAYS, today, sellable_days, booked)
    ahead = booked.days_ahead(stay, today)
    offers: list[Offer] = []
    refused: list[PreparedProduct] = []
    for one in facts.prepared:
        prices = columns.fill(one)
        if not one.product.sold:
            continue
        window = one.product.window
        available = left.get(one.product.room_type_id, 0)
        if (
            prices is None
            or available < party.rooms
            or common
            or not party.fits(one)
            or ahead < window.min_advance_days
            or (window.max_advance_days is not None and ahead > window.max_advance_days)
            or columns.forbids(one.index)
            or party.pays_nothing(one, prices)
        ):
            refused.append(one)
            continue
        offers.append(party.offer(one, prices, available))
    offers.sort(key=_by_price)
    if not explain:
        return offers, []
    reasons = _Reasons(stay, party, facts, stock_rows, rate_rows, today, sellable_days, booked)
    return offers, [Unavailable(one.room_type, one.product, reasons.of(one)) for one in refused]


def _by_price(offer: Offer) -> tuple[int, int]:
    return offer.total_minor, offer.product.slot


class _Party:
    """Who travels, how long, and what the state and the house add; the same for every product."""

    __slots__ = ("groups", "most_adults", "most_children", "most_persons", "rooms", "stay")

    def __init__(
        self, stay: StayDates, occupancies: Sequence[Occupancy], taxes: Sequence[TaxRule], fees: Sequence[FeeRule]
    ) -> None:
        if not occupancies:
            raise InvalidField(field="/rooms", problem="must be 1 or more")
        self.stay = stay
        self.rooms = len(occupancies)
        # rooms with the same guests cost the same, so each group is computed once
        self.groups = [
            (guests, count, ChargePlan(taxes, fees, stay, guests)) for guests, count in Counter(occupancies).items()
        ]
        self.most_adults = max(guests.adults for guests in occupancies)
        self.most_children = max(guests.children for guests in occupancies)
        self.most_persons = max(guests.persons for guests in occupancies)

    def fits(self, one: PreparedProduct) -> bool:
        return (
            self.most_persons <= one.max_occupancy
            and self.most_adults <= one.max_adults
            and self.most_children <= one.max_children
        )

    def limit_broken(self, one: PreparedProduct) -> int:
        """The limit that keeps them out, of persons before adults before children."""
        if self.most_persons > one.max_occupancy:
            return one.max_occupancy
        return one.max_adults if self.most_adults > one.max_adults else one.max_children

    def pays_nothing(self, one: PreparedProduct, prices: Sequence[int]) -> bool:
        """Whether what is taken off for fewer guests leaves nothing of a night's price. A night of 0 is over and settled."""
        if not one.product.pricing.fewer_adults_minor:
            return False
        least = min(occupancy_delta(guests, one.product.pricing) for guests, _, _ in self.groups)
        return any(0 < night <= -least for night in prices)

    def offer(self, one: PreparedProduct, prices: Sequence[int], available: int) -> Offer:
        if len(self.groups) == 1:
            guests, count, plan = self.groups[0]
            nightly, taxes, fees, total = _price(prices, guests, one.product.pricing, plan)
            if count > 1:
                nightly = [count * night for night in nightly]
                taxes, fees, total = _times(taxes, count), _times(fees, count), count * total
        else:
            nightly, taxes, fees, total = self._sum(one, prices)
        return Offer(
            one.room_type,
            one.product,
            self.stay,
            self.rooms,
            available,
            tuple(nightly),
            tuple(taxes),
            tuple(fees),
            total,
        )

    def _sum(
        self, one: PreparedProduct, prices: Sequence[int]
    ) -> tuple[Sequence[int], list[ChargedMinor], list[ChargedMinor], int]:
        nightly: list[int] = [0] * len(prices)
        taxes: list[ChargedMinor] = []
        fees: list[ChargedMinor] = []
        total = 0
        for guests, count, plan in self.groups:
            own_nightly, own_taxes, own_fees, own_total = _price(prices, guests, one.product.pricing, plan)
            nightly = [night + count * own for night, own in zip(nightly, own_nightly, strict=True)]
            taxes += _times(own_taxes, count)
            fees += _times(own_fees, count)
            total += count * own_total
        return nightly, _merged(taxes), _merged(fees), total


def _price(
    prices: Sequence[int], guests: Occupancy, pricing: OccupancyPricing, plan: ChargePlan
) -> tuple[Sequence[int], list[ChargedMinor], list[ChargedMinor], int]:
    delta = occupancy_delta(guests, pricing)
    nightly = [night + delta if night + delta > 0 else 0 for night in prices] if delta else prices
    taxes, fees, added = plan.apply(nightly)
    return nightly, taxes, fees, sum(nightly) + added


def _times(lines: list[ChargedMinor], count: int) -> list[ChargedMinor]:
    return [ChargedMinor(rule, count * minor) for rule, minor in lines]


def _merged(lines: list[ChargedMinor]) -> list[ChargedMinor]:
    """One line a rule, in the order in which rules first appear."""
    sums: dict[int, ChargedMinor] = {}
    for line in lines:
        known = sums.get(id(line.rule))
        sums[id(line.rule)] = line if known is None else ChargedMinor(line.rule, known.minor + line.minor)
    return list(sums.values())


class _Columns:
    """Rate rows turned on their side: for each product the values of all nights, inheritance resolved as they are asked."""

    __slots__ = ("_arrival", "_departure", "_flags", "_length", "_max", "_prices", "_through")

    def __init__(self, stay: StayDates, rows: Mapping[date, RateRow], facts: PropertyFacts) -> None:
        size = facts.slots
        nights = [rows.get(night) or RateRow(night) for night in stay.nights()]
        leaving = rows.get(stay.check_out) or RateRow(stay.check_out)
        self._length = len(nights)
        self._prices: list[Sequence[int | None]] = _sideways([row.prices for row in nights], size)
        self._through: list[Sequence[int | None]] = _sideways([row.min_through for row in nights], size)
        self._flags: list[Sequence[int | None]] = _sideways([row.flags for row in nights], size)
        self._arrival = _padded(nights[0].min_arrival, size)
        self._max = _padded(nights[0].max_stay, size)
        self._departure = _padded(leaving.flags, size)

    def fill(self, one: PreparedProduct) -> Sequence[int] | None:
        """Let the product inherit what it leaves open; its nightly base prices, or None when a night has no price.

        A product must be filled after its parent.
        """
        own = self._prices[one.index]
        if (parent := one.parent_index) is not None:
            if None in own:
                self._prices[one.index] = own = _inherit(own, self._prices[parent], one.step)
            self._through[one.index] = _or_else(self._through[one.index], self._through[parent])
            self._flags[one.index] = _or_else_flags(self._flags[one.index], self._flags[parent])
            self._departure[one.index] = inherit_flags(self._departure[one.index], self._departure[parent])
            for column in (self._arrival, self._max):
                if column[one.index] is None:
                    column[one.index] = column[parent]
        return None if None in own else own  # type: ignore[return-value]  # the test has just shown that none is None

    def forbids(self, index: int) -> bool:
        """Whether a rule of the calendar is in the way; the same rules as `restrictions.rule_refusals`."""
        length = self._length
        flags = self._flags[index]
        if (flags[0] or 0) & CTA or (self._departure[index] or 0) & CTD:
            return True
        for flag in flags:
            if flag and flag & STOP_SELL:
                return True
        for through in self._through[index]:
            if through and through > length:
                return True
        return (self._arrival[index] or 0) > length or 0 < (self._max[index] or 0) < length


def _sideways(rows: list[Column], size: int) -> list[Sequence[int | None]]:
    columns: list[Sequence[int | None]] = list(zip_longest(*rows))
    missing = size - len(columns)
    return columns if missing <= 0 else [*columns, *[(None,) * len(rows)] * missing]


def _padded(column: Column, size: int) -> list[int | None]:
    return [*column, *[None] * (size - len(column))]


def _or_else(own: Sequence[int | None], parent: Sequence[int | None]) -> Sequence[int | None]:
    open_nights = own.count(None)
    if not open_nights:
        return own
    if open_nights == len(own):
        return parent
    return [above if mine is None else mine for mine, above in zip(own, parent, strict=True)]


def _or_else_flags(own: Sequence[int | None], parent: Sequence[int | None]) -> Sequence[int | None]:
    if own.count(None) == len(own):
        return parent
    return [inherit_flags(mine, above) for mine, above in zip(own, parent, strict=True)]


def _inherit(
    own: Sequence[int | None], parent: Sequence[int | None], step: Callable[[int], int | None] | None
) -> Sequence[int | None]:
    if step is None:
        return _or_else(own, parent)
    return [
        mine if mine is not None else None if above is None else step(above)
        for mine, above in zip(own, parent, strict=True)
    ]


class _Reasons:
    """Why products are refused: the plain functions asked night by night, since nobody waits for an explanation."""

    def __init__(
        self,
        stay: StayDates,
        party: _Party,
        facts: PropertyFacts,
        stock: Iterable[StockRow],
        rates: Mapping[date, RateRow],
        today: date,
        sellable_days: int,
        booked: Booked,
    ) -> None:
        self._stay, self._party, self._facts, self._rates = stay, party, facts, rates
        self._today, self._sellable_days, self._booked = today, sellable_days, booked
        self._left = {(row.room_type_id, row.day): row.left for row in stock}

    def of(self, one: PreparedProduct) -> tuple[Reason, ...]:
        return tuple(self._each(one))

    def _each(self, one: PreparedProduct) -> Iterator[Reason]:
        product, by_slot, stay = one.product, self._facts.by_slot, self._stay
        yield from window_refusals(stay, product.window, self._today, self._sellable_days, self._booked)
        if not self._party.fits(one):
            yield Reason(ReasonCode.OCCUPANCY, self._party.limit_broken(one))
        for night in stay.nights():
            if self._left.get((product.room_type_id, night), 0) < self._party.rooms:
                yield Reason(ReasonCode.SOLD_OUT, day=night)
        for night in stay.nights():
            price = effective_price(self._rates.get(night), product, by_slot)
            if price is None or self._party.pays_nothing(one, [price]):
                yield Reason(ReasonCode.NO_PRICE, day=night)
        yield from rule_refusals(stay, lambda day: effective_rules(self._rates.get(day), product, by_slot))


def _rooms_left(stay: StayDates, stock: list[StockRow]) -> dict[Hashable, int]:
    """The fewest rooms left on any night, by room type; a type with a night missing is not named."""
    first, last = stay.check_in, stay.last_night
    fewest: dict[Hashable, int] = {}
    seen: dict[Hashable, int] = {}
    for day, room_type_id, left in stock:
        if first <= day <= last:
            seen[room_type_id] = seen.get(room_type_id, 0) + 1
            if left < fewest.get(room_type_id, left + 1):
                fewest[room_type_id] = left
    nights = len(stay)
    return {room_type_id: left for room_type_id, left in fewest.items() if seen[room_type_id] == nights}
