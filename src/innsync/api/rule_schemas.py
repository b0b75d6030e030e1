"""The shapes of what a hotel asks and promises, for the published reference: taxes, fees, children's prices, policies."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from ninja import Schema
from pydantic import Field, WithJsonSchema


class Money(Schema):
    """An exact amount as a decimal string at the currency's own precision."""

    amount: str = Field(examples=["412.50"])
    currency: str = Field(examples=["USD"])


class PercentShare(Schema):
    """Part of a price, as percent of all of it."""

    kind: Literal["percent"]
    percent: str = Field(examples=["50"])


class NightsShare(Schema):
    """Part of a price: the first so many nights."""

    kind: Literal["nights"]
    nights: int


class AmountShare(Schema):
    """Part of a price: that amount, and never more than the whole."""

    kind: Literal["amount"]
    amount: Money


Share = Annotated[PercentShare | NightsShare | AmountShare, Field(discriminator="kind")]


class CancellationTier(Schema):
    """fee: what cancelling costs later than so long before check-in. before null: from booking on."""

    before: int | None
    unit: Literal["hours", "days"]
    fee: Share


class CancellationPolicy(Schema):
    """tiers: from the farthest deadline to the nearest; before the first one cancelling is free.

    no_show: what is owed by who never comes. free_until: the last moment at which cancelling costs nothing, null when
    it never does.
    """

    tiers: list[CancellationTier]
    no_show: Share | None = None
    free_until: datetime | None = None


class DuePayment(Schema):
    """due_on: a date at the hotel."""

    due_on: date
    amount: Money


class PaymentStep(Schema):
    """share: how much of the price. days: before arrival, where it is due then; else 0."""

    due: Literal["booking", "days_before_arrival", "arrival"]
    days: int
    share: Share


class PaymentPolicy(Schema):
    """steps: what is due when; what no step asks for is due at arrival.

    schedule: these steps as dates and amounts, which add up to the total, for an offer as if it were booked today; only
    with an offer or a whole booking. Empty for a booking that has ended, or that a channel sold.
    """

    steps: list[PaymentStep]
    schedule: list[DuePayment] | None = None


# A member called `from` has no name in Python, and answers are described by their names there.
_MONTH_DAY = {"type": "string", "pattern": r"^\d\d-\d\d$"}
Season = Annotated[
    dict[Literal["from", "to"], str],
    WithJsonSchema(
        {
            "type": "object",
            "description": "Month and day, both included, of every year; may run over the new year.",
            "properties": {"from": _MONTH_DAY | {"examples": ["06-15"]}, "to": _MONTH_DAY | {"examples": ["09-15"]}},
            "required": ["from", "to"],
        }
    ),
]


class PercentFee(Schema):
    """A fee in percent of the nights' price. included: that price holds it already; otherwise it is added.

    max_nights: only the first so many nights are charged. season: only nights in it; null: all year.
    long_stay_exempt_from_nights: a stay of so many nights or more pays nothing.
    """

    code: str
    name: str
    kind: Literal["percent"]
    percent: str = Field(examples=["6.5"])
    included: bool
    min_age: int
    max_nights: int | None
    season: Season | None
    long_stay_exempt_from_nights: int | None


class FixedFee(Schema):
    """A fee of a fixed amount for each of what its kind counts; per_stay: once a room. The rest as in PercentFee.

    min_age: persons younger than this at check-in are not counted.
    """

    code: str
    name: str
    kind: Literal["per_stay", "per_night", "per_person", "per_person_per_night"]
    amount: Money
    included: bool
    min_age: int
    max_nights: int | None
    season: Season | None
    long_stay_exempt_from_nights: int | None


class PercentTax(PercentFee):
    """As PercentFee. applies_to_fees: it is taken of the fees too."""

    applies_to_fees: bool


class FixedTax(FixedFee):
    """As FixedFee. applies_to_fees: says nothing for a fixed amount."""

    applies_to_fees: bool


class ChildBandOut(Schema):
    """What a child of these ages costs a night. Ages are whole years at check-in, both ends included.

    counts_as_adult: priced like one more adult.
    """

    name: str
    min_age: int
    max_age: int
    amount: Money
    counts_as_adult: bool
