from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.errors import InvalidField
from innsync.domain.restrictions import ALWAYS, OPEN, DayRules, PlanWindow, Reason, ReasonCode, refusals
from innsync.domain.stay import StayDates

TODAY = date(2026, 6, 1)
JUNE_15 = date(2026, 6, 15)

day_rules = st.builds(
    DayRules,
    min_stay_arrival=st.integers(1, 9),
    min_stay_through=st.integers(1, 9),
    max_stay=st.integers(0, 9),
    closed_to_arrival=st.booleans(),
    closed_to_departure=st.booleans(),
    stop_sell=st.booleans(),
)
days = st.integers(0, 20).map(lambda n: JUNE_15 + timedelta(days=n))
calendars = st.dictionaries(days, day_rules)
windows = st.builds(
    lambda least, more: PlanWindow(least, None if more is None else least + more),
    st.integers(0, 30),
    st.none() | st.integers(0, 30),
)


@st.composite
def stays(draw: st.DrawFn) -> StayDates:
    check_in = draw(days)
    return StayDates(check_in, check_in + timedelta(days=draw(st.integers(1, 12))))


@st.composite
def stricter(draw: st.DrawFn, rules: DayRules) -> DayRules:
    """The same rules or harder ones in every respect."""
    limit = rules.max_stay
    return DayRules(
        min_stay_arrival=rules.min_stay_arrival + draw(st.integers(0, 5)),
        min_stay_through=rules.min_stay_through + draw(st.integers(0, 5)),
        max_stay=draw(st.integers(1, limit)) if limit else draw(st.integers(0, 9)),
        closed_to_arrival=rules.closed_to_arrival or draw(st.booleans()),
        closed_to_departure=rules.closed_to_departure or draw(st.booleans()),
        stop_sell=rules.stop_sell or draw(st.booleans()),
    )


def texts(stay: StayDates, rules: dict[date, DayRules], **kwargs: object) -> list[str]:
    settings: dict[str, object] = {"window": ALWAYS, "today": TODAY, "sellable_days": 365, **kwargs}
    return [str(reason) for reason in refusals(stay, rules, **settings)]  # type: ignore[arg-type]


@given(stays(), calendars, st.data())
def test_a_stricter_day_never_opens_a_stay(stay, calendar, data):
    day = data.draw(days)
    harder = calendar | {day: data.draw(stricter(calendar.get(day, OPEN)))}
    if refusals(stay, calendar, ALWAYS, TODAY, 365):
        assert refusals(stay, harder, ALWAYS, TODAY, 365)


@given(stays(), windows, st.integers(0, 10), st.integers(0, 10), st.integers(0, 60), st.integers(0, 30))
def test_a_narrower_window_or_horizon_never_opens_a_stay(stay, window, later, sooner, horizon, less):
    most = window.max_advance_days
    narrow_min = window.min_advance_days + later
    narrow_max = None if most is None else max(narrow_min, most - sooner)
    if most is not None and narrow_max is not None and narrow_max > most:
        return  # no narrower window exists that is still one
    narrower = PlanWindow(narrow_min, narrow_max)
    if refusals(stay, {}, window, TODAY, horizon):
        assert refusals(stay, {}, narrower, TODAY, horizon - less)


@given(stays())
def test_a_stay_over_open_days_has_no_refusal(stay):
    assert refusals(stay, {}, ALWAYS, TODAY, 365) == []


@given(stays(), calendars)
def test_only_the_nights_and_the_check_out_day_matter(stay, calendar):
    within = {day: rule for day, rule in calendar.items() if stay.check_in <= day <= stay.check_out}
    assert refusals(stay, calendar, ALWAYS, TODAY, 365) == refusals(stay, within, ALWAYS, TODAY, 365)


@given(stays(), day_rules)
def test_the_check_out_day_can_only_close_departure(stay, rules):
    found = refusals(stay, {stay.check_out: rules}, ALWAYS, TODAY, 365)
    assert [reason.code for reason in found] == [ReasonCode.CLOSED_TO_DEPARTURE] * rules.closed_to_departure


@given(stays(), calendars)
def test_a_function_and_a_mapping_of_the_same_rules_agree(stay, calendar):
    by_function = refusals(stay, lambda day: calendar.get(day, OPEN), ALWAYS, TODAY, 365)
    assert by_function == refusals(stay, calendar, ALWAYS, TODAY, 365)


@given(stays(), calendars)
def test_every_refusal_goes_away_when_the_rule_it_names_is_lifted(stay, calendar):
    """Reasons tell the truth: they name all rules in the way, and no other."""
    lifted = dict(calendar)
    for code, _number, day in refusals(stay, calendar, ALWAYS, TODAY, 365):
        field, value = {
            ReasonCode.MIN_STAY: ("min_stay_arrival", 1),
            ReasonCode.MAX_STAY: ("max_stay", 0),
            ReasonCode.MIN_STAY_THROUGH: ("min_stay_through", 1),
        }.get(code, (code.value, False))
        where = day or stay.check_in
        lifted[where] = replace(lifted[where], **{field: value})
    assert refusals(stay, lifted, ALWAYS, TODAY, 365) == []


def test_minimum_on_arrival_asks_the_arrival_day_only():
    rules = {JUNE_15: DayRules(min_stay_arrival=3)}
    assert texts(StayDates(JUNE_15, date(2026, 6, 17)), rules) == ["min_stay:3"]
    assert texts(StayDates(JUNE_15, date(2026, 6, 18)), rules) == []
    assert texts(StayDates(date(2026, 6, 14), date(2026, 6, 16)), rules) == []


def test_minimum_through_asks_every_night_slept():
    rules = {date(2026, 6, 16): DayRules(min_stay_through=4)}
    assert texts(StayDates(JUNE_15, date(2026, 6, 18)), rules) == ["min_stay_through:4:2026-06-16"]
    assert texts(StayDates(JUNE_15, date(2026, 6, 19)), rules) == []
    assert texts(StayDates(JUNE_15, date(2026, 6, 16)), rules) == []


def test_maximum_stay_counts_from_arrival():
    rules = {JUNE_15: DayRules(max_stay=7)}
    assert texts(StayDates(JUNE_15, date(2026, 6, 23)), rules) == ["max_stay:7"]
    assert texts(StayDates(JUNE_15, date(2026, 6, 22)), rules) == []
    assert texts(StayDates(date(2026, 6, 14), date(2026, 6, 30)), rules) == []


def test_c38_a_closed_night_never_forbids_checking_out_that_morning():
    closed = {date(2026, 6, 22): DayRules(stop_sell=True, closed_to_arrival=True)}
    assert texts(StayDates(JUNE_15, date(2026, 6, 22)), closed) == []


def test_c38_closed_to_departure_is_the_rule_of_the_check_out_day_not_of_the_last_night():
    rules = {date(2026, 6, 22): DayRules(closed_to_departure=True)}
    assert texts(StayDates(JUNE_15, date(2026, 6, 22)), rules) == ["closed_to_departure:2026-06-22"]
    assert texts(StayDates(JUNE_15, date(2026, 6, 23)), rules) == []


def test_c38_a_four_night_rule_on_a_sunday_lets_no_two_night_stay_through_on_sunday():
    sunday = date(2026, 6, 14)
    assert texts(StayDates(sunday, date(2026, 6, 16)), {sunday: DayRules(min_stay_arrival=4)}) == ["min_stay:4"]


def test_reasons_read_as_the_api_promises():
    rules = {
        JUNE_15: DayRules(closed_to_arrival=True, min_stay_arrival=9, max_stay=2),
        date(2026, 6, 17): DayRules(stop_sell=True),
        date(2026, 6, 18): DayRules(closed_to_departure=True),
    }
    assert texts(StayDates(JUNE_15, date(2026, 6, 18)), rules) == [
        "closed_to_arrival:2026-06-15",
        "min_stay:9",
        "max_stay:2",
        "stop_sell:2026-06-17",
        "closed_to_departure:2026-06-18",
    ]
    assert str(Reason(ReasonCode.SOLD_OUT, day=date(2026, 6, 18))) == "sold_out:2026-06-18"
    assert str(Reason(ReasonCode.OCCUPANCY, 4)) == "occupancy:4"


def test_windows_count_days_from_today_to_arrival():
    stay = StayDates(JUNE_15, date(2026, 6, 16))  # 14 days ahead
    assert texts(stay, {}, window=PlanWindow(min_advance_days=14)) == []
    assert texts(stay, {}, window=PlanWindow(min_advance_days=15)) == ["advance_purchase:15"]
    assert texts(stay, {}, window=PlanWindow(max_advance_days=14)) == []
    assert texts(stay, {}, window=PlanWindow(max_advance_days=3)) == ["last_minute:3"]


def test_the_horizon_is_the_last_check_out_that_is_sold():
    stay = StayDates(JUNE_15, date(2026, 6, 16))
    assert texts(stay, {}, sellable_days=15) == []
    assert texts(stay, {}, sellable_days=14) == ["beyond_horizon:2026-06-15"]


def test_arriving_today_is_sold_and_yesterday_is_past():
    assert texts(StayDates(TODAY, date(2026, 6, 2)), {}) == []
    assert texts(StayDates(date(2026, 5, 31), date(2026, 6, 2)), {})[0] == "in_the_past:2026-05-31"


@pytest.mark.parametrize("wrong", [{"min_stay_arrival": 0}, {"min_stay_through": -1}, {"max_stay": -1}])
def test_impossible_rules_do_not_exist(wrong):
    with pytest.raises(InvalidField):
        DayRules(**wrong)


def test_an_empty_window_does_not_exist():
    with pytest.raises(InvalidField, match="max_advance_days"):
        PlanWindow(min_advance_days=5, max_advance_days=4)
