"""Amenities and beds in shared codes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.amenities import AMENITIES, BEDS, Place, bedding, chosen, offered
from innsync.domain.errors import InvalidField


def test_every_code_is_a_word_and_every_number_is_used_once():
    assert all(code.isidentifier() and code == code.lower() for code in AMENITIES)
    for numbers in ([one.hac for one in AMENITIES.values()], [one.rma for one in AMENITIES.values()], BEDS.values()):
        known = [number for number in numbers if number is not None]
        assert len(set(known)) == len(known)


@given(st.sets(st.sampled_from(sorted(one.code for one in offered(Place.ROOM)))))
def test_what_is_chosen_is_kept_in_the_order_of_the_list(codes):
    found = chosen(codes, Place.ROOM)
    assert set(found) == codes
    assert found == [code for code in AMENITIES if code in codes]


def test_what_a_program_said_beyond_the_list_stays():
    assert chosen(["wifi"], Place.PROPERTY, ["pool", "helicopter", {"code": "x"}]) == [
        "wifi",
        "helicopter",
        "{'code': 'x'}",
    ]


def test_a_minibar_is_not_of_the_house():
    with pytest.raises(InvalidField, match="minibar"):
        chosen(["minibar"], Place.PROPERTY)


def test_beds_are_counted_by_kind():
    assert bedding({"single": 2, "double": 0, "king": 1}) == [
        {"kind": "single", "count": 2},
        {"kind": "king", "count": 1},
    ]
    for wrong in ({"throne": 1}, {"single": -1}, {"single": 21}):
        with pytest.raises(InvalidField):
            bedding(wrong)
