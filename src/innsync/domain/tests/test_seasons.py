"""Seasons: periods in order and apart, a year later on the same dates, and lines in which none lies over another."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.errors import InvalidField
from innsync.domain.seasons import MOST_PERIODS, Period, a_year_after, checked, common, lanes, next_year, overlaps

DAYS = st.dates(date(2023, 1, 1), date(2029, 12, 31))


def nights(periods: tuple[Period, ...]) -> set[date]:
    return {first + timedelta(n) for first, last in periods for n in range((last - first).days + 1)}


@st.composite
def seasons(draw: st.DrawFn) -> tuple[Period, ...]:
    ends = sorted(draw(st.sets(DAYS, min_size=2, max_size=12)))
    pairs = [Period(*pair) for pair in zip(ends[::2], ends[1::2], strict=False)]
    return checked([one for one in pairs if one.last < a_year_after(one.first)] or [Period(ends[0], ends[0])])


def d(text: str) -> date:
    return date.fromisoformat(text)


@given(seasons())
def test_a_year_later_are_the_same_dates_of_the_last_year_unless_they_were_there(periods: tuple[Period, ...]) -> None:
    latest = max(one.first.year for one in periods)
    added = next_year(periods)
    assert not nights(added) & nights(periods)
    recurring = nights(tuple(one for one in periods if one.first.year == latest))
    for night in nights(added) - {one for one in nights(added) if (one.month, one.day) == (2, 29)}:
        before = night.replace(year=night.year - 1)
        assert before in recurring
    assert checked((*periods, *added)) == tuple(sorted((*periods, *added)))


def test_christmas_recurs_over_the_new_year_and_a_leap_day_only_where_there_is_one() -> None:
    festive = (Period(d("2027-12-20"), d("2028-01-06")), Period(d("2027-02-01"), d("2027-02-28")))
    assert next_year(festive) == (Period(d("2028-12-20"), d("2029-01-06")), Period(d("2028-02-01"), d("2028-02-29")))
    assert next_year((Period(d("2028-02-29"), d("2028-02-29")),)) == ()
    assert next_year((Period(d("2028-02-20"), d("2028-02-29")),)) == (Period(d("2029-02-20"), d("2029-02-28")),)
    assert next_year((Period(d("2027-01-01"), d("2027-12-31")),)) == (Period(d("2028-01-01"), d("2028-12-31")),)


def test_what_is_there_already_is_not_added_again() -> None:
    january, festive = Period(d("2027-01-01"), d("2027-01-06")), Period(d("2027-12-20"), d("2028-01-06"))
    assert next_year((january, festive)) == (Period(d("2028-12-20"), d("2029-01-06")),)


@pytest.mark.parametrize(
    ("periods", "field"),
    [
        ([], "/periods"),
        ([("2027-07-01", "2027-06-30")], "/periods/0/last"),
        ([("2027-07-01", "2028-07-01")], "/periods/0/last"),
        ([("2027-07-01", "2027-07-10"), ("2027-07-10", "2027-07-12")], "/periods/1/first"),
        ([("2027-07-05", "2027-07-12"), ("2027-07-01", "2027-07-05")], "/periods/1/first"),
        ([(f"{2000 + n}-01-01", f"{2000 + n}-01-02") for n in range(MOST_PERIODS + 1)], "/periods"),
    ],
)
def test_what_can_not_be_a_season_is_named_where_it_stands(periods: list[tuple[str, str]], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        checked([Period(d(first), d(last)) for first, last in periods])
    assert refused.value.field == field


def test_a_season_may_last_all_but_a_night_of_a_leap_year_and_its_last() -> None:
    whole = Period(d("2028-01-01"), d("2028-12-31"))
    assert checked([whole]) == (whole,)


@given(st.lists(st.tuples(st.integers(0, 5), seasons()), max_size=4, unique_by=lambda one: one[0]))
def test_lines_hold_every_span_once_and_none_over_another(found: list[tuple[int, tuple[Period, ...]]]) -> None:
    spans = [(name, one) for name, periods in found for one in periods]
    lines = lanes(spans)
    assert sorted(item for line in lines for item in line) == sorted(spans)
    for line in lines:
        assert all(left.last < right.first for (_, left), (_, right) in pairwise(line))
    assert (len(lines) > 1) == bool(overlaps(found))


@given(seasons(), seasons())
def test_what_is_said_to_overlap_are_exactly_the_nights_of_both(
    one: tuple[Period, ...], other: tuple[Period, ...]
) -> None:
    shared = overlaps([("one", one), ("other", other)])
    assert nights(tuple(period for _, _, period in shared)) == nights(one) & nights(other)
    assert common(one[0], one[0]) == one[0]


@given(st.lists(seasons(), max_size=5))
def test_one_pass_finds_what_a_look_at_every_two_periods_finds(found: list[tuple[Period, ...]]) -> None:
    numbered = list(enumerate(found))
    every = [
        (left, right, shared)
        for (left, lefts), (right, rights) in combinations(numbered, 2)
        for one in lefts
        for other in rights
        if (shared := common(one, other))
    ]
    assert overlaps(numbered) == sorted(every, key=lambda item: item[2])


class Looks(date):
    """A night that counts how often it is compared."""

    count = 0

    def __ge__(self, other: date) -> bool:
        Looks.count += 1
        return super().__ge__(other)


def test_periods_long_apart_are_not_compared() -> None:
    first = date(2027, 1, 1)

    def one_night(at: int) -> Period:
        night = first + timedelta(at)
        return Period(night, Looks(night.year, night.month, night.day))

    many = [(at, [one_night(at)]) for at in range(1000)]
    Looks.count = 0
    assert overlaps(many) == []
    assert Looks.count < 2000, "not half a million"
