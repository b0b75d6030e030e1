"""The worked example agrees with what a booking on the same terms would be charged."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.money import Money
from innsync.domain.money import total as sum_of
from innsync.domain.occupancy import Occupancy
from innsync.domain.policies import (
    CancellationPolicy,
    CancellationTier,
    DeadlineUnit,
    DueAt,
    PaymentPolicy,
    PaymentStep,
    Share,
    ShareKind,
    cancellation_fee,
)
from innsync.domain.stay import StayDates
from innsync.domain.taxes import ChargeKind, FeeRule, TaxRule
from innsync.domain.worked_example import work_out

LISBON = ZoneInfo("Europe/Lisbon")
STAY = StayDates(date(2027, 3, 27), date(2027, 3, 30))
NIGHTS = [Money(10_000, "EUR")] * 3
VAT = TaxRule(code="vat", name="VAT", kind=ChargeKind.PERCENT, amount=Decimal(10))
CLEANING = FeeRule(code="cleaning", name="Cleaning", kind=ChargeKind.PER_STAY, amount=Decimal(4_000))


ANY_TIME, AT_ARRIVAL = CancellationPolicy(), PaymentPolicy()


def worked(cancellation=ANY_TIME, payment=AT_ARRIVAL, booked_on=date(2027, 2, 1), **charges):
    return work_out(
        stay=STAY,
        occupancy=Occupancy(2),
        nightly=NIGHTS,
        taxes=charges.get("taxes", ()),
        fees=charges.get("fees", ()),
        cancellation=cancellation,
        payment=payment,
        booked_on=booked_on,
        check_in_time=time(15),
        time_zone=LISBON,
    )


def share(percent: int) -> Share:
    return Share(ShareKind.PERCENT, Decimal(percent))


def test_taxes_and_fees_are_in_the_total():
    found = worked(taxes=[VAT], fees=[CLEANING])
    assert found.quote.total == Money(30_000 + 3_000 + 4_000, "EUR")


def test_cancelling_costs_what_its_tier_says_from_its_deadline_on():
    policy = CancellationPolicy((CancellationTier(share(50), 7, DeadlineUnit.DAYS), CancellationTier(share(100), 48)))
    found = worked(policy)
    assert found.costs == (
        (None, Money(0, "EUR")),
        (datetime(2027, 3, 20, 15, tzinfo=UTC), Money(15_000, "EUR")),
        (datetime(2027, 3, 25, 15, tzinfo=UTC), Money(30_000, "EUR")),
    )


def test_who_books_after_a_deadline_pays_its_fee_from_the_start():
    policy = CancellationPolicy((CancellationTier(share(50), 60, DeadlineUnit.DAYS), CancellationTier(share(100), 48)))
    assert [one.after for one in worked(policy).costs] == [None, datetime(2027, 3, 25, 15, tzinfo=UTC)]
    assert worked(policy).costs[0].fee == Money(15_000, "EUR")


def test_what_is_due_adds_up_to_the_total():
    payment = PaymentPolicy((PaymentStep(DueAt.BOOKING, share(30)), PaymentStep(DueAt.DAYS_BEFORE, share(30), 7)))
    found = worked(payment=payment, taxes=[VAT])
    assert [one.due_on for one in found.schedule] == [date(2027, 2, 1), date(2027, 3, 20), STAY.check_in]
    assert sum_of([one.amount for one in found.schedule], "EUR") == found.quote.total


@given(st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 100)), max_size=4), st.integers(1, 2_000))
def test_it_says_what_a_cancellation_at_any_hour_would_cost(drawn, hours_before):
    hours = sorted({before for before, _ in drawn}, reverse=True)
    policy = CancellationPolicy(
        tuple(CancellationTier(share(percent), before) for before, (_, percent) in zip(hours, drawn, strict=False))
    )
    booked_on = date(2026, 12, 1)
    at = datetime(2027, 3, 27, 15, tzinfo=UTC) - timedelta(hours=hours_before, minutes=30)
    said = [one.fee for one in worked(policy, booked_on=booked_on).costs if one.after is None or one.after < at][-1]
    charged = cancellation_fee(policy, STAY.check_in, time(15), LISBON, at, NIGHTS, Money(30_000, "EUR"))
    assert said == charged
