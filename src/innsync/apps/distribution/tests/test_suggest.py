"""What is suggested for what when a property is mapped by hand."""

from __future__ import annotations

from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from innsync.apps.distribution.connecting import suggest

A, B, C = uuid4(), uuid4(), uuid4()


def test_the_nearest_names_go_together_the_surest_first():
    ours = {A: "Double Room", B: "Double Room with Balcony", C: "Suite"}
    theirs = {"1": "Suite", "2": "Room, double", "3": "Double room - balcony"}
    assert suggest(ours, theirs) == {"1": C, "2": A, "3": B}


def test_what_a_channel_adds_to_a_name_does_not_hide_it():
    ours = {A: "Best available rate", B: "With breakfast"}
    theirs = {"1": "With breakfast (guest pays at the property)", "2": "Best available rate (guest pays there)"}
    assert suggest(ours, theirs) == {"1": B, "2": A}


def test_what_is_like_nothing_is_left_to_the_person():
    assert suggest({A: "Penthouse", B: "Attic"}, {"1": "Standard Twin", "2": "Caravan"}) == {}


def test_one_room_here_and_one_there_are_the_same_whatever_they_are_called():
    assert suggest({A: "Beach Condo 123"}, {"1": "Entire apartment"}) == {"1": A}


@given(st.dictionaries(st.uuids(), st.text()), st.dictionaries(st.text(), st.text()))
def test_nothing_is_suggested_twice_and_nothing_that_is_not_there(ours, theirs):
    found = suggest(ours, theirs)
    assert set(found) <= set(theirs)
    assert set(found.values()) <= set(ours)
    assert len(set(found.values())) == len(found)
