"""The products of one property and the raw rows of their prices, rules and stock.

Rates are kept a day a row, one array a quantity, one position a product (its slot, from 1). An empty position inherits:
in a derived product from its parent, in a root product it means no price, or a rule that forbids nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from innsync.domain.derivation import Derivation, resolve_chain
from innsync.domain.errors import CurrencyMismatch, InvalidField
from innsync.domain.pricing import OccupancyPricing
from innsync.domain.restrictions import ALWAYS, OPEN, DayRules, PlanWindow

CTA, CTD, STOP_SELL = 1, 2, 4
"""The bits of a rate row's flags. The same bits eight times higher say which of them are the product's own."""


A_DOUBLE = OccupancyPricing()
"""One price for up to two adults."""


class RoomTypeFacts(NamedTuple):
    """What a search must know of a room type. The id is opaque here."""

    id: Hashable
    code: str
    name: str
    max_adults: int
    max_children: int
    max_occupancy: int


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """A room type sold under a rate plan.

    slot: its place in the arrays of a rate row, from 1. parent_slot: the product whose prices and rules it inherits;
    derivation: the step from the parent's price to its own, None for the same price. sold: False for a product that
    only stands as a parent.
    """

    slot: int
    room_type_id: Hashable
    rate_plan_id: Hashable
    rate_plan_code: str
    currency: str
    parent_slot: int | None = None
    derivation: Derivation | None = None
    pricing: OccupancyPricing = A_DOUBLE
    window: PlanWindow = ALWAYS
    sold: bool = True


class StockRow(NamedTuple):
    """Rooms of a type left to sell on a night; may be negative after an oversale."""

    day: date
    room_type_id: Hashable
    left: int


Column = Sequence[int | None]


class RateRow(NamedTuple):
    """Prices (minor units) and rules of all products on one day; position slot - 1, missing or None inherits."""

    day: date
    prices: Column = ()
    min_arrival: Column = ()
    min_through: Column = ()
    max_stay: Column = ()
    flags: Column = ()


@dataclass(frozen=True, slots=True)
class PreparedProduct:
    """A product with everything that no search changes worked out already.

    type_index: the place of its room type among the property's. index, parent_index: of the columns of its prices and rules.
    """

    product: ProductFacts
    room_type: RoomTypeFacts
    type_index: int
    index: int
    parent_index: int | None
    step: Callable[[int], int | None] | None
    max_adults: int
    max_children: int
    max_occupancy: int


@dataclass(frozen=True)
class PropertyFacts:
    """The products of one property, prepared once and searched many times; keep it as long as none of them changes.

    by_pair: by room type and rate plan. types_by_key: by id, also as text, and by code.

    Raises DerivationCycle, UnknownParentPlan, CurrencyMismatch, and InvalidField for an unknown room type or a bad slot.
    """

    room_types: tuple[RoomTypeFacts, ...]
    products: tuple[ProductFacts, ...]
    by_slot: Mapping[int, ProductFacts] = field(init=False, repr=False, compare=False)
    by_pair: Mapping[tuple[Hashable, Hashable], ProductFacts] = field(init=False, repr=False, compare=False)
    types_by_key: Mapping[Hashable, RoomTypeFacts] = field(init=False, repr=False, compare=False)
    prepared: tuple[PreparedProduct, ...] = field(init=False, repr=False, compare=False)
    _alone: dict[int, PropertyFacts] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        by_slot = {product.slot: product for product in self.products}
        if len(by_slot) != len(self.products) or any(slot < 1 for slot in by_slot):
            raise InvalidField(field="/products", problem="must have slots from 1, each used once")
        links = {
            slot: None if product.parent_slot is None else (product.parent_slot, product.derivation)
            for slot, product in by_slot.items()
        }
        depth = {slot: _depth(slot, links) for slot in by_slot}
        places = {room_type.id: place for place, room_type in enumerate(self.room_types)}
        # parents first, so that a child finds their columns worked out
        order = sorted(self.products, key=lambda product: depth[product.slot])
        by_key: dict[Hashable, RoomTypeFacts] = {}
        for one in self.room_types:
            for key in (one.id, one.code, str(one.id)):
                by_key.setdefault(key, one)
        pairs = {(product.room_type_id, product.rate_plan_id): product for product in reversed(self.products)}
        object.__setattr__(self, "by_slot", by_slot)
        object.__setattr__(self, "by_pair", pairs)
        object.__setattr__(self, "types_by_key", by_key)
        object.__setattr__(
            self, "prepared", tuple(_prepare(product, by_slot, self.room_types, places) for product in order)
        )

    @property
    def slots(self) -> int:
        return max(self.by_slot, default=0)

    def alone(self, slot: int) -> PropertyFacts:
        """As if only the product of that slot were sold, those that it follows standing as its parents. Made once."""
        found = self._alone.get(slot)
        if found is None:
            line = [self.by_slot[one] for one in lineage_of(slot, self.by_slot)]
            products = (line[0], *(replace(one, sold=False) for one in line[1:]))
            types = tuple(one for one in self.room_types if any(one.id == product.room_type_id for product in products))
            found = self._alone[slot] = PropertyFacts(types, products)
        return found


def effective_price(
    row: RateRow | None, product: ProductFacts, products_by_slot: Mapping[int, ProductFacts]
) -> int | None:
    """The base price of one night in minor units: its own where set, else derived from the parent's; None: no price.

    A parent without a price has none to derive from, and a step that leaves nothing to pay gives none.
    """
    own = None if row is None else _at(row.prices, product.slot)
    if own is not None or product.parent_slot is None:
        return own
    inherited = effective_price(row, products_by_slot[product.parent_slot], products_by_slot)
    if inherited is None or product.derivation is None:
        return inherited
    return product.derivation.apply(inherited, product.currency)


def inherit_flags(own: int | None, parent: int | None) -> int | None:
    """A product's flags with those that it leaves open taken from its parent's. Flags that name none as own are all own."""
    if own is None:
        return parent
    mask = own >> 3 or 7
    if mask == 7 or not parent:
        return own
    more = (parent >> 3 or 7) & ~mask
    return own & mask | parent & more | (mask | more) << 3


def lineage_of(slot: int, products_by_slot: Mapping[int, ProductFacts]) -> list[int]:
    """The slots of a product and of those that it follows, its own first."""
    found = [slot]
    while (parent := products_by_slot[found[-1]].parent_slot) is not None:
        found.append(parent)
    return found


def effective_rules(
    row: RateRow | None, product: ProductFacts, products_by_slot: Mapping[int, ProductFacts]
) -> DayRules:
    """The rules of one day, each one its own where set, else the parent's, else one that forbids nothing."""
    if row is None:
        return OPEN
    lineage = lineage_of(product.slot, products_by_slot)

    def first(column: Column, default: int) -> int:
        for slot in lineage:
            if slot <= len(column) and (value := column[slot - 1]) is not None:
                return value
        return default

    flags = 0
    for slot in reversed(lineage):
        flags = inherit_flags(_at(row.flags, slot), flags) or 0
    return _day_rules(
        first(row.min_arrival, 1), first(row.min_through, 1), first(row.max_stay, 0), flags & (CTA | CTD | STOP_SELL)
    )


@lru_cache(maxsize=4096)  # nights of a house are much alike, and each is asked for by every rate and channel
def _day_rules(min_arrival: int, min_through: int, max_stay: int, flags: int) -> DayRules:
    return DayRules(
        min_stay_arrival=max(1, min_arrival),
        min_stay_through=max(1, min_through),
        max_stay=max(0, max_stay),
        closed_to_arrival=bool(flags & CTA),
        closed_to_departure=bool(flags & CTD),
        stop_sell=bool(flags & STOP_SELL),
    )


def _depth(slot: int, links: Mapping[int, tuple[int, Derivation | None] | None]) -> int:
    resolve_chain(slot, links)  # refuses circles and unknown parents
    depth = 0
    while (link := links[slot]) is not None:
        slot, depth = link[0], depth + 1
    return depth


def _prepare(
    product: ProductFacts,
    by_slot: Mapping[int, ProductFacts],
    room_types: Sequence[RoomTypeFacts],
    places: Mapping[Hashable, int],
) -> PreparedProduct:
    place = places.get(product.room_type_id)
    if place is None:
        raise InvalidField(field="/products", problem=f"slot {product.slot} names an unknown room type")
    parent = None if product.parent_slot is None else by_slot[product.parent_slot]
    if parent is not None and parent.currency != product.currency:
        raise CurrencyMismatch(left=parent.currency, right=product.currency)
    pricing, room_type = product.pricing, room_types[place]
    return PreparedProduct(
        product=product,
        room_type=room_type,
        type_index=place,
        index=product.slot - 1,
        parent_index=None if parent is None else parent.slot - 1,
        step=None if product.derivation is None else product.derivation.compiled(product.currency),
        max_adults=min(room_type.max_adults, pricing.max_adults),
        max_children=min(room_type.max_children, pricing.max_children),
        max_occupancy=min(room_type.max_occupancy, pricing.max_occupancy),
    )


def _at(column: Column, slot: int) -> int | None:
    return column[slot - 1] if slot <= len(column) else None
