from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from innsync.api.answers import amount, instant
from innsync.domain.money import Money


@given(st.integers(-(10**14), 10**14), st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
def test_an_amount_reads_as_money_does(minor: int, currency: str):
    assert amount(minor, currency) == str(Money(minor, currency))


def test_an_instant_is_told_in_utc():
    assert instant(datetime(2026, 6, 15, 14, tzinfo=UTC)) == "2026-06-15T14:00:00Z"
    assert instant(datetime(2026, 6, 15, 14, 0, 0, 250_000, tzinfo=UTC)) == "2026-06-15T14:00:00.250Z"
    assert instant(datetime(2026, 6, 15, 14, tzinfo=timezone(timedelta(hours=2)))) == "2026-06-15T12:00:00Z"
