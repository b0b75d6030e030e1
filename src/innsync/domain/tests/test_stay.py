from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.errors import InvalidStay
from innsync.domain.stay import StayDates

days = st.dates(date(2024, 2, 1), date(2024, 3, 31))
stays = st.tuples(days, st.integers(1, 30)).map(lambda at: StayDates(at[0], at[0] + timedelta(days=at[1])))


@given(stays)
def test_the_nights_are_those_from_check_in_up_to_but_not_check_out(stay):
    nights = list(stay.nights())
    assert nights[0] == stay.check_in
    assert nights[-1] == stay.last_night == stay.check_out - timedelta(days=1)
    assert len(nights) == len(set(nights)) == len(stay) == (stay.check_out - stay.check_in).days
    assert nights == sorted(nights)


@given(stays, days)
def test_a_day_is_in_the_stay_when_it_is_one_of_its_nights(stay, day):
    assert (day in stay) == (day in set(stay.nights()))


@given(stays, stays)
def test_two_stays_overlap_when_they_share_a_night(one, other):
    shared = set(one.nights()) & set(other.nights())
    assert one.overlaps(other) == other.overlaps(one) == bool(shared)


@given(stays)
def test_leaving_and_arriving_on_one_day_is_no_overlap(stay):
    assert not stay.overlaps(StayDates(stay.check_out, stay.check_out + timedelta(days=1)))


@given(days, st.integers(0, 30))
def test_a_stay_without_a_night_does_not_exist(day, back):
    with pytest.raises(InvalidStay):
        StayDates(day, day - timedelta(days=back))
