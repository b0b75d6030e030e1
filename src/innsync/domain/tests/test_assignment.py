from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.assignment import Request, Room, assign, moves
from innsync.domain.errors import InvalidField
from innsync.domain.stay import StayDates

JUNE_1 = date(2026, 6, 1)


def nights(first: int, last: int) -> StayDates:
    """From the evening of June `first` to the morning of June `last`."""
    return StayDates(JUNE_1 + timedelta(days=first - 1), JUNE_1 + timedelta(days=last - 1))


stays = st.tuples(st.integers(1, 20), st.integers(1, 8)).map(lambda at: nights(at[0], at[0] + at[1]))
room_lists = st.lists(st.sampled_from(["twin", "suite"]), min_size=1, max_size=5).map(
    lambda types: [Room(index, room_type) for index, room_type in enumerate(types)]
)
wishes = st.none() | st.integers(0, 6)
request_lists = st.lists(st.tuples(stays, st.sampled_from(["twin", "suite"]), wishes, wishes), max_size=14).map(
    lambda all_: [Request(f"s{index}", *parts) for index, parts in enumerate(all_)]
)
taken_rooms = st.dictionaries(st.integers(0, 5), st.lists(stays, max_size=3), max_size=4)


def busiest(requests: list[Request]) -> int:
    return max(Counter(night for request in requests for night in request.stay.nights()).values(), default=0)


@given(room_lists, taken_rooms, request_lists)
def test_no_room_is_given_twice_on_a_night_nor_to_a_wrong_type(rooms, taken, requests):
    result = assign(rooms, taken, requests)
    assert result.keys() == {request.id for request in requests}
    types = {room.id: room.room_type for room in rooms}
    placed = [request for request in requests if result[request.id] is not None]
    for request in placed:
        assert types[result[request.id]] == request.room_type
        assert not any(request.stay.overlaps(fixed) for fixed in taken.get(result[request.id], []))
    for one, other in combinations(placed, 2):
        assert result[one.id] != result[other.id] or not one.stay.overlaps(other.stay)


@given(room_lists, request_lists)
def test_with_nothing_fixed_everybody_has_a_room_as_long_as_there_are_enough(rooms, requests):
    result = assign(rooms, {}, requests)
    for room_type in ("twin", "suite"):
        ours = [request for request in requests if request.room_type == room_type]
        if busiest(ours) <= sum(room.room_type == room_type for room in rooms):
            assert all(result[request.id] is not None for request in ours)


@given(room_lists, taken_rooms, request_lists)
def test_assigning_again_moves_nobody(rooms, taken, requests):
    first = assign(rooms, taken, requests)
    settled = [
        Request(request.id, request.stay, request.room_type, first[request.id])
        for request in requests
        if first[request.id] is not None
    ]
    again = assign(rooms, taken, settled)
    assert moves(settled, again) == 0


@given(room_lists, taken_rooms, request_lists)
def test_nobody_is_left_out_while_a_room_stands_free_for_the_whole_stay(rooms, taken, requests):
    result = assign(rooms, taken, requests)
    held: dict[object, list[StayDates]] = {room.id: list(taken.get(room.id, [])) for room in rooms}
    for request in requests:
        if result[request.id] is not None:
            held[result[request.id]].append(request.stay)
    for request in requests:
        if result[request.id] is None:
            of_type = [room.id for room in rooms if room.room_type == request.room_type]
            assert all(any(request.stay.overlaps(other) for other in held[room]) for room in of_type)


@given(request_lists, taken_rooms, room_lists)
def test_as_many_stays_keep_their_room_as_could_together(requests, taken, rooms):
    """As many stays keep their room as could together, when nobody else needs it."""
    room = rooms[0]
    ours = [
        Request(request.id, request.stay, room.room_type, room.id)
        for request in requests
        if not any(request.stay.overlaps(fixed) for fixed in taken.get(room.id, []))
    ][:7]
    plenty = [room, *(Room(f"more{index}", room.room_type) for index in range(len(ours)))]
    result = assign(plenty, taken, ours)
    kept = len(ours) - moves(ours, result)
    largest = max(
        size
        for size in range(len(ours) + 1)
        for chosen in combinations(ours, size)
        if not any(one.stay.overlaps(other.stay) for one, other in combinations(chosen, 2))
    )
    assert kept == largest


TWO = [Room("101", "twin"), Room("102", "twin")]


def test_a_stay_goes_where_it_leaves_the_smallest_gap():
    taken = {"101": [nights(1, 3)], "102": [nights(1, 5)]}
    assert assign(TWO, taken, [Request("a", nights(5, 8), "twin")]) == {"a": "102"}


def test_a_preferred_room_is_given_when_it_is_free():
    taken = {"102": [nights(1, 5)]}
    assert assign(TWO, taken, [Request("a", nights(5, 8), "twin", preferred="101")]) == {"a": "101"}
    assert assign(TWO, taken, [Request("a", nights(4, 8), "twin", preferred="102")]) == {"a": "101"}


def test_one_is_moved_when_that_makes_room_for_another_and_no_more_than_one():
    requests = [
        Request("early", nights(1, 4), "twin", current="101"),
        Request("late", nights(6, 9), "twin", current="102"),
        Request("long", nights(2, 8), "twin"),
    ]
    result = assign(TWO, {}, requests)
    assert result["long"] is not None
    assert moves(requests, result) == 1


def test_a_fixed_stay_is_never_moved():
    taken = {"101": [nights(1, 4)], "102": [nights(6, 9)]}
    assert assign(TWO, taken, [Request("long", nights(2, 8), "twin")]) == {"long": None}


def test_leaving_and_arriving_on_one_day_share_a_room():
    requests = [Request("a", nights(1, 5), "twin"), Request("b", nights(5, 9), "twin")]
    assert assign(TWO[:1], {}, requests) == {"a": "101", "b": "101"}


def test_a_room_of_another_type_or_unknown_is_not_kept():
    rooms = [*TWO, Room("201", "suite")]
    requests = [
        Request("a", nights(1, 5), "twin", current="201"),
        Request("b", nights(1, 5), "twin", current="gone"),
    ]
    result = assign(rooms, {}, requests)
    assert set(result.values()) == {"101", "102"}


def test_two_stays_of_one_id_are_refused():
    with pytest.raises(InvalidField):
        assign(TWO, {}, [Request("a", nights(1, 2), "twin"), Request("a", nights(3, 4), "twin")])
