"""What terms come to for one stay: the price with its taxes and fees, what cancelling costs when, what is due when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from innsync.domain.money import Money
from innsync.domain.occupancy import Occupancy
from innsync.domain.policies import (
    CancellationPolicy,
    DuePayment,
    PaymentPolicy,
    check_in_instant,
    deadline,
    no_show_fee,
    payment_schedule,
)
from innsync.domain.pricing import Quote, quote
from innsync.domain.stay import StayDates
from innsync.domain.taxes import FeeRule, TaxRule


class CancellingCosts(NamedTuple):
    """From `after` on (UTC; None: from the booking) until the next one, cancelling costs this."""

    after: datetime | None
    fee: Money


@dataclass(frozen=True, slots=True)
class WorkedExample:
    """One room's stay. costs: in order of time, the first from the booking on."""

    stay: StayDates
    occupancy: Occupancy
    quote: Quote
    costs: tuple[CancellingCosts, ...]
    no_show: Money
    schedule: tuple[DuePayment, ...]


def work_out(
    *,
    stay: StayDates,
    occupancy: Occupancy,
    nightly: Sequence[Money],
    taxes: Sequence[TaxRule],
    fees: Sequence[FeeRule],
    cancellation: CancellationPolicy,
    payment: PaymentPolicy,
    booked_on: date,
    check_in_time: time,
    time_zone: ZoneInfo,
) -> WorkedExample:
    """nightly: the room price of each night in order, all of one currency. booked_on: a date at the property."""
    priced = quote(stay=stay, occupancy=occupancy, nightly=nightly, taxes=taxes, fees=fees)
    booked_at = check_in_instant(booked_on, time(0), time_zone)
    costs = [CancellingCosts(None, Money.zero(priced.total.currency))]
    for tier in cancellation.tiers:
        limit = deadline(tier, stay.check_in, check_in_time, time_zone)
        fee = tier.fee.of(nightly, priced.total)
        if limit is None or limit <= booked_at:  # so it holds when the booking is made
            costs = [CancellingCosts(None, fee)]
        else:
            costs.append(CancellingCosts(limit, fee))
    return WorkedExample(
        stay=stay,
        occupancy=occupancy,
        quote=priced,
        costs=tuple(costs),
        no_show=no_show_fee(cancellation, nightly, priced.total),
        schedule=payment_schedule(
            payment, booked_on=booked_on, check_in=stay.check_in, nightly=nightly, total=priced.total
        ),
    )
