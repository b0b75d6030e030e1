"""One intended rule in every channel's dialect: never laxer than intended where the dialect has any word for it."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date, timedelta
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.dialect import Replaced, Rules, compile_rules, reach
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


longest = st.sampled_from([0, 2, 4, 28])


def sells(calendar: list[DayRules] | tuple[DayRules, ...], stay: StayDates, max_nights: int) -> bool:
    """Whether a channel with these rules, and that longest stay of its own, sells the stay."""
    return (not max_nights or len(stay) <= max_nights) and allowed(calendar, stay)


@given(calendars, dialects, longest)
def test_what_the_channel_sells_was_meant_to_be_sold(calendar: list[DayRules], known: Rules, max_nights: int) -> None:
    compiled = compile_rules(calendar, known, max_nights).days
    for stay in stays():
        if sells(compiled, stay, max_nights):
            assert allowed(calendar, stay), stay


@given(calendars, dialects, longest)
def test_a_stay_that_only_the_channel_refuses_touches_what_is_reported(
    calendar: list[DayRules], known: Rules, max_nights: int
) -> None:
    compiled = compile_rules(calendar, known, max_nights)
    said = {day for one in compiled.replaced for day in range(one.first, one.last + 1)}
    for stay in stays():
        if allowed(calendar, stay) and not sells(compiled.days, stay, max_nights) and len(stay) <= (max_nights or 99):
            assert said & {(night - FIRST).days for night in stay.nights()}, stay


@given(calendars, dialects, st.sampled_from([2, 4]))
def test_no_number_of_nights_is_told_that_the_channel_does_not_take(
    calendar: list[DayRules], known: Rules, max_nights: int
) -> None:
    for day in compile_rules(calendar, known, max_nights).days:
        assert max(day.min_stay_arrival, day.min_stay_through) <= max_nights
        assert day.max_stay < max_nights


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


@given(calendars, dialects.flatmap(lambda known: st.sampled_from([known, replace(known, max_stay=False)])), longest)
def test_every_replacement_is_reported_on_every_day_that_it_changes(
    calendar: list[DayRules], known: Rules, max_nights: int
) -> None:
    compiled = compile_rules(calendar, known, max_nights)
    reported = {(one.day, one.rule) for one in compiled.replaced}
    reported |= {(day, one.by) for one in compiled.replaced for day in range(one.first, one.last + 1)}
    for day, (wanted, told) in enumerate(zip(calendar, compiled.days, strict=True)):
        for rule, value in asdict(wanted).items():
            if rule == "max_stay" and 0 < max_nights <= value:
                continue  # the channel's own limit: nothing is lost
            assert getattr(told, rule) == value or (day, rule) in reported, (day, rule)


@given(calendars, dialects.flatmap(lambda known: st.sampled_from([known, replace(known, max_stay=False)])), longest)
def test_what_is_reported_was_wanted_and_is_what_was_said(
    calendar: list[DayRules], known: Rules, max_nights: int
) -> None:
    compiled = compile_rules(calendar, known, max_nights)
    chained = {(one.day, one.by) for one in compiled.replaced}
    for one in compiled.replaced:
        assert getattr(calendar[one.day], one.rule) == one.wanted or (one.day, one.rule) in chained
        for day in range(max(0, one.first), one.last + 1):
            if one.by and (day, one.by) not in {(again.day, again.rule) for again in compiled.replaced}:
                said = getattr(compiled.days[day], one.by)
                assert said >= one.wanted if one.by.startswith("min_stay") else said, one


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
    calendar = [DayRules()] * 500 + [DayRules(min_stay_through=400)]
    compiled = compile_rules(calendar, Rules(through=False)).days
    assert [offset for offset, day in enumerate(compiled) if day.min_stay_arrival > 1] == list(range(136, 501))


def test_a_night_that_asks_for_more_than_the_channel_sells_is_closed_and_no_other() -> None:
    calendar = [DayRules()] * 40 + [DayRules(min_stay_through=35)] + [DayRules(min_stay_arrival=30)]
    for known in (Rules(), Rules(through=False)):
        compiled = compile_rules(calendar, known, max_nights=28)
        assert compiled.days[:40] == (DayRules(),) * 40
        assert compiled.days[40] == DayRules(stop_sell=True)
        assert compiled.days[41] == DayRules(closed_to_arrival=True)
        assert compiled.replaced == (
            Replaced(40, "min_stay_through", 35, "stop_sell", 40, 40),
            Replaced(41, "min_stay_arrival", 30, "closed_to_arrival", 41, 41),
        )


def test_a_report_says_where_the_rule_was_said_instead() -> None:
    calendar = [DayRules()] * 3 + [DayRules(min_stay_through=4, closed_to_departure=True)]
    compiled = compile_rules(calendar, Rules(through=False, closed_to_departure=False))
    assert compiled.replaced == (
        Replaced(3, "min_stay_through", 4, "min_stay_arrival", 1, 3),
        Replaced(3, "closed_to_departure", 1, "stop_sell", 2, 2),
    )
