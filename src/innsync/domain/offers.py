"""From the raw rows of one property to what a guest may book: the availability search.

The search answers the same as `effective_price`, `effective_rules` and `restrictions.refusals` asked night by night (a
property test holds them together), but lets a day's products inherit once and then turns days into columns, so that most
of its work runs inside zip, min and max. Whoever searches one property often keeps its days as `resolve` made them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
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
from innsync.domain.promotions import Given, Holding, Promotion, best, holding
from innsync.domain.promotions import Room as PromotedRoom
from innsync.domain.restrictions import ALWAYS, NOT_YET, Booked, Reason, ReasonCode, rule_refusals, window_refusals
from innsync.domain.stay import StayDates
from innsync.domain.taxes import ChargedMinor, ChargePlan, FeeRule, TaxRule

__all__ = [
    "CTA",
    "CTD",
    "STOP_SELL",
    "Day",
    "Offer",
    "ProductFacts",
    "PropertyFacts",
    "RateRow",
    "RoomTypeFacts",
    "StockRow",
    "Unavailable",
    "effective_price",
    "effective_rules",
    "find",
    "resolve",
    "search",
]


class Offer(NamedTuple):
    """One product that may be booked for the whole stay by the whole party. Amounts are minor units over all rooms.

    promotion: what they are reduced by, with what it takes off each night, and the total that there would be without.
    """

    room_type: RoomTypeFacts
    product: ProductFacts
    stay: StayDates
    rooms: int
    available: int
    nightly_minor: tuple[int, ...]
    taxes: tuple[ChargedMinor, ...]
    fees: tuple[ChargedMinor, ...]
    total_minor: int
    promotion: Promotion | None = None
    cuts_minor: tuple[int, ...] = ()
    total_before_minor: int = 0

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
    promotions: Sequence[Promotion] = (),
) -> tuple[list[Offer], list[Unavailable]]:
    """Every product that all rooms of the party can book together, cheapest first, and why the others can't.

    occupancies: one for each room wanted; all rooms are of one product. stock: the nights; a missing one has no room.
    rates: the nights and the check-out day, whose row says whether one may leave then; a missing one has no price and
    no rule. today: the date at the property. explain=False leaves the second list empty, and is faster. booked: what a
    booking that is to be changed brings along. promotions: those that may be given, where their conditions hold.
    """
    stock_rows, rate_rows = list(stock), {row.day: row for row in rates}
    party = _Party(stay, occupancies, taxes, fees)
    offers, refused = _judge(
        party,
        facts,
        _rooms_left(stay, stock_rows),
        [resolve(rate_rows.get(night), facts) for night in stay.nights()],
        resolve(rate_rows.get(stay.check_out), facts),
        today,
        sellable_days,
        booked,
        promotions,
    )
    if not explain:
        return offers, []
    reasons = _Reasons(stay, party, facts, stock_rows, rate_rows, today, sellable_days, booked)
    return offers, [Unavailable(one.room_type, one.product, reasons.of(one)) for one in refused]


def find(
    *,
    stay: StayDates,
    occupancies: Sequence[Occupancy],
    facts: PropertyFacts,
    left: Mapping[Hashable, int],
    nights: Sequence[Day],
    leaving: Day,
    today: date,
    sellable_days: int,
    taxes: Sequence[TaxRule] = (),
    fees: Sequence[FeeRule] = (),
    promotions: Sequence[Promotion] = (),
) -> list[Offer]:
    """What `search` offers, from what was worked out already.

    left: the fewest rooms of a type on any night; a type with a night missing is not named. nights, leaving: as `resolve`
    made them for the same facts.
    """
    party = _Party(stay, occupancies, taxes, fees)
    return _judge(party, facts, left, nights, leaving, today, sellable_days, NOT_YET, promotions)[0]


def _judge(
    party: _Party,
    facts: PropertyFacts,
    left: Mapping[Hashable, int],
    nights: Sequence[Day],
    leaving: Day,
    today: date,
    sellable_days: int,
    booked: Booked,
    promotions: Sequence[Promotion],
) -> tuple[list[Offer], list[PreparedProduct]]:
    """The offers, cheapest first, and the products that are none."""
    stay, rooms = party.stay, party.rooms
    columns = _Columns(nights, leaving)
    common = window_refusals(stay, ALWAYS, today, sellable_days, booked)
    ahead = booked.days_ahead(stay, today)
    left_of_type = [left.get(one.id, 0) for one in facts.room_types]
    held = holding(promotions, stay, today) if promotions else ()
    offers: list[Offer] = []
    refused: list[PreparedProduct] = []
    for one in facts.prepared:
        if not one.product.sold:
            continue
        prices = columns.prices[one.index]
        window = one.product.window
        available = left_of_type[one.type_index]
        if (
            None in prices
            or available < rooms
            or common
            or not party.fits(one)
            or ahead < window.min_advance_days
            or (window.max_advance_days is not None and ahead > window.max_advance_days)
            or (columns.ruled and columns.forbids(one.index))
            or party.pays_nothing(one, prices)
        ):
            refused.append(one)
            continue
        offer = party.offer(one, prices, available)
        offers.append(party.promoted(offer, one, prices, held) if held else offer)
    offers.sort(key=_by_price)
    return offers, refused


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

    def promoted(self, offer: Offer, one: PreparedProduct, prices: Sequence[int], held: Sequence[Holding]) -> Offer:
        """The offer at the price that its best promotion leaves."""
        pricing = one.product.pricing
        rooms = [PromotedRoom(_nightly(prices, guests, pricing), count) for guests, count, _ in self.groups]
        given = best(held, one.product.room_type_id, one.product.rate_plan_id, rooms)
        if given is None:
            return offer
        nightly: Sequence[int]
        cuts: Sequence[int]
        if self.rooms == 1:
            cuts = given.cuts[0]
            nightly = without(rooms[0].nightly, cuts)
            taxes, fees, added = self.groups[0][2].apply(nightly)
            total = sum(nightly) + added
        else:
            left = [without(room.nightly, cut) for room, cut in zip(rooms, given.cuts, strict=True)]
            nightly, taxes, fees, total = self._added(
                [(own, *plan.apply(own)) for own, (_, _, plan) in zip(left, self.groups, strict=True)]
            )
            cuts = [sum(night) for night in zip(*_weighted(given, rooms), strict=True)]
        return Offer(
            offer.room_type,
            offer.product,
            offer.stay,
            offer.rooms,
            offer.available,
            tuple(nightly),
            tuple(taxes),
            tuple(fees),
            total,
            given.promotion,
            tuple(cuts),
            offer.total_minor,
        )

    def _sum(
        self, one: PreparedProduct, prices: Sequence[int]
    ) -> tuple[Sequence[int], list[ChargedMinor], list[ChargedMinor], int]:
        pricing = one.product.pricing
        return self._added(
            [((own := _nightly(prices, guests, pricing)), *plan.apply(own)) for guests, _, plan in self.groups]
        )

    def _added(
        self, priced: Sequence[tuple[Sequence[int], list[ChargedMinor], list[ChargedMinor], int]]
    ) -> tuple[list[int], list[ChargedMinor], list[ChargedMinor], int]:
        """All rooms together. priced: for each group the nights of one room, its taxes and fees, and what these add."""
        nightly: list[int] = [0] * len(self.stay)
        taxes: list[ChargedMinor] = []
        fees: list[ChargedMinor] = []
        total = 0
        for (own_nightly, own_taxes, own_fees, added), (_, count, _) in zip(priced, self.groups, strict=True):
            own_total = sum(own_nightly) + added
            nightly = [night + count * own for night, own in zip(nightly, own_nightly, strict=True)]
            taxes += _times(own_taxes, count)
            fees += _times(own_fees, count)
            total += count * own_total
        return nightly, _merged(taxes), _merged(fees), total


def _price(
    prices: Sequence[int], guests: Occupancy, pricing: OccupancyPricing, plan: ChargePlan
) -> tuple[Sequence[int], list[ChargedMinor], list[ChargedMinor], int]:
    nightly = _nightly(prices, guests, pricing)
    taxes, fees, added = plan.apply(nightly)
    return nightly, taxes, fees, sum(nightly) + added


def _nightly(prices: Sequence[int], guests: Occupancy, pricing: OccupancyPricing) -> Sequence[int]:
    delta = occupancy_delta(guests, pricing)
    return [night + delta if night + delta > 0 else 0 for night in prices] if delta else prices


def without(nightly: Sequence[int], cuts: Sequence[int]) -> list[int]:
    """The nights with that much taken off each."""
    return [night - cut for night, cut in zip(nightly, cuts, strict=True)]


def _weighted(given: Given, rooms: Sequence[PromotedRoom]) -> list[list[int]]:
    """What is taken off each night of all rooms of each price."""
    return [[room.alike * cut for cut in cuts] for room, cuts in zip(rooms, given.cuts, strict=True)]


def _times(lines: list[ChargedMinor], count: int) -> list[ChargedMinor]:
    return [ChargedMinor(rule, count * minor) for rule, minor in lines]


def _merged(lines: list[ChargedMinor]) -> list[ChargedMinor]:
    """One line a rule, in the order in which rules first appear."""
    sums: dict[int, ChargedMinor] = {}
    for line in lines:
        known = sums.get(id(line.rule))
        sums[id(line.rule)] = line if known is None else ChargedMinor(line.rule, known.minor + line.minor)
    return list(sums.values())


class Day(NamedTuple):
    """What each product costs and is bound by on one day, inheritance resolved; position slot - 1, None: no price, no rule.

    ruled: whether there is any rule at all.
    """

    prices: tuple[int | None, ...]
    arrival: tuple[int | None, ...]
    through: tuple[int | None, ...]
    longest: tuple[int | None, ...]
    flags: tuple[int | None, ...]
    ruled: bool


def resolve(row: RateRow | None, facts: PropertyFacts) -> Day:
    """The day of a raw row; None: one of which nothing is known."""
    size = facts.slots
    nothing = _nothing(size)
    if row is None:
        return Day(nothing, nothing, nothing, nothing, nothing, False)
    prices = _padded(row.prices, size)
    rules = arrival, through, longest = (
        _padded(row.min_arrival, size),
        _padded(row.min_through, size),
        _padded(row.max_stay, size),
    )
    flags = _padded(row.flags, size)
    said = [column for column in rules if column.count(None) < size]
    flagged = flags.count(None) < size
    for one in facts.prepared:  # parents come first
        index, parent = one.index, one.parent_index
        if parent is None:
            continue
        if prices[index] is None and (above := prices[parent]) is not None:
            prices[index] = above if one.step is None else one.step(above)
        for column in said:
            if column[index] is None:
                column[index] = column[parent]
        if flagged:
            flags[index] = inherit_flags(flags[index], flags[parent])
    if not said and not flagged:  # as most days are: they share what they do not say
        return Day(tuple(prices), nothing, nothing, nothing, nothing, False)
    return Day(tuple(prices), tuple(arrival), tuple(through), tuple(longest), tuple(flags), True)


@lru_cache(maxsize=256)
def _nothing(size: int) -> tuple[None, ...]:
    return (None,) * size


class _Columns:
    """The days of a stay turned on their side: for each product the values of all nights."""

    __slots__ = ("_arrival", "_departure", "_flags", "_length", "_longest", "_through", "prices", "ruled")

    def __init__(self, nights: Sequence[Day], leaving: Day) -> None:
        first = nights[0]
        self.prices = list(zip(*[night.prices for night in nights], strict=True))
        self.ruled = leaving.ruled or any(night.ruled for night in nights)
        if self.ruled:
            self._length = len(nights)
            self._through = list(zip(*[night.through for night in nights], strict=True))
            self._flags = list(zip(*[night.flags for night in nights], strict=True))
            self._arrival, self._longest, self._departure = first.arrival, first.longest, leaving.flags

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
        return (self._arrival[index] or 0) > length or 0 < (self._longest[index] or 0) < length


def _padded(column: Column, size: int) -> list[int | None]:
    return [*column[:size], *[None] * (size - len(column))]  # longer, where products are left out


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
