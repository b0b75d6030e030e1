"""Terms in words: each names its own moment at the property, and what is over is left out."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from innsync.domain.money import Money
from innsync.domain.policies import (
    NOTHING,
    CancellationPolicy,
    CancellationTier,
    DeadlineUnit,
    DuePayment,
    Share,
    ShareKind,
)
from innsync.portals.policy_words import cancellation_words, payment_words, share_words

HALF, TWO_NIGHTS = Share(ShareKind.PERCENT, Decimal(50)), Share(ShareKind.NIGHTS, Decimal(2))
EVERYTHING = Share(ShareKind.PERCENT, Decimal(100))
EARLY, LATE = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 3, 9, tzinfo=UTC)
TIERED = CancellationPolicy(
    (CancellationTier(HALF, 7, DeadlineUnit.DAYS), CancellationTier(EVERYTHING, 48)), no_show=EVERYTHING
)


def words(policy: CancellationPolicy, now: datetime) -> list[str]:
    return cancellation_words(
        policy,
        check_in=date(2027, 3, 10),
        check_in_time=time(15),
        time_zone="Europe/Lisbon",
        currency="EUR",
        now=now,
    )


def test_each_tier_has_its_moment_by_the_clock_of_the_property():
    assert words(TIERED, EARLY) == [
        "Cancelling is free of charge until 3 Mar 2027, 15:00 WET.",
        "Cancelling after 3 Mar 2027, 15:00 WET costs 50 % of the price.",
        "Cancelling after 8 Mar 2027, 15:00 WET costs the whole price.",
        "Who does not come pays the whole price.",
    ]


@pytest.mark.parametrize(
    ("now", "first"),
    [
        (datetime(2027, 3, 3, 15, tzinfo=UTC), "Cancelling costs 50 % of the price."),
        (LATE, "Cancelling costs the whole price."),
    ],
)
def test_what_is_over_is_not_promised(now, first):
    assert words(TIERED, now)[0] == first


def test_what_always_costs_names_no_moment():
    policy = CancellationPolicy((CancellationTier(TWO_NIGHTS),), no_show=NOTHING)
    assert words(policy, EARLY) == ["Cancelling costs the first 2 nights."]


def test_what_is_always_free_is_free_until_check_in():
    assert words(CancellationPolicy(no_show=NOTHING), EARLY) == [
        "Cancelling is free of charge until 10 Mar 2027, 15:00 WET."
    ]


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (Share(ShareKind.NIGHTS, Decimal(1)), "the first night"),
        (Share(ShareKind.AMOUNT, Decimal(3050)), "30.50 EUR"),
        (HALF, "50 % of the price"),
    ],
)
def test_a_share_is_said_as_what_it_is(share, said):
    assert share_words(share, "EUR") == said


def test_what_is_due_when():
    due = [DuePayment(date(2027, 3, 1), Money(5000, "EUR"))]
    assert payment_words(due) == ["50.00 EUR is due on Mon 1 Mar 2027."]
