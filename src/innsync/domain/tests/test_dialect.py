"""One intended rule in every channel's dialect: never laxer than intended where the dialect has any word for it."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.dialect import Rules, compile_rules, reach
from innsync.domain.restrictions import DayRules, rule_refusals
from innsync.domain.stay import StayDates

FIRST = date(2026, 12, 1)
SPAN = 14

days = st.builds(
    DayRules,
    min_stay_arrival=st.sampled_from([1, 1, 1, 2, 4]),
    min_stay_through=st.sampled_from([1, 1, 1, 2, 3, 5]),
    max_stay=st.sampled_from([0, 0, 3, 7]),
    closed_to_arrival=st.sampled_from([False, False, True]),
    closed_to_departure=st.sampled_from([False, False, True]),
    stop_sell=st.sampled_from([False, False, False, True]),
)
calendars = st.lists(days, min_size=SPAN, max_size=SPAN)
dialects = st.builds(
    Rules,
    arrival=st.booleans(),
    through=st.booleans(),
    max_stay=st.just(True),
    closed_to_arrival=st.booleans(),
    closed_to_departure=st.booleans(),
).filter(lambda known: known.arrival or known.through)


def stays() -> list[StayDates]:
    return [
        StayDates(FIRST + timedelta(days=arrival), FIRST + timedelta(days=arrival + nights))
        for arrival, nights in product(range(SPAN - 1), range(1, 8))
        if arrival + nights < SPAN
    ]


def allowed(calendar: list[DayRules] | tuple[DayRules, ...], stay: StayDates) -> bool:
    by_day = {FIRST + timedelta(days=offset): rules for offset, rules in enumerate(calendar)}
    return not any(True for _ in rule_refusals(stay, by_day))


@given(calendars, dialects)
def test_what_the_channel_sells_was_meant_to_be_sold(calendar: list[DayRules], known: Rules) -> None:
    compiled = compile_rules(calendar, known).days
    for stay in stays():
        if allowed(compiled, stay):
            assert allowed(calendar, stay), stay


@given(calendars)
def test_a_channel_that_knows_every_rule_is_told_every_rule(calendar: list[DayRules]) -> None:
    compiled = compile_rules(calendar, Rules())
    assert compiled.days == tuple(calendar)
    assert compiled.replaced == ()


@given(calendars, dialects)
def test_nothing_is_said_that_the_channel_does_not_know(calendar: list[DayRules], known: Rules) -> None:
    for day in compile_rules(calendar, known).days:
        assert known.arrival or day.min_stay_arrival == 1
        assert known.through or day.min_stay_through == 1
        assert known.closed_to_arrival or not day.closed_to_arrival
        assert known.closed_to_departure or not day.closed_to_departure


@given(calendars, dialects)
def test_every_replacement_is_reported(calendar: list[DayRules], known: Rules) -> None:
    compiled = compile_rules(calendar, known)
    if compiled.days != tuple(calendar):
        assert compiled.replaced
    for replaced in compiled.replaced:
        assert 0 <= replaced.day < len(calendar)


@given(calendars, dialects, st.integers(0, SPAN - 1), st.integers(0, SPAN - 1))
def test_any_part_looked_at_with_its_reach_says_the_same_as_the_whole(
    calendar: list[DayRules], known: Rules, first: int, last: int
) -> None:
    """So a change of one night may be compiled alone, without undoing what its neighbours' rules say."""
    first, last = min(first, last), max(first, last)
    whole = compile_rules(calendar, known).days
    ahead = reach(known)
    part = compile_rules(calendar[first : last + ahead + 1], known).days[: last - first + 1]
    assert part == whole[first : last + 1]


@given(calendars, dialects, st.integers(0, SPAN - 1), days)
def test_a_change_shows_no_further_back_than_its_reach(
    calendar: list[DayRules], known: Rules, night: int, rules: DayRules
) -> None:
    changed = [*calendar[:night], rules, *calendar[night + 1 :]]
    before, after = compile_rules(calendar, known).days, compile_rules(changed, known).days
    for offset, (old, new) in enumerate(zip(before, after, strict=True)):
        if old != new:
            assert night - reach(known) <= offset <= night


def test_a_minimum_stay_through_touches_only_arrivals_that_a_stay_can_begin_with() -> None:
    calendar = [DayRules()] * 40 + [DayRules(min_stay_through=35)]
    compiled = compile_rules(calendar, Rules(through=False), longest_stay=28).days
    assert [offset for offset, day in enumerate(compiled) if day.min_stay_arrival > 1] == list(range(13, 41))
