"""Extras: how often one is charged, what a rate plan covers, and what is refused."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.errors import InvalidField
from innsync.domain.extras import MOST_WISHES, Extra, Per, Room, Taken, Wish, count, included_in, take

rooms = st.lists(
    st.builds(Room, st.sampled_from([None, "bar", "package"]), st.integers(1, 5), st.integers(1, 30)),
    min_size=1,
    max_size=5,
)
extras = st.builds(
    Extra,
    code=st.just("x"),
    name=st.just("X"),
    per=st.sampled_from(Per),
    price_minor=st.integers(0, 10_000),
    most=st.integers(1, 9),
    plan_ids=st.sampled_from([frozenset(), frozenset({"package"}), frozenset({"package", "bar"})]),
)


def test_a_price_is_for_what_it_says():
    stay = [Room("bar", 2, 3), Room("bar", 1, 3)]
    counted = {per: count(per, stay) for per in Per}
    assert counted == {Per.STAY: 2, Per.NIGHT: 6, Per.PERSON: 3, Per.PERSON_NIGHT: 9, Per.PIECE: 2}


@given(st.sampled_from(Per), rooms, rooms)
def test_rooms_are_counted_each_by_itself(per, some, others):
    assert count(per, some + others) == count(per, some) + count(per, others)


@given(extras, rooms)
def test_every_room_has_it_from_its_plan_or_may_buy_it_and_none_twice(extra, stay):
    covered = sum(one.times for one in included_in([extra], stay))
    if extra.per is Per.PIECE:
        assert covered == len(extra.covered(stay))
        return
    bought = 0
    if extra.uncovered(stay):
        bought = sum(one.times for one in take([extra], stay, [Wish("x")]) if not one.included)
    assert covered + bought == count(extra.per, stay)


@given(extras, rooms, st.integers(1, 9))
def test_the_amount_is_the_price_as_often_as_it_is_counted_and_nothing_where_it_is_included(extra, stay, pieces):
    pieces = min(pieces, extra.most) if extra.per is Per.PIECE else 1
    try:
        taken = take([extra], stay, [Wish("x", pieces)])
    except InvalidField:
        taken = included_in([extra], stay)
    for one in taken:
        assert one.times > 0
        assert one.amount_minor == one.unit_minor * one.times
        assert one.unit_minor == (0 if one.included else extra.price_minor)


@given(extras, rooms, rooms)
def test_what_was_agreed_is_read_back_and_follows_the_rooms_there_and_back(extra, before, after):
    for one in take([extra], before, [] if not extra.uncovered(before) else [Wish("x")]):
        kept = Taken.from_json(orjson.loads(orjson.dumps(one.to_json())))
        assert kept.to_json() == one.to_json()
        assert kept.anew(before).to_json() == one.to_json()
        assert kept.anew(after).anew(before).to_json() == one.to_json()
        assert kept.anew(after).unit_minor == one.unit_minor


BREAKFAST = Extra("breakfast", "Breakfast", Per.PERSON_NIGHT, 1_500, plan_ids=frozenset({"package"}))
WINE = Extra("wine", "Wine", Per.PIECE, 2_000, most=3, plan_ids=frozenset({"package"}))
SPA = Extra("spa", "Spa", Per.STAY, 0, offered=False, plan_ids=frozenset({"package"}))


def test_a_package_covers_its_own_rooms_and_the_others_may_buy():
    stay = [Room("package", 2, 2), Room("bar", 1, 2)]
    taken = take([BREAKFAST, WINE, SPA], stay, [Wish("breakfast"), Wish("wine", 2)])
    assert [(one.extra.code, one.times, one.amount_minor, one.included) for one in taken] == [
        ("breakfast", 4, 0, True),
        ("wine", 1, 0, True),
        ("spa", 1, 0, True),
        ("breakfast", 2, 3_000, False),
        ("wine", 2, 4_000, False),
    ]


@pytest.mark.parametrize(
    ("wishes", "field", "problem"),
    [
        ([Wish("beer")], "/extras/0/code", "is not an extra that is offered"),
        ([Wish("spa")], "/extras/0/code", "is not an extra that is offered"),
        ([Wish("wine"), Wish("wine")], "/extras/1/code", "stands there twice"),
        ([Wish("wine", 4)], "/extras/0/quantity", "must be 1 to 3"),
        ([Wish("wine", 0)], "/extras/0/quantity", "must be 1 to 3"),
        ([Wish("wine"), Wish("breakfast", 2)], "/extras/1/quantity", "must be 1: it is not sold by the piece"),
        ([Wish("wine")] * (MOST_WISHES + 1), "/extras", f"must be {MOST_WISHES} at most"),
    ],
)
def test_what_can_not_be_had_is_named(wishes, field, problem):
    with pytest.raises(InvalidField) as refusal:
        take([BREAKFAST, WINE, SPA], [Room("bar", 2, 1)], wishes)
    assert (refusal.value.field, refusal.value.problem) == (field, problem)


def test_what_every_room_has_is_not_sold_once_more_but_by_the_piece():
    stay = [Room("package", 2, 1)]
    with pytest.raises(InvalidField) as refusal:
        take([BREAKFAST], stay, [Wish("breakfast")])
    assert refusal.value.problem == "is included in the price already"
    assert [one.amount_minor for one in take([WINE], stay, [Wish("wine")])] == [0, 2_000]
