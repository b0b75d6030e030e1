"""A guest who changes rooms in mid-stay, and one who is kept in a room: what holds, what is refused, what is told."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.properties.models import Room
from innsync.apps.reservations import records
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.chart import list_bars, list_free_rooms
from innsync.apps.reservations.history import list_entries
from innsync.apps.reservations.models import HeldRoom, RoomStay
from innsync.apps.reservations.services.rooms import RoomOccupied, put_out_of_order
from innsync.domain.booking_state import BookingAction
from innsync.domain.errors import DomainError, InvalidField
from tests.races.house import House

FILLING = import_module("innsync.apps.reservations.migrations.0014_fill_held_rooms")


@pytest.fixture
def house(open_house: Callable[..., House]) -> House:
    return open_house(rooms=2, types=("double", "suite"))


def room_id(house: House, name: str) -> UUID:
    with tenant(house.organization_id):
        return Room.objects.get(name=name).id


def do(house: House, service: Callable[..., Any], record: records.Record, **how: Any) -> Any:
    with tenant(house.organization_id):
        return service(booking_id=record.id, room_stay_id=record.stays[0].id, now=datetime.now(UTC), actor="Pat", **how)


def place(house: House, record: records.Record, name: str | None) -> Any:
    return do(
        house,
        reservations.place_stay,
        record,
        organization_id=house.organization_id,
        room_id=room_id(house, name) if name else None,
    )


def split(house: House, record: records.Record, after: int, name: str) -> Any:
    on = record.check_in + timedelta(days=after)
    return do(house, reservations.split_stay, record, on=on, room_id=room_id(house, name))


def held(house: House, record: records.Record) -> list[tuple[str, int, int]]:
    """(room, first night, nights) of what the stay holds, counted from the first day of the house."""
    with tenant(house.organization_id):
        found = HeldRoom.objects.filter(room_stay__booking_id=record.id).select_related("room").order_by("nights")
        return [
            (one.room.name, (one.nights.lower - house.first).days, (one.nights.upper - one.nights.lower).days)
            for one in found
        ]


def rearranged(house: House, record: records.Record, offset: int, nights: int) -> reservations.Arranged:
    with tenant(house.organization_id):
        return reservations.rearrange(
            house=house.facts,
            booking_id=record.id,
            room_stay_id=record.stays[0].id,
            stay=house.stay(offset, nights),
            now=datetime.now(UTC),
            actor="Pat",
        )


def assign(house: House) -> dict[UUID, UUID | None]:
    with tenant(house.organization_id):
        return reservations.assign_rooms(
            organization_id=house.organization_id,
            property_id=house.facts.id,
            first=house.first,
            last=house.first + timedelta(days=30),
            now=datetime.now(UTC),
        )


def test_a_full_house_lodges_a_guest_in_two_rooms_one_after_the_other(house: House) -> None:
    left, right = house.book(stay=house.stay(0, 2)), house.book(stay=house.stay(2, 2))
    place(house, left, "double-0")
    place(house, right, "double-1")
    long = house.book(stay=house.stay(0, 4))
    for room in ("double-0", "double-1"):
        with pytest.raises(reservations.RoomTaken):
            place(house, long, room)
    do(
        house,
        reservations.split_stay,
        long,
        on=long.check_in + timedelta(days=2),
        room_id=room_id(house, "double-0"),
        first_room_id=room_id(house, "double-1"),
    )
    assert held(house, long) == [("double-1", 0, 2), ("double-0", 2, 2)]


def test_both_parts_hold_their_room_and_nothing_that_was_sold_moves(house: House) -> None:
    record = house.book(stay=house.stay(0, 4))
    before = house.left(0), house.left(3)
    place(house, record, "double-0")
    after = split(house, record, 2, "double-1")
    assert held(house, record) == [("double-0", 0, 2), ("double-1", 2, 2)]
    assert (house.left(0), house.left(3)) == before
    assert (after.total_minor, after.stays[0].nightly_minor) == (record.total_minor, record.stays[0].nightly_minor)
    with tenant(house.organization_id):
        last = list_entries(property_id=house.facts.id, booking_id=record.id)[-1]
    assert (last.action, last.actor) == ("split", "Pat")
    assert "double-0, from" in last.sentences[0]
    assert "on double-1" in last.sentences[0]


@pytest.mark.parametrize(
    ("offset", "taken"), [(0, {"double-0"}), (1, {"double-0"}), (2, {"double-1"}), (3, {"double-1"})]
)
def test_each_night_only_the_room_slept_in_is_taken(house: House, offset: int, taken: set[str]) -> None:
    record = house.book(stay=house.stay(0, 4))
    place(house, record, "double-0")
    split(house, record, 2, "double-1")
    stay = house.stay(offset, 1)
    with tenant(house.organization_id):
        free = list_free_rooms(
            property_id=house.facts.id,
            room_type_ids=[house.built.room_types["double"].id],
            check_in=stay.check_in,
            check_out=stay.check_out,
        )
    assert {"double-0", "double-1"} - taken == {
        name for name in ("double-0", "double-1") if room_id(house, name) in free
    }


def test_somebody_else_in_the_second_room_is_named_and_nothing_changes(house: House) -> None:
    record, other = house.book(stay=house.stay(0, 4)), house.book(stay=house.stay(3, 2))
    place(house, record, "double-0")
    place(house, other, "double-1")
    with pytest.raises(reservations.RoomTaken) as refused:
        split(house, record, 2, "double-1")
    assert refused.value.booking == other.code
    assert held(house, record) == [("double-0", 0, 4)]


def test_the_database_keeps_the_second_room_from_another_stay_whatever_the_code_does(house: House) -> None:
    record, other = house.book(stay=house.stay(0, 4)), house.book(stay=house.stay(3, 2))
    place(house, record, "double-0")
    split(house, record, 2, "double-1")
    with (
        pytest.raises(psycopg.errors.ExclusionViolation),
        tenant(house.organization_id),
        sql() as cursor,
    ):
        cursor.execute(
            "UPDATE reservations_roomstay SET room_id = %s WHERE booking_id = %s",
            (room_id(house, "double-1"), other.id),
        )


def test_in_mid_stay_only_to_a_room_of_the_same_type(house: House) -> None:
    record = house.book(stay=house.stay(0, 4))
    place(house, record, "double-0")
    with pytest.raises(reservations.OtherType):
        split(house, record, 2, "suite-0")
    assert house.left(2, room="suite") == 2


@pytest.mark.parametrize("after", [-1, 0, 4, 9])
def test_only_on_a_day_within_the_stay(house: House, after: int) -> None:
    record = house.book(stay=house.stay(0, 4))
    place(house, record, "double-0")
    with pytest.raises(InvalidField):
        split(house, record, after, "double-1")


def test_who_has_no_room_can_not_change_it(house: House) -> None:
    with pytest.raises(InvalidField):
        split(house, house.book(stay=house.stay(0, 4)), 2, "double-1")


def test_one_part_moves_and_the_same_room_for_both_makes_the_stay_whole(house: House) -> None:
    record = house.book(stay=house.stay(0, 4))
    place(house, record, "double-0")
    split(house, record, 2, "double-1")
    do(house, reservations.place_part, record, part=1, room_id=room_id(house, "double-1"))
    assert held(house, record) == [("double-1", 0, 4)]
    split(house, record, 1, "double-0")
    do(house, reservations.place_part, record, part=2, room_id=room_id(house, "double-1"))
    assert held(house, record) == [("double-1", 0, 4)]


@pytest.mark.parametrize(
    ("offset", "nights", "expected"),
    [
        (0, 6, [("double-0", 0, 2), ("double-1", 2, 4)]),  # longer: the second room goes on
        (0, 2, [("double-0", 0, 2)]),  # leaves before the change: one room
        (2, 3, [("double-1", 2, 3)]),  # comes after it: the other
        (1, 3, [("double-0", 1, 1), ("double-1", 2, 2)]),
    ],
)
def test_on_other_dates_the_rooms_stay_as_far_as_they_fit(
    house: House, offset: int, nights: int, expected: list[tuple[str, int, int]]
) -> None:
    record = house.book(stay=house.stay(0, 4))
    place(house, record, "double-0")
    split(house, record, 2, "double-1")
    assert rearranged(house, record, offset, nights).lost == ()
    assert held(house, record) == expected


def test_automatic_assignment_leaves_both_rooms_alone(house: House) -> None:
    record = house.book(stay=house.stay(0, 4))
    place(house, record, "double-0")
    split(house, record, 2, "double-1")
    first, second = house.book(stay=house.stay(0, 2)), house.book(stay=house.stay(2, 2))
    assign(house)
    assert held(house, record) == [("double-0", 0, 2), ("double-1", 2, 2)]
    assert held(house, first) == [("double-1", 0, 2)]
    assert held(house, second) == [("double-0", 2, 2)]


def test_a_cancellation_gives_both_rooms_back(house: House) -> None:
    record = house.book(stay=house.stay(0, 4))
    place(house, record, "double-0")
    split(house, record, 2, "double-1")
    with tenant(house.organization_id):
        reservations.cancel(house=house.facts, booking_id=record.id, now=datetime.now(UTC), actor="Pat")
    assert held(house, record) == []


def test_a_room_that_goes_out_of_order_is_given_up_with_the_other_until_the_guest_is_there(house: House) -> None:
    record = house.book(stay=house.stay(0, 4))
    place(house, record, "double-0")
    split(house, record, 2, "double-1")

    def out() -> None:
        with tenant(house.organization_id):
            put_out_of_order(
                organization_id=house.organization_id,
                room_type_id=house.built.room_types["double"].id,
                room_id=Room.objects.get(name="double-1").id,
                first=house.first + timedelta(days=3),
                last=house.first + timedelta(days=3),
                now=datetime.now(UTC),
            )

    with tenant(house.organization_id):
        reservations.change_state(
            organization_id=house.organization_id,
            booking_id=record.id,
            action=BookingAction.CHECK_IN,
            now=datetime.now(UTC),
            actor="Pat",
        )
    with pytest.raises(RoomOccupied):
        out()
    with tenant(house.organization_id):
        reservations.change_state(
            organization_id=house.organization_id,
            booking_id=record.id,
            action=BookingAction.UNDO_CHECK_IN,
            now=datetime.now(UTC),
            actor="Pat",
        )
    out()
    assert held(house, record) == []


def test_the_chart_shows_each_part_in_its_room(house: House) -> None:
    record = house.book(stay=house.stay(0, 4))
    place(house, record, "double-0")
    split(house, record, 2, "double-1")
    with tenant(house.organization_id):
        bars = list_bars(
            first=house.first,
            last=house.first + timedelta(days=9),
            room_ids=[room_id(house, "double-0"), room_id(house, "double-1")],
        )
    assert sorted((one.part, (one.first - house.first).days, (one.last - house.first).days) for one in bars) == [
        (1, 0, 2),
        (2, 2, 4),
    ]


def test_what_was_assigned_before_the_table_was_there_is_filled_in(house: House) -> None:
    record, other = house.book(stay=house.stay(0, 4)), house.book(stay=house.stay(0, 4))
    place(house, record, "double-0")
    with tenant(house.organization_id), sql() as cursor:
        cursor.execute("DELETE FROM reservations_heldroom WHERE property_id = %s", (house.facts.id,))
    for _ in range(2):  # begun again, it finds all there
        FILLING.fill_one(connection, house.organization_id)
        assert held(house, record) == [("double-0", 0, 4)]
        assert held(house, other) == []


def test_a_room_that_two_were_given_before_stops_the_filling_and_names_the_stay(house: House) -> None:
    record, other = house.book(stay=house.stay(0, 4)), house.book(stay=house.stay(2, 4))
    place(house, record, "double-0")
    with tenant(house.organization_id), sql() as cursor:
        cursor.execute("DELETE FROM reservations_heldroom WHERE property_id = %s", (house.facts.id,))
    place(house, other, "double-0")
    with pytest.raises(RuntimeError, match=str(record.stays[0].id)):
        FILLING.fill_one(connection, house.organization_id)
    assert held(house, record) == []
    place(house, record, None)
    FILLING.fill_one(connection, house.organization_id)
    assert held(house, other) == [("double-0", 2, 4)]


def test_a_stay_that_changes_while_the_table_is_filled_holds_what_it_holds_then(house: House) -> None:
    record = house.book(stay=house.stay(0, 4))
    place(house, record, "double-0")
    with tenant(house.organization_id), sql() as cursor:
        cursor.execute("DELETE FROM reservations_heldroom WHERE property_id = %s", (house.facts.id,))
    with ThreadPoolExecutor(1) as beside:
        with tenant(house.organization_id):
            RoomStay.objects.filter(booking_id=record.id).update(room_id=room_id(house, "double-1"))
            filling = beside.submit(_fill_beside, house.organization_id)
            with contextlib.suppress(TimeoutError):
                filling.result(timeout=0.5)
            assert not filling.done(), "it waits for the stay"
        filling.result(timeout=20)
    assert held(house, record) == [("double-1", 0, 4)]


def _fill_beside(organization_id: UUID) -> None:
    try:
        FILLING.fill_one(connection, organization_id)
    finally:
        connection.close()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["place", "split", "part", "pin", "dates", "assign", "cancel"]),
        st.integers(0, 3),
        st.integers(0, 1),
        st.integers(0, 5),
    ),
    max_size=14,
)


@given(STEPS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_desk_does_a_stay_holds_all_its_nights_or_none_and_the_count_follows_the_stays(
    open_house: Callable[..., House], steps: list[tuple[str, int, int, int]]
) -> None:
    house = open_house(rooms=2)
    booked = [house.book(stay=house.stay(offset, nights)) for offset, nights in ((0, 4), (2, 3), (6, 2), (9, 2))]
    for what, number, room, offset in steps:
        record = booked[number]
        with contextlib.suppress(DomainError):
            if what == "place":
                place(house, record, f"double-{room}")
            elif what == "split":
                on = house.first + timedelta(days=offset)
                do(house, reservations.split_stay, record, on=on, room_id=room_id(house, f"double-{room}"))
            elif what == "part":
                part = 1 + offset % 2
                do(house, reservations.place_part, record, part=part, room_id=room_id(house, f"double-{room}"))
            elif what == "pin":
                do(house, reservations.pin_stay, record, pinned=bool(room))
            elif what == "dates":
                rearranged(house, record, offset + room, 1 + offset)
            elif what == "assign":
                assign(house)
            else:
                with tenant(house.organization_id):
                    reservations.cancel(house=house.facts, booking_id=record.id, now=datetime.now(UTC), actor="Pat")
    sold: Counter[int] = Counter()
    for record in booked:
        with tenant(house.organization_id):
            stay = RoomStay.objects.get(booking_id=record.id)
        nights = set(range((stay.check_in - house.first).days, (stay.check_out - house.first).days))
        slept = [night for _, first, count in held(house, record) for night in range(first, first + count)]
        assert len(slept) == len(set(slept))
        assert set(slept) in (nights if stay.holds_stock else set(), set())
        assert bool(slept) is (stay.room_id is not None)
        if stay.holds_stock:
            sold.update(nights)
    assert [2 - sold[night] for night in range(12)] == [house.left(night) for night in range(12)]


class TestPinned:
    def pinned(self, house: House) -> records.Record:
        record = house.book(stay=house.stay(2, 2))
        place(house, record, "double-0")
        do(house, reservations.pin_stay, record, pinned=True)
        return record

    def test_it_makes_way_where_it_is_free_to_and_not_where_it_is_pinned(self, house: House) -> None:
        for pinned, lodged in ((True, False), (False, True)):
            left, right = house.book(stay=house.stay(10, 2)), house.book(stay=house.stay(12, 2))
            place(house, left, "double-0")
            place(house, right, "double-1")
            do(house, reservations.pin_stay, left, pinned=pinned)
            do(house, reservations.pin_stay, right, pinned=pinned)
            long = house.book(stay=house.stay(10, 4))
            assign(house)
            assert bool(held(house, long)) is lodged
            with tenant(house.organization_id):
                for one in (left, right, long):
                    reservations.cancel(house=house.facts, booking_id=one.id, now=datetime.now(UTC), actor="Pat")

    def test_a_person_moves_it_and_the_pin_goes_along(self, house: House) -> None:
        record = self.pinned(house)
        place(house, record, "double-1")
        with tenant(house.organization_id):
            stay = RoomStay.objects.get(booking_id=record.id)
        assert (stay.room_id, stay.pinned) == (room_id(house, "double-1"), True)
        place(house, record, None)
        with tenant(house.organization_id):
            assert not RoomStay.objects.get(booking_id=record.id).pinned

    def test_a_stay_without_a_room_can_not_be_pinned(self, house: House) -> None:
        with pytest.raises(InvalidField):
            do(house, reservations.pin_stay, house.book(), pinned=True)

    def test_history_says_who_pinned_it(self, house: House) -> None:
        record = self.pinned(house)
        do(house, reservations.pin_stay, record, pinned=True)
        do(house, reservations.pin_stay, record, pinned=False)
        with tenant(house.organization_id):
            entries = list_entries(property_id=house.facts.id, booking_id=record.id)
        assert [one.action for one in entries[-2:]] == ["pinned", "unpinned"]
