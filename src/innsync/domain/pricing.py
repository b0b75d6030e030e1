"""What a room costs: the night by its guests, and the stay with taxes and fees.

A rate plan keeps one base price a night, for its base occupancy; guests more or fewer move it by fixed amounts. Derived
plans take their base from another plan (`derivation`). All sums are whole minor units, so parts make the total exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from innsync.domain.derivation import Derivation, DerivationKind, Rounding, derive, resolve_chain
from innsync.domain.errors import InvalidField
from innsync.domain.fields import Fields
from innsync.domain.money import Money
from innsync.domain.occupancy import OLDEST_CHILD, Occupancy
from innsync.domain.stay import StayDates
from innsync.domain.taxes import ChargeLine, ChargePlan, FeeRule, TaxRule

__all__ = [
    "ChildBand",
    "Derivation",
    "DerivationKind",
    "NightAmount",
    "Occupancy",
    "OccupancyPricing",
    "Quote",
    "Rounding",
    "derive",
    "night_price",
    "occupancy_delta",
    "price_by_occupancy",
    "quote",
    "resolve_chain",
]


@dataclass(frozen=True, slots=True)
class ChildBand:
    """What a child of certain ages costs a night. Ages are whole years at check-in, both ends included.

    counts_as_adult: priced like one more adult (the band's own amount is then 0).
    """

    name: str
    min_age: int
    max_age: int
    amount_minor: int = 0
    counts_as_adult: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.min_age <= OLDEST_CHILD:
            raise InvalidField(field="/min_age", problem=f"must be 0 to {OLDEST_CHILD}")
        if not self.min_age <= self.max_age <= OLDEST_CHILD:
            raise InvalidField(field="/max_age", problem=f"must be min_age to {OLDEST_CHILD}")
        if self.amount_minor < 0 or (self.counts_as_adult and self.amount_minor):
            raise InvalidField(
                field="/amount_minor", problem="must be 0 or more, and 0 for a child that counts as adult"
            )

    def to_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "min_age": self.min_age,
            "max_age": self.max_age,
            "amount_minor": self.amount_minor,
            "counts_as_adult": self.counts_as_adult,
        }

    @classmethod
    def from_json(cls, value: object) -> ChildBand:
        fields = Fields(value)
        band = cls(
            name=fields.text("name"),
            min_age=fields.integer("min_age"),
            max_age=fields.integer("max_age"),
            amount_minor=fields.integer("amount_minor", 0),
            counts_as_adult=fields.boolean("counts_as_adult", False),
        )
        fields.end()
        return band


@dataclass(frozen=True, slots=True)
class OccupancyPricing:
    """How guests move a product's base price, and how many of them it takes.

    base_occupancy: adults that the base price is for. extra_adult_minor: added for each above, a night.
    fewer_adults_minor: taken off for each below, a night. child_bands: ascending and apart; a child in no band is
    priced as an adult, as travel sites do with ages that a property has not named.
    """

    base_occupancy: int = 2
    extra_adult_minor: int = 0
    fewer_adults_minor: int = 0
    child_bands: tuple[ChildBand, ...] = ()
    max_adults: int = 2
    max_children: int = 0
    max_occupancy: int = 2

    def __post_init__(self) -> None:
        for field, value, least in (
            ("/base_occupancy", self.base_occupancy, 1),
            ("/extra_adult_minor", self.extra_adult_minor, 0),
            ("/fewer_adults_minor", self.fewer_adults_minor, 0),
            ("/max_adults", self.max_adults, 1),
            ("/max_children", self.max_children, 0),
            ("/max_occupancy", self.max_occupancy, 1),
        ):
            if value < least:
                raise InvalidField(field=field, problem=f"must be {least} or more")
        for index in range(1, len(self.child_bands)):
            if self.child_bands[index].min_age <= self.child_bands[index - 1].max_age:
                raise InvalidField(field=f"/child_bands/{index}/min_age", problem="must be above the band before")

    def band_for(self, age: int) -> ChildBand | None:
        for band in self.child_bands:
            if band.min_age <= age <= band.max_age:
                return band
        return None

    def to_json(self) -> dict[str, object]:
        return {
            "base_occupancy": self.base_occupancy,
            "extra_adult_minor": self.extra_adult_minor,
            "fewer_adults_minor": self.fewer_adults_minor,
            "child_bands": [band.to_json() for band in self.child_bands],
            "max_adults": self.max_adults,
            "max_children": self.max_children,
            "max_occupancy": self.max_occupancy,
        }

    @classmethod
    def from_json(cls, value: object) -> OccupancyPricing:
        fields = Fields(value)
        pricing = cls(
            base_occupancy=fields.integer("base_occupancy", 2),
            extra_adult_minor=fields.integer("extra_adult_minor", 0),
            fewer_adults_minor=fields.integer("fewer_adults_minor", 0),
            child_bands=fields.each("child_bands", ChildBand.from_json),
            max_adults=fields.integer("max_adults", 2),
            max_children=fields.integer("max_children", 0),
            max_occupancy=fields.integer("max_occupancy", 2),
        )
        fields.end()
        return pricing


def occupancy_delta(occupancy: Occupancy, pricing: OccupancyPricing) -> int:
    """What these guests add to the base price of any night, in minor units; negative when they are few."""
    adults = occupancy.adults
    children = 0
    for age in occupancy.child_ages:
        band = pricing.band_for(age)
        if band is None or band.counts_as_adult:
            adults += 1
        else:
            children += band.amount_minor
    more = adults - pricing.base_occupancy
    return children + more * (pricing.extra_adult_minor if more > 0 else pricing.fewer_adults_minor)


def night_price(base_minor: int, occupancy: Occupancy, pricing: OccupancyPricing, currency: str) -> Money:
    """One night for these guests; never below zero. Whether they fit is not asked here."""
    return Money(max(0, base_minor + occupancy_delta(occupancy, pricing)), currency)


def price_by_occupancy(base_minor: int, pricing: OccupancyPricing, currency: str) -> tuple[tuple[int, Money], ...]:
    """(adults, price) for every number of adults that may be sold: what channels priced by occupancy are sent."""
    most = min(pricing.max_adults, pricing.max_occupancy)
    return tuple(
        (adults, night_price(base_minor, Occupancy(adults), pricing, currency)) for adults in range(1, most + 1)
    )


class NightAmount(NamedTuple):
    """The room price of one night."""

    date: date
    amount: Money


@dataclass(frozen=True, slots=True)
class Quote:
    """The whole price of a stay. total = subtotal + the taxes and fees that are added; included ones are only shown."""

    nightly: tuple[NightAmount, ...]
    subtotal: Money
    taxes: tuple[ChargeLine, ...]
    fees: tuple[ChargeLine, ...]
    total: Money


def quote(
    *,
    stay: StayDates,
    occupancy: Occupancy,
    nightly: Sequence[Money],
    taxes: Sequence[TaxRule] = (),
    fees: Sequence[FeeRule] = (),
) -> Quote:
    """Price one room's stay from its nightly room prices, one for each night in order, all of one currency."""
    currency = nightly[0].currency
    minors = [night.minor for night in nightly]
    subtotal = sum(nightly[1:], start=nightly[0])
    tax_lines, fee_lines, added = ChargePlan(taxes, fees, stay, occupancy).apply(minors)
    return Quote(
        nightly=tuple(NightAmount(day, amount) for day, amount in zip(stay.nights(), nightly, strict=True)),
        subtotal=subtotal,
        taxes=tuple(charged.line(currency) for charged in tax_lines),
        fees=tuple(charged.line(currency) for charged in fee_lines),
        total=subtotal + Money(added, currency),
    )
