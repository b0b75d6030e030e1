"""Taxes and fees of a stay: percent or fixed, included in the price or added, capped by nights, ages and season.

Sources: complaint C46 (city tax only for the first 21 nights, and missing from the offer); DESIGN section 5 (to the cent).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from math import lcm
from typing import NamedTuple, TypedDict

from innsync.domain.errors import InvalidField
from innsync.domain.fields import Fields
from innsync.domain.money import Money
from innsync.domain.occupancy import Occupancy
from innsync.domain.stay import StayDates


class ChargeKind(StrEnum):
    PERCENT = "percent"  # of the room price of the nights it applies to
    PER_STAY = "per_stay"  # once for a room
    PER_NIGHT = "per_night"
    PER_PERSON = "per_person"  # once for each person
    PER_PERSON_PER_NIGHT = "per_person_per_night"


@dataclass(frozen=True, slots=True)
class Season:
    """Days of every year, both ends included; `first` after `last` runs over the new year. Each is (month, day)."""

    first: tuple[int, int]
    last: tuple[int, int]

    def __post_init__(self) -> None:
        for field, (month, day) in (("/from", self.first), ("/to", self.last)):
            try:
                date(2024, month, day)  # a leap year, so 29 February may be named
            except ValueError:
                raise InvalidField(field=field, problem='must be a month and day such as "06-15"') from None

    def __contains__(self, day: date) -> bool:
        at = (day.month, day.day)
        if self.first <= self.last:
            return self.first <= at <= self.last
        return at >= self.first or at <= self.last

    def to_json(self) -> dict[str, object]:
        return {"from": "{:02}-{:02}".format(*self.first), "to": "{:02}-{:02}".format(*self.last)}

    @classmethod
    def from_json(cls, value: object) -> Season:
        fields = Fields(value)
        first, last = _month_day("from", fields.text("from")), _month_day("to", fields.text("to"))
        fields.end()
        return cls(first, last)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRule:
    """What a tax and a fee have in common.

    amount: percent for PERCENT, else whole minor units of the property's currency; 0 or more.
    included: the amount is part of the room price already and only shown; otherwise it is added to the total.
    min_age: persons younger than this are not counted, by age at check-in.
    max_nights: only the first so many nights of the stay are charged (kinds by night, and percent).
    season: only nights in it are charged; kinds charged once ask the arrival night.
    long_stay_exempt_from_nights: a stay of at least so many nights pays nothing at all.
    """

    code: str
    name: str
    kind: ChargeKind
    amount: Decimal
    included: bool = False
    min_age: int = 0
    max_nights: int | None = None
    season: Season | None = None
    long_stay_exempt_from_nights: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", ChargeKind(self.kind))
        object.__setattr__(self, "amount", Decimal(self.amount))
        if not self.amount.is_finite() or self.amount < 0:
            raise InvalidField(field="/amount", problem="must be 0 or more")
        if self.kind is not ChargeKind.PERCENT and self.amount != self.amount.to_integral_value():
            raise InvalidField(field="/amount", problem="must be whole minor units")
        if not 0 <= self.min_age <= 120:
            raise InvalidField(field="/min_age", problem="must be 0 to 120")
        if self.max_nights is not None and self.max_nights < 1:
            raise InvalidField(field="/max_nights", problem="must be 1 or more")
        if self.long_stay_exempt_from_nights is not None and self.long_stay_exempt_from_nights < 1:
            raise InvalidField(field="/long_stay_exempt_from_nights", problem="must be 1 or more")

    def charged_nights(self, stay: StayDates) -> list[bool]:
        """For each night whether this rule counts it."""
        nights = len(stay)
        exempt = self.long_stay_exempt_from_nights
        if exempt is not None and nights >= exempt:
            return [False] * nights
        cap = nights if self.max_nights is None else self.max_nights
        if self.season is None:
            return [index < cap for index in range(nights)]
        return [index < cap and night in self.season for index, night in enumerate(stay.nights())]

    def to_json(self) -> dict[str, object]:
        percent = self.kind is ChargeKind.PERCENT
        return {
            "code": self.code,
            "name": self.name,
            "kind": self.kind.value,
            "amount": str(self.amount) if percent else int(self.amount),
            "included": self.included,
            "min_age": self.min_age,
            "max_nights": self.max_nights,
            "season": None if self.season is None else self.season.to_json(),
            "long_stay_exempt_from_nights": self.long_stay_exempt_from_nights,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRule(ChargeRule):
    """Something the house asks for besides the nights: cleaning per stay, resort fee per night, linen per person."""

    @classmethod
    def from_json(cls, value: object) -> FeeRule:
        fields = Fields(value)
        common = _common(fields)
        fields.end()
        return cls(**common)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRule(ChargeRule):
    """Something the state asks for. applies_to_fees: a percent is taken of the fees too."""

    applies_to_fees: bool = False

    def to_json(self) -> dict[str, object]:
        # named base: a slotted dataclass is a new class, so the argument-free super() finds the wrong one
        return ChargeRule.to_json(self) | {"applies_to_fees": self.applies_to_fees}

    @classmethod
    def from_json(cls, value: object) -> TaxRule:
        fields = Fields(value)
        common = _common(fields)
        applies = fields.boolean("applies_to_fees", False)
        fields.end()
        return cls(**common, applies_to_fees=applies)


class ChargeLine(NamedTuple):
    """One line of a bill. included: shown only, since the room price holds it already."""

    code: str
    name: str
    amount: Money
    included: bool


class ChargedMinor(NamedTuple):
    """A charge line before it is dressed as Money; what the availability search computes with."""

    rule: ChargeRule
    minor: int

    def line(self, currency: str) -> ChargeLine:
        return ChargeLine(self.rule.code, self.rule.name, Money(self.minor, currency), self.rule.included)


class _Compiled(NamedTuple):
    """One rule for one stay and occupancy: (constant + sum(night * weight) + fees * fee_weight) / divisor."""

    rule: ChargeRule
    constant: int
    weights: tuple[int, ...] | None  # None: every night weighs `weight`
    weight: int
    fee_weight: int
    divisor: int

    def minor(self, nightly: Sequence[int], price: int, fees: int) -> int:
        if self.divisor == 1:  # a fixed amount
            return self.constant
        if self.weights is None:
            share = price * self.weight
        else:
            share = sum(night * weight for night, weight in zip(nightly, self.weights, strict=True))
        share += fees * self.fee_weight
        return (2 * share + self.divisor) // (2 * self.divisor)  # half up: nothing here is negative


class ChargePlan:
    """The taxes and fees of one stay and occupancy, ready to be applied to many prices.

    Only percents depend on the price, so a search over all products asks caps, ages, seasons and exemptions once.
    """

    __slots__ = ("_fees", "_taxes")

    def __init__(
        self,
        taxes: Sequence[TaxRule],
        fees: Sequence[FeeRule],
        stay: StayDates,
        occupancy: Occupancy,
        before: Sequence[Occupancy] = (),
    ) -> None:
        """before: who slept there on the first nights, where that was somebody else."""
        self._fees = [_ready(one) for one in _compile(fees, stay, occupancy, before)]
        self._taxes = [_ready(one) for one in _compile(taxes, stay, occupancy, before)]

    def apply(self, nightly: Sequence[int]) -> tuple[list[ChargedMinor], list[ChargedMinor], int]:
        """(taxes, fees, what both add to the price), in minor units; lines of nothing are left out."""
        price = sum(nightly)
        fees, fee_base = _charged(self._fees, nightly, price, 0) if self._fees else ([], 0)
        taxes, added = _charged(self._taxes, nightly, price, fee_base)
        return taxes, fees, fee_base + added


def _ready(one: _Compiled) -> tuple[_Compiled, ChargedMinor | None]:
    """With the line itself where it does not depend on the price."""
    return one, ChargedMinor(one.rule, one.constant) if one.divisor == 1 else None


def _charged(
    compiled: Sequence[tuple[_Compiled, ChargedMinor | None]], nightly: Sequence[int], price: int, fees: int
) -> tuple[list[ChargedMinor], int]:
    """The lines, and what those add that are not part of the price."""
    lines: list[ChargedMinor] = []
    added = 0
    for one, line in compiled:
        made = line or ChargedMinor(one.rule, one.minor(nightly, price, fees))
        if made.minor:
            lines.append(made)
            if not made.rule.included:
                added += made.minor
    return lines, added


def charges(
    rules: Sequence[ChargeRule],
    stay: StayDates,
    occupancy: Occupancy,
    nightly: Sequence[Money],
    fees: Sequence[ChargeLine] = (),
) -> list[ChargeLine]:
    """The lines that these rules make of one room's stay; a line of nothing is left out.

    nightly: the room price of each night, as shown. fees: lines already made, for taxes that apply to fees; an included
    fee is part of the room price, so only added ones are taxed on top of it.

    An included percent is the share contained in the price: 6 % of 106.00 is 6.00. Where several included percents
    meet on a night they share one net price: 106.00 + 4 % of the same net is 110.00. An added percent is taken of the
    price as shown. Each line is rounded once, half up.
    """
    currency = nightly[0].currency
    minors = [night.minor for night in nightly]
    fee_base = sum(fee.amount.minor for fee in fees if not fee.included)
    made = (
        ChargedMinor(one.rule, one.minor(minors, sum(minors), fee_base)) for one in _compile(rules, stay, occupancy)
    )
    return [charged.line(currency) for charged in made if charged.minor]


def _compile(
    rules: Sequence[ChargeRule], stay: StayDates, occupancy: Occupancy, before: Sequence[Occupancy] = ()
) -> Iterator[_Compiled]:
    applied = [(rule, rule.charged_nights(stay)) for rule in rules]
    percents = [(rule, nights) for rule, nights in applied if rule.kind is ChargeKind.PERCENT]
    included_by_night = [
        sum((rule.amount for rule, nights in percents if rule.included and nights[index]), Decimal(0))
        for index in range(len(stay))
    ]
    included_on_fees = sum(
        (rule.amount for rule, nights in percents if rule.included and any(nights) and _taxes_fees(rule)), Decimal(0)
    )
    for rule, nights in applied:
        if not any(nights):
            continue
        if rule.kind is ChargeKind.PERCENT:
            yield _percent(rule, nights, included_by_night, included_on_fees)
        else:
            constant = int(rule.amount) * _times(rule, nights, occupancy, before)
            yield _Compiled(rule, constant, None, 0, 0, 1)


def _taxes_fees(rule: ChargeRule) -> bool:
    return isinstance(rule, TaxRule) and rule.applies_to_fees


def _percent(
    rule: ChargeRule, nights: list[bool], included_by_night: list[Decimal], included_on_fees: Decimal
) -> _Compiled:
    nothing = (0, 1)
    parts = [
        _share(rule, included) if charged else nothing
        for charged, included in zip(nights, included_by_night, strict=True)
    ]
    of_fees = _share(rule, included_on_fees) if _taxes_fees(rule) else nothing
    # at least 2, since a divisor of 1 marks a fixed amount
    divisor = 2 * lcm(of_fees[1], *(below for _, below in parts))
    weights = tuple(above * (divisor // below) for above, below in parts)
    uniform = len(set(weights)) == 1
    fee_weight = of_fees[0] * (divisor // of_fees[1])
    return _Compiled(rule, 0, None if uniform else weights, weights[0], fee_weight, divisor)


def _share(rule: ChargeRule, all_included: Decimal) -> tuple[int, int]:
    """The rule's part of a price as a fraction; `all_included` is the sum of the percents contained in that price."""
    above, below = rule.amount.as_integer_ratio()
    if not rule.included:
        return above, below * 100
    whole, part = (100 + all_included).as_integer_ratio()
    return above * part, below * whole


def _times(rule: ChargeRule, nights: list[bool], occupancy: Occupancy, before: Sequence[Occupancy]) -> int:
    match rule.kind:
        case ChargeKind.PER_NIGHT:
            return sum(nights)
        case ChargeKind.PER_PERSON_PER_NIGHT:
            earlier = sum(
                one.persons_from(rule.min_age) for one, charged in zip(before, nights, strict=False) if charged
            )
            return earlier + sum(nights[len(before) :]) * occupancy.persons_from(rule.min_age)
        case ChargeKind.PER_PERSON:
            return nights[0] * occupancy.persons_from(rule.min_age)
        case _:
            return int(nights[0])


def _month_day(name: str, text: str) -> tuple[int, int]:
    month, _, day = text.partition("-")
    if len(text) != 5 or not (month.isdecimal() and day.isdecimal()):
        raise InvalidField(field=f"/{name}", problem='must be a month and day such as "06-15"')
    return int(month), int(day)


class _Common(TypedDict):
    """The arguments that every charge rule takes."""

    code: str
    name: str
    kind: ChargeKind
    amount: Decimal
    included: bool
    min_age: int
    max_nights: int | None
    season: Season | None
    long_stay_exempt_from_nights: int | None


def _common(fields: Fields) -> _Common:
    kind = fields.choice("kind", ChargeKind)
    amount = fields.decimal("amount") if kind is ChargeKind.PERCENT else Decimal(fields.integer("amount"))
    return {
        "code": fields.text("code"),
        "name": fields.text("name"),
        "kind": kind,
        "amount": amount,
        "included": fields.boolean("included", False),
        "min_age": fields.integer("min_age", 0),
        "max_nights": fields.optional_integer("max_nights"),
        "season": fields.optional("season", Season.from_json),
        "long_stay_exempt_from_nights": fields.optional_integer("long_stay_exempt_from_nights"),
    }
