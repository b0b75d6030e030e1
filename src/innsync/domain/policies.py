"""Cancellation and payment terms: what a cancellation costs, and what is due when.

"48 hours before check-in" means 48 hours that really pass before the property's own check-in hour; "2 days before" the
same hour on its clock two dates earlier. The two differ when the clocks change (DESIGN section 5).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from innsync.domain.errors import InvalidField
from innsync.domain.fields import Fields
from innsync.domain.money import Money
from innsync.domain.money import total as sum_of


class ShareKind(StrEnum):
    PERCENT = "percent"  # of the total
    NIGHTS = "nights"  # the first so many nights
    AMOUNT = "amount"  # minor units


@dataclass(frozen=True, slots=True)
class Share:
    """Part of a stay's price; never more than the whole. value: percent 0-100, a count of nights, or minor units."""

    kind: ShareKind
    value: Decimal

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", Decimal(self.value))
        if not self.value.is_finite() or self.value < 0:
            raise InvalidField(field="/value", problem="must be 0 or more")
        if self.kind is ShareKind.PERCENT and self.value > 100:
            raise InvalidField(field="/value", problem="must be 100 or less")
        if self.kind is not ShareKind.PERCENT and self.value != self.value.to_integral_value():
            raise InvalidField(field="/value", problem="must be a whole number")

    def of(self, nightly: Sequence[Money], whole: Money) -> Money:
        if self.kind is ShareKind.PERCENT:
            part = whole.percent(self.value)
        elif self.kind is ShareKind.NIGHTS:
            part = sum_of(nightly[: int(self.value)], whole.currency)
        else:
            part = Money(int(self.value), whole.currency)
        return min(part, whole)

    def to_json(self) -> dict[str, object]:
        value: object = str(self.value) if self.kind is ShareKind.PERCENT else int(self.value)
        return {"kind": self.kind.value, "value": value}

    @classmethod
    def from_json(cls, value: object) -> Share:
        fields = Fields(value)
        kind = fields.choice("kind", ShareKind)
        number = fields.decimal("value") if kind is ShareKind.PERCENT else Decimal(fields.integer("value"))
        fields.end()
        return cls(kind, number)


NOTHING = Share(ShareKind.PERCENT, Decimal(0))
EVERYTHING = Share(ShareKind.PERCENT, Decimal(100))


class DeadlineUnit(StrEnum):
    HOURS = "hours"
    DAYS = "days"


@dataclass(frozen=True, slots=True)
class CancellationTier:
    """Cancelled later than this before check-in, this is the fee. before None: from the moment of booking on."""

    fee: Share
    before: int | None = None
    unit: DeadlineUnit = DeadlineUnit.HOURS

    def __post_init__(self) -> None:
        if self.before is not None and self.before < 0:
            raise InvalidField(field="/before", problem="must be 0 or more")

    @property
    def nominal_hours(self) -> float:
        """For putting tiers in order: how long before check-in, as if no clock ever changed."""
        if self.before is None:
            return float("inf")
        return self.before * (24 if self.unit is DeadlineUnit.DAYS else 1)

    def to_json(self) -> dict[str, object]:
        return {"before": self.before, "unit": self.unit.value, "fee": self.fee.to_json()}

    @classmethod
    def from_json(cls, value: object) -> CancellationTier:
        fields = Fields(value)
        tier = cls(
            fee=fields.nested("fee", Share.from_json),
            before=fields.optional_integer("before"),
            unit=fields.choice("unit", DeadlineUnit, DeadlineUnit.HOURS),
        )
        fields.end()
        return tier


@dataclass(frozen=True, slots=True)
class CancellationPolicy:
    """Tiers from the farthest deadline to the nearest; before the first one cancelling is free. no_show: guest never came."""

    tiers: tuple[CancellationTier, ...] = ()
    no_show: Share = EVERYTHING

    def __post_init__(self) -> None:
        for index in range(1, len(self.tiers)):
            if self.tiers[index].nominal_hours >= self.tiers[index - 1].nominal_hours:
                raise InvalidField(
                    field=f"/tiers/{index}/before", problem="must be nearer to check-in than the tier before"
                )

    def to_json(self) -> dict[str, object]:
        return {"tiers": [tier.to_json() for tier in self.tiers], "no_show": self.no_show.to_json()}

    @classmethod
    def from_json(cls, value: object) -> CancellationPolicy:
        fields = Fields(value)
        policy = cls(
            tiers=fields.each("tiers", CancellationTier.from_json),
            no_show=fields.optional("no_show", Share.from_json) or EVERYTHING,
        )
        fields.end()
        return policy


def check_in_instant(check_in: date, check_in_time: time, time_zone: ZoneInfo) -> datetime:
    """The moment of check-in in UTC.

    An hour that the clocks skip counts as if they had not moved yet; one that they repeat is the first of the two.
    """
    return datetime.combine(check_in, check_in_time, tzinfo=time_zone).astimezone(UTC)


def deadline(tier: CancellationTier, check_in: date, check_in_time: time, time_zone: ZoneInfo) -> datetime | None:
    """The last moment (UTC) before the tier's fee applies, None when it always does."""
    if tier.before is None:
        return None
    if tier.unit is DeadlineUnit.DAYS:
        return check_in_instant(check_in - timedelta(days=tier.before), check_in_time, time_zone)
    return check_in_instant(check_in, check_in_time, time_zone) - timedelta(hours=tier.before)


def free_until(policy: CancellationPolicy, check_in: date, check_in_time: time, time_zone: ZoneInfo) -> datetime | None:
    """The last moment (UTC) at which cancelling costs nothing; None when it never does, check-in when it always is free."""
    for tier in policy.tiers:
        if tier.fee.value > 0:
            return deadline(tier, check_in, check_in_time, time_zone)
    return check_in_instant(check_in, check_in_time, time_zone)


def cancellation_fee(
    policy: CancellationPolicy,
    check_in: date,
    check_in_time: time,
    time_zone: ZoneInfo,
    cancelled_at: datetime,
    nightly: Sequence[Money],
    total: Money,
) -> Money:
    """What cancelling at this moment costs; never more than the total.

    cancelled_at: an aware instant. A cancellation exactly at a deadline is still in time. After check-in the last tier
    goes on; a guest who never came is `no_show_fee`.
    """
    if cancelled_at.tzinfo is None:
        raise ValueError("cancelled_at must be an aware instant")
    fee = NOTHING
    for tier in policy.tiers:
        limit = deadline(tier, check_in, check_in_time, time_zone)
        if limit is None or cancelled_at > limit:
            fee = tier.fee
    return fee.of(nightly, total)


def no_show_fee(policy: CancellationPolicy, nightly: Sequence[Money], total: Money) -> Money:
    """What is charged when the guest never came; never more than the total."""
    return policy.no_show.of(nightly, total)


class DueAt(StrEnum):
    BOOKING = "booking"
    DAYS_BEFORE = "days_before_arrival"
    ARRIVAL = "arrival"


@dataclass(frozen=True, slots=True)
class PaymentStep:
    """A part of the price and when it is due. days: before arrival, for DAYS_BEFORE only."""

    due: DueAt
    share: Share
    days: int = 0

    def __post_init__(self) -> None:
        if self.days < 0 or (self.days and self.due is not DueAt.DAYS_BEFORE):
            raise InvalidField(field="/days", problem=f"must be 0 or more, and 0 unless due is {DueAt.DAYS_BEFORE}")

    def to_json(self) -> dict[str, object]:
        return {"due": self.due.value, "share": self.share.to_json(), "days": self.days}

    @classmethod
    def from_json(cls, value: object) -> PaymentStep:
        fields = Fields(value)
        step = cls(
            due=fields.choice("due", DueAt),
            share=fields.nested("share", Share.from_json),
            days=fields.integer("days", 0),
        )
        fields.end()
        return step


@dataclass(frozen=True, slots=True)
class PaymentPolicy:
    """What is due before and at arrival. What no step asks for is due at arrival."""

    steps: tuple[PaymentStep, ...] = ()

    def to_json(self) -> dict[str, object]:
        return {"steps": [step.to_json() for step in self.steps]}

    @classmethod
    def from_json(cls, value: object) -> PaymentPolicy:
        fields = Fields(value)
        policy = cls(steps=fields.each("steps", PaymentStep.from_json))
        fields.end()
        return policy


class DuePayment(NamedTuple):
    """An amount and the property's date on which it is due."""

    due_on: date
    amount: Money


def payment_schedule(
    policy: PaymentPolicy, *, booked_on: date, check_in: date, nightly: Sequence[Money], total: Money
) -> tuple[DuePayment, ...]:
    """The payments in order of date, one a date, summing to the total exactly; payments of nothing are left out.

    A step whose date has passed at booking is due at booking. Steps that ask for more than the total stop at it.
    """
    dated = [(_due_on(step, booked_on, check_in), step.share) for step in policy.steps]
    rest = total
    due = []
    for due_on, share in sorted(dated, key=lambda one: one[0]):
        part = min(share.of(nightly, total), rest)
        due.append(DuePayment(due_on, part))
        rest = rest - part
    return merged([*due, DuePayment(max(booked_on, check_in), rest)])


def merged(payments: Iterable[DuePayment]) -> tuple[DuePayment, ...]:
    """In order of date, those of one date as one; payments of nothing are left out."""
    due: dict[date, Money] = {}
    for due_on, amount in payments:
        due[due_on] = due[due_on] + amount if due_on in due else amount
    return tuple(DuePayment(due_on, due[due_on]) for due_on in sorted(due) if due[due_on].minor)


def _due_on(step: PaymentStep, booked_on: date, check_in: date) -> date:
    if step.due is DueAt.BOOKING:
        return booked_on
    return max(booked_on, check_in - timedelta(days=step.days))
