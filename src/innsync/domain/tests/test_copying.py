"""Copying nights: every night has one source, as far from it as all others, on its own weekday where that is asked."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.copying import Alignment, distance

DAYS = st.dates(date(2020, 1, 1), date(2035, 12, 31))


@given(DAYS, DAYS)
def test_by_date_the_first_night_is_copied_from_the_start(first: date, source: date) -> None:
    assert first - distance(first=first, source=source, alignment=Alignment.DATE) == source


@given(DAYS, DAYS, st.integers(0, 400))
def test_by_weekday_every_night_keeps_its_weekday_and_the_start_moves_three_days_at_most(
    first: date, source: date, offset: int
) -> None:
    apart = distance(first=first, source=source, alignment=Alignment.WEEKDAY)
    night = first + timedelta(days=offset)
    assert (night - apart).weekday() == night.weekday()
    assert abs((first - apart) - source) <= timedelta(days=3)


@given(DAYS, DAYS)
def test_a_start_on_the_right_weekday_is_the_same_either_way(first: date, source: date) -> None:
    source -= timedelta(days=(source.weekday() - first.weekday()) % 7)
    ways = {distance(first=first, source=source, alignment=one) for one in Alignment}
    assert ways == {first - source}


@given(DAYS, DAYS, st.sampled_from(Alignment))
def test_copying_there_and_back_leads_to_the_same_nights(first: date, source: date, alignment: Alignment) -> None:
    there = distance(first=first, source=source, alignment=alignment)
    assert distance(first=first - there, source=first, alignment=alignment) == -there


@pytest.mark.parametrize(
    ("first", "source", "begins"),
    [
        ("2027-07-02", "2026-07-02", "2026-07-03"),  # a Friday from the Friday a day later
        ("2027-07-02", "2026-06-29", "2026-06-26"),  # a Monday is three days after one Friday, four before the next
        ("2027-07-02", "2026-06-30", "2026-07-03"),
    ],
)
def test_last_years_weekdays_lie_next_to_last_years_dates(first: str, source: str, begins: str) -> None:
    start = date.fromisoformat(first)
    apart = distance(first=start, source=date.fromisoformat(source), alignment=Alignment.WEEKDAY)
    assert start - apart == date.fromisoformat(begins)
