from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.difference import FieldChange, describe, difference

scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3)
names = st.sampled_from(["check_in", "rooms", "guest", "a/b", "c~d", "x"])
snapshots = st.recursive(
    st.dictionaries(names, scalars, max_size=4),
    lambda inner: st.dictionaries(names, scalars | inner | st.lists(scalars | inner, max_size=3), max_size=4),
    max_leaves=8,
)


def prune(value):
    """Absent and null are the same, so take the nulls out before comparing."""
    if isinstance(value, dict):
        return {name: prune(member) for name, member in value.items() if member is not None}
    return [prune(item) for item in value] if isinstance(value, list) else value


def put(tree, path: str, value) -> None:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]
    for step in steps[:-1]:
        tree = tree[int(step)] if isinstance(tree, list) else tree[step]
    last = steps[-1]
    if not isinstance(tree, list):
        tree[last] = value
    elif int(last) < len(tree):
        tree[int(last)] = value
    else:
        tree.append(value)


def trimmed(value):
    """A shortened list ends in nulls once the changes are applied; a reader drops them."""
    if isinstance(value, dict):
        return {name: trimmed(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        items = [trimmed(item) for item in value]
        while items and items[-1] is None:
            items.pop()
        return items
    return value


@given(snapshots)
def test_a_snapshot_does_not_differ_from_itself(snapshot):
    assert difference(snapshot, copy.deepcopy(snapshot)) == []


@given(snapshots, snapshots)
def test_the_changes_make_the_older_into_the_newer(before, after):
    result = copy.deepcopy(before)
    for change in difference(before, after):
        put(result, change.path, change.after)
    assert trimmed(result) == trimmed(after)


@given(snapshots, snapshots)
def test_reading_backwards_swaps_every_change(before, after):
    forth = {(path, repr(old), repr(new)) for path, old, new in difference(before, after)}
    back = {(path, repr(new), repr(old)) for path, old, new in difference(after, before)}
    assert forth == back


@given(snapshots, snapshots)
def test_every_change_has_one_sentence(before, after):
    changes = difference(before, after)
    sentences = describe(changes)
    assert len(sentences) == len(changes)
    assert all(sentence and "None" not in sentence for sentence in sentences)


BOOKING = {
    "status": "confirmed",
    "check_in": "2026-06-15",
    "check_out": "2026-06-22",
    "total": {"amount": "1645.00", "currency": "USD"},
    "guest": {"name": "Sarah Johnson", "phone": None},
    "rooms": [{"id": "a", "rate_plan_code": "bar", "adults": 2}, {"id": "b", "rate_plan_code": "bar", "adults": 1}],
}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"check_out": "2026-06-24"}, "check-out moved from 22 June to 24 June 2026"),
        ({"check_out": "2027-01-02"}, "check-out moved from 22 June 2026 to 2 January 2027"),
        ({"status": "cancelled"}, "status changed from confirmed to cancelled"),
        ({"total": {"amount": "1880.00", "currency": "USD"}}, "total changed from 1645.00 USD to 1880.00 USD"),
        ({"special_requests": "late arrival"}, "special requests set to “late arrival”"),
        ({"guest": {"name": "Sarah Johnson", "phone": "+18505550100"}}, "guest phone set to +18505550100"),
        ({"status": None}, "status removed (was confirmed)"),
    ],
)
def test_changes_read_as_a_person_would_say_them(change, sentence):
    assert describe(difference(BOOKING, BOOKING | change)) == [sentence]


def test_taking_the_first_of_two_rooms_out_is_one_change():
    changes = difference(BOOKING, BOOKING | {"rooms": BOOKING["rooms"][1:]})
    assert changes == [FieldChange("/rooms/id=a", BOOKING["rooms"][0], None)]
    assert describe(changes) == ["room a removed (was rate plan bar, adults 2)"]


def test_rooms_without_ids_are_told_apart_by_their_place():
    before = {"rooms": [{"rate_plan_code": "bar"}]}
    after = {"rooms": [{"rate_plan_code": "saver"}, {"rate_plan_code": "bar"}]}
    assert describe(difference(before, after)) == [
        "room 1 rate plan changed from bar to saver",
        "room 2 added: rate plan bar",
    ]


def test_a_change_is_kept_as_json():
    change = difference({"adults": 1}, {"adults": 2})[0]
    assert change.to_json() == {"path": "/adults", "before": 1, "after": 2}
