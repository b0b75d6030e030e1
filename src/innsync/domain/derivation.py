"""Prices of one rate plan computed from another's: percent or amount, rounded, in chains without circles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from innsync.domain.errors import DerivationCycle, InvalidField, UnknownParentPlan
from innsync.domain.fields import Fields
from innsync.domain.money import minor_digits

K = TypeVar("K")


class DerivationKind(StrEnum):
    PERCENT = "percent"
    AMOUNT = "amount"


class Rounding(StrEnum):
    """How a derived price is made presentable; halves go up."""

    NONE = "none"  # to the minor unit
    UNIT = "unit"  # to whole units: 95.00
    NEAREST_5 = "nearest_5"  # to units of five: 95.00, 100.00
    ENDING_99 = "ending_99"  # to one hundredth below a whole unit: 94.99; yen, without decimals: 9,499


@dataclass(frozen=True, slots=True)
class Derivation:
    """One step from a parent's nightly base price to the derived plan's, before guests are counted.

    value: a signed percent (-10 is ten percent cheaper), or signed whole minor units. Where that leaves nothing to pay,
    the derived plan has no price: nobody means to sell a night for 0.00 by making a plan cheaper.
    """

    kind: DerivationKind
    value: Decimal
    rounding: Rounding = Rounding.NONE

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", Decimal(self.value))
        if not self.value.is_finite():
            raise InvalidField(field="/value", problem="must be a finite number")
        if self.kind is DerivationKind.AMOUNT and self.value != self.value.to_integral_value():
            raise InvalidField(field="/value", problem="must be whole minor units")
        if self.kind is DerivationKind.PERCENT and self.value < -100:
            raise InvalidField(field="/value", problem="must be -100 or more")

    @classmethod
    def percent(cls, value: Decimal | int | str, rounding: Rounding = Rounding.NONE) -> Derivation:
        return cls(DerivationKind.PERCENT, Decimal(value), rounding)

    @classmethod
    def amount(cls, minor: int, rounding: Rounding = Rounding.NONE) -> Derivation:
        return cls(DerivationKind.AMOUNT, Decimal(minor), rounding)

    def apply(self, parent_minor: int, currency: str) -> int | None:
        """The derived price in minor units, 1 or more; None: no price. Never falls when the parent's price rises."""
        return self.compiled(currency)(parent_minor)

    def compiled(self, currency: str) -> Callable[[int], int | None]:
        """`apply` for one currency with all that does not depend on the price done already; whole numbers only."""
        step, below = _grid(self.rounding, currency)
        if self.kind is DerivationKind.AMOUNT:
            add = int(self.value)
            if step == 1:
                return lambda parent: _if_any(parent + add)
            return lambda parent: _if_any((2 * (parent + add + below) + step) // (2 * step) * step - below)
        numerator, denominator = ((100 + self.value) / 100).as_integer_ratio()
        # round(parent * n / d + below) to the step, halves up, in one division so that nothing is rounded twice
        over = 2 * step * denominator
        twice, offset = 2 * numerator, (2 * below + step) * denominator
        return lambda parent: _if_any((parent * twice + offset) // over * step - below)

    def to_json(self) -> dict[str, object]:
        value: object = str(self.value) if self.kind is DerivationKind.PERCENT else int(self.value)
        return {"kind": self.kind.value, "value": value, "rounding": self.rounding.value}

    @classmethod
    def from_json(cls, value: object) -> Derivation:
        fields = Fields(value)
        kind = fields.choice("kind", DerivationKind)
        amount = fields.decimal("value") if kind is DerivationKind.PERCENT else Decimal(fields.integer("value"))
        rounding = fields.choice("rounding", Rounding, Rounding.NONE)
        fields.end()
        return cls(kind, amount, rounding)


def resolve_chain(plan: K, parents: Mapping[K, tuple[K, Derivation | None] | None]) -> tuple[K, tuple[Derivation, ...]]:
    """The plan whose own prices count, and the steps from it down to `plan`.

    parents: for each plan its parent and the step (None: the same price), or None for a plan with prices of its own.
    Raises DerivationCycle, or UnknownParentPlan for a parent that `parents` does not name.
    """
    steps: list[Derivation] = []
    walked: list[K] = [plan]
    current = plan
    while (link := parents[current]) is not None:
        parent, step = link
        if step is not None:
            steps.append(step)
        if parent in walked:
            raise DerivationCycle(plans=(*walked[walked.index(parent) :], parent))
        if parent not in parents:
            raise UnknownParentPlan(plan=current, parent=parent)
        walked.append(parent)
        current = parent
    return current, tuple(reversed(steps))


def derive(base_minor: int, steps: Iterable[Derivation], currency: str) -> int | None:
    """The price at the end of a chain, rounded at each step as a person who prices each plan by hand would see it.

    None as soon as a plan on the way has no price: what is derived from it has none either.
    """
    price: int | None = base_minor
    for step in steps:
        if price is None:
            break
        price = step.apply(price, currency)
    return price


def _if_any(minor: int) -> int | None:
    return minor if minor > 0 else None


def _grid(rounding: Rounding, currency: str) -> tuple[int, int]:
    """The distance of presentable prices and how far they lie below its multiples, in minor units."""
    digits = minor_digits(currency)
    unit: int = 10**digits
    if rounding is Rounding.NONE:
        return 1, 0
    if rounding is Rounding.UNIT:
        return unit, 0
    if rounding is Rounding.NEAREST_5:
        return 5 * unit, 0
    return (unit, unit // 100) if digits >= 2 else (100 * unit, unit)
