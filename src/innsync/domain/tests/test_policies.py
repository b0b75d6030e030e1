from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.errors import InvalidField
from innsync.domain.money import Money
from innsync.domain.policies import (
    EVERYTHING,
    CancellationPolicy,
    CancellationTier,
    DeadlineUnit,
    DueAt,
    DuePayment,
    PaymentPolicy,
    PaymentStep,
    Share,
    ShareKind,
    cancellation_fee,
    check_in_instant,
    deadline,
    free_until,
    no_show_fee,
    payment_schedule,
)

LISBON, CHICAGO = ZoneInfo("Europe/Lisbon"), ZoneInfo("America/Chicago")
THREE = time(15)
ONE_NIGHT = Share(ShareKind.NIGHTS, Decimal(1))

shares = (
    st.builds(Share, st.just(ShareKind.PERCENT), st.decimals(0, 100, places=2))
    | st.builds(Share, st.just(ShareKind.NIGHTS), st.integers(0, 10).map(Decimal))
    | st.builds(Share, st.just(ShareKind.AMOUNT), st.integers(0, 200_000).map(Decimal))
)
nightlies = st.lists(st.integers(0, 40_000).map(lambda n: Money(n, "EUR")), min_size=1, max_size=10)
zones = st.sampled_from([LISBON, CHICAGO, ZoneInfo("UTC"), ZoneInfo("Australia/Lord_Howe")])
year = [datetime(2026, 1, 1), datetime(2026, 12, 31)]  # noqa: DTZ001 -- hypothesis adds the zone
instants = st.datetimes(*year, timezones=st.just(UTC))


@st.composite
def policies(draw: st.DrawFn) -> CancellationPolicy:
    befores = sorted(draw(st.sets(st.integers(0, 40), max_size=4)), reverse=True)
    unit = draw(st.sampled_from(DeadlineUnit))
    tiers = [CancellationTier(draw(shares), before, unit) for before in befores]
    if draw(st.booleans()):
        tiers.insert(0, CancellationTier(draw(shares)))
    return CancellationPolicy(tuple(tiers), draw(shares))


payment_policies = st.lists(
    st.builds(PaymentStep, st.sampled_from([DueAt.BOOKING, DueAt.ARRIVAL]), shares)
    | st.builds(PaymentStep, st.just(DueAt.DAYS_BEFORE), shares, st.integers(0, 60)),
    max_size=4,
).map(lambda steps: PaymentPolicy(tuple(steps)))


def whole(nightly: list[Money]) -> Money:
    return sum(nightly[1:], start=nightly[0])


@given(policies(), nightlies, zones, instants, st.dates(date(2026, 1, 1), date(2026, 12, 31)))
def test_a_fee_lies_between_nothing_and_the_total(policy, nightly, zone, at, check_in):
    fee = cancellation_fee(policy, check_in, THREE, zone, at, nightly, whole(nightly))
    assert Money(0, "EUR") <= fee <= whole(nightly)
    assert no_show_fee(policy, nightly, whole(nightly)) <= whole(nightly)


@given(
    st.lists(st.decimals(0, 100, places=1), max_size=4),
    st.sampled_from(DeadlineUnit),
    nightlies,
    zones,
    instants,
    st.timedeltas(timedelta(0), timedelta(days=90)),
    st.dates(date(2026, 1, 1), date(2026, 12, 31)),
)
def test_where_fees_rise_towards_check_in_cancelling_later_never_costs_less(
    percents, unit, nightly, zone, at, later, check_in
):
    tiers = [
        CancellationTier(Share(ShareKind.PERCENT, percent), 40 - 10 * index, unit)
        for index, percent in enumerate(sorted(percents))
    ]
    policy = CancellationPolicy(tuple(tiers))
    now = cancellation_fee(policy, check_in, THREE, zone, at, nightly, whole(nightly))
    assert now <= cancellation_fee(policy, check_in, THREE, zone, at + later, nightly, whole(nightly))


@given(policies(), nightlies, zones, st.dates(date(2026, 1, 1), date(2026, 12, 31)))
def test_until_the_free_moment_it_is_free_and_right_after_it_is_the_tier(policy, nightly, zone, check_in):
    last = free_until(policy, check_in, THREE, zone)
    if last is not None:
        assert cancellation_fee(policy, check_in, THREE, zone, last, nightly, whole(nightly)).minor == 0
    paid = next((tier for tier in policy.tiers if tier.fee.value > 0), None)
    if paid is not None:
        after = (last or datetime(2025, 1, 1, tzinfo=UTC)) + timedelta(microseconds=1)
        fee = cancellation_fee(policy, check_in, THREE, zone, after, nightly, whole(nightly))
        assert fee == paid.fee.of(nightly, whole(nightly))


@given(payment_policies, nightlies, st.dates(date(2026, 1, 1), date(2026, 6, 1)), st.integers(0, 90))
def test_payments_sum_to_the_total_exactly_and_none_is_late(policy, nightly, booked_on, ahead):
    check_in = booked_on + timedelta(days=ahead)
    due = payment_schedule(policy, booked_on=booked_on, check_in=check_in, nightly=nightly, total=whole(nightly))
    assert sum(one.amount.minor for one in due) == whole(nightly).minor
    assert all(one.amount.minor > 0 for one in due)
    dates = [one.due_on for one in due]
    assert dates == sorted(set(dates))
    assert all(booked_on <= day <= check_in for day in dates)


@given(policies(), payment_policies)
def test_json_round_trips(cancellation, payment):
    assert CancellationPolicy.from_json(cancellation.to_json()) == cancellation
    assert PaymentPolicy.from_json(payment.to_json()) == payment


# The clocks: Lisbon goes from 01:00 to 02:00 on 29 March 2026 and back on 25 October; Chicago changes at 02:00 on
# 8 March and 1 November.
@pytest.mark.parametrize(
    ("zone", "check_in", "unit", "before", "expected"),
    [
        (LISBON, date(2026, 6, 15), DeadlineUnit.HOURS, 48, "2026-06-13T14:00"),
        (LISBON, date(2026, 3, 30), DeadlineUnit.HOURS, 48, "2026-03-28T14:00"),  # 14:00 on the wall there
        (LISBON, date(2026, 3, 30), DeadlineUnit.DAYS, 2, "2026-03-28T15:00"),  # 15:00 on the wall
        (LISBON, date(2026, 10, 26), DeadlineUnit.HOURS, 48, "2026-10-24T15:00"),
        (LISBON, date(2026, 10, 26), DeadlineUnit.DAYS, 2, "2026-10-24T14:00"),
        (CHICAGO, date(2026, 3, 9), DeadlineUnit.HOURS, 48, "2026-03-07T20:00"),
        (CHICAGO, date(2026, 3, 9), DeadlineUnit.DAYS, 2, "2026-03-07T21:00"),
        (CHICAGO, date(2026, 11, 2), DeadlineUnit.HOURS, 48, "2026-10-31T21:00"),
        (CHICAGO, date(2026, 11, 2), DeadlineUnit.DAYS, 2, "2026-10-31T20:00"),
    ],
)
def test_deadlines_follow_the_propertys_clock_over_a_change(zone, check_in, unit, before, expected):
    limit = deadline(CancellationTier(ONE_NIGHT, before, unit), check_in, THREE, zone)
    assert limit == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_check_in_hour_that_the_clocks_skip_or_repeat_is_a_moment_still():
    assert check_in_instant(date(2026, 3, 8), time(2, 30), CHICAGO) == datetime(2026, 3, 8, 8, 30, tzinfo=UTC)
    assert check_in_instant(date(2026, 11, 1), time(1, 30), CHICAGO) == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)


def test_a_named_flexible_policy():
    policy = CancellationPolicy(
        (CancellationTier(ONE_NIGHT, 14, DeadlineUnit.DAYS), CancellationTier(EVERYTHING, 48, DeadlineUnit.HOURS))
    )
    nightly, total = [Money(20_000, "EUR"), Money(10_000, "EUR")], Money(33_000, "EUR")

    def fee(at: datetime) -> int:
        return cancellation_fee(policy, date(2026, 6, 15), THREE, LISBON, at, nightly, total).minor

    assert fee(datetime(2026, 6, 1, 14, 0, tzinfo=UTC)) == 0
    assert fee(datetime(2026, 6, 1, 14, 1, tzinfo=UTC)) == 20_000
    assert fee(datetime(2026, 6, 13, 14, 0, tzinfo=UTC)) == 20_000
    assert fee(datetime(2026, 6, 13, 14, 1, tzinfo=UTC)) == 33_000
    assert fee(datetime(2026, 6, 16, 14, 1, tzinfo=UTC)) == 33_000


def test_a_rate_without_refund_costs_all_from_the_start():
    policy = CancellationPolicy((CancellationTier(EVERYTHING),))
    at = datetime(2026, 1, 1, tzinfo=UTC)
    nights = [Money(5_000, "EUR")]
    assert cancellation_fee(policy, date(2026, 6, 15), THREE, LISBON, at, nights, Money(5_000, "EUR")).minor == 5_000
    assert free_until(policy, date(2026, 6, 15), THREE, LISBON) is None


def test_a_moment_without_zone_is_a_mistake_of_the_caller():
    naive = datetime(2026, 6, 1)  # noqa: DTZ001 -- the mistake itself
    with pytest.raises(ValueError, match="aware"):
        cancellation_fee(CancellationPolicy(), date(2026, 6, 15), THREE, LISBON, naive, [], Money(0, "EUR"))


def test_a_deposit_then_the_rest_a_month_before():
    policy = PaymentPolicy(
        (
            PaymentStep(DueAt.BOOKING, Share(ShareKind.PERCENT, Decimal(30))),
            PaymentStep(DueAt.DAYS_BEFORE, EVERYTHING, days=30),
        )
    )
    terms = {"check_in": date(2026, 6, 15), "nightly": [Money(10_001, "EUR")], "total": Money(10_001, "EUR")}
    assert payment_schedule(policy, booked_on=date(2026, 1, 1), **terms) == (
        DuePayment(date(2026, 1, 1), Money(3_000, "EUR")),
        DuePayment(date(2026, 5, 16), Money(7_001, "EUR")),
    )
    late = payment_schedule(policy, booked_on=date(2026, 6, 1), **terms)
    assert late == (DuePayment(date(2026, 6, 1), Money(10_001, "EUR")),)


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ({"tiers": [{"before": 48}]}, "/tiers/0/fee"),
        ({"tiers": [{"before": "48", "fee": {"kind": "nights", "value": 1}}]}, "/tiers/0/before"),
        ({"tiers": [{"before": 48, "fee": {"kind": "percent", "value": "101"}}]}, "/tiers/0/fee/value"),
        ({"tiers": [{"before": 48, "unit": "weeks", "fee": {"kind": "nights", "value": 1}}]}, "/tiers/0/unit"),
        ({"no_show": {"kind": "half", "value": 1}}, "/no_show/kind"),
        ({"tiers": [CancellationTier(ONE_NIGHT, at).to_json() for at in (24, 48)]}, "/tiers/1/before"),
    ],
)
def test_a_wrong_policy_names_its_field(written, field):
    with pytest.raises(InvalidField) as refusal:
        CancellationPolicy.from_json(written)
    assert refusal.value.field == field


def test_a_wrong_payment_step_names_its_field():
    with pytest.raises(InvalidField) as refusal:
        PaymentPolicy.from_json({"steps": [{"due": "arrival", "days": 3, "share": EVERYTHING.to_json()}]})
    assert refusal.value.field == "/steps/0/days"
