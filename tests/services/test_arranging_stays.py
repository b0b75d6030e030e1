"""What the desk does on the chart: a stay into another room, on other dates, out of its room."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.inventory.services import SoldOut
from innsync.apps.properties.models import Room
from innsync.apps.reservations import records
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.history import list_entries
from innsync.apps.reservations.services.rooms import RoomOutOfOrder, put_out_of_order
from innsync.domain.money import Money
from tests.races.house import House


@pytest.fixture
def house(open_house: Callable[..., House]) -> House:
    return open_house(rooms=2, types=("double", "suite"))


def place(house: House, record: records.Record, room: str | None) -> None:
    with tenant(house.organization_id):
        reservations.place_stay(
            organization_id=house.organization_id,
            booking_id=record.id,
            room_stay_id=record.stays[0].id,
            room_id=Room.objects.get(name=room).id if room else None,
            now=datetime.now(UTC),
            actor="Pat",
        )


def arrange(
    house: House, record: records.Record, offset: int, nights: int, room_id: UUID | None = None
) -> reservations.Arranged:
    return reservations.rearrange(
        house=house.facts,
        booking_id=record.id,
        room_stay_id=record.stays[0].id,
        stay=house.stay(offset, nights),
        now=datetime.now(UTC),
        actor="Pat",
        room_id=room_id,
    )


def room_id(house: House, name: str) -> UUID:
    with tenant(house.organization_id):
        return Room.objects.get(name=name).id


def rooms(house: House) -> dict[UUID, str | None]:
    with tenant(house.organization_id), sql() as cursor:
        return dict(
            cursor.execute(
                "SELECT s.booking_id, r.name FROM reservations_roomstay s LEFT JOIN properties_room r ON r.id = s.room_id"
            ).fetchall()
        )


def test_a_stay_is_put_into_a_room_and_the_history_says_who_did_it(house: House) -> None:
    record = house.book()
    place(house, record, "double-1")
    place(house, record, "double-0")
    assert rooms(house)[record.id] == "double-0"
    with tenant(house.organization_id):
        entries = list_entries(property_id=house.facts.id, booking_id=record.id)
    assert [(one.actor, one.action) for one in entries[1:]] == [("Pat", "placed")] * 2
    assert entries[2].sentences == ["Room 1 number changed from double-1 to double-0"]


def test_a_room_is_taken_away_and_another_assigned_later(house: House) -> None:
    record = house.book()
    place(house, record, "double-1")
    place(house, record, None)
    assert rooms(house)[record.id] is None


def test_who_sleeps_in_the_room_already_is_named_and_nothing_changes(house: House) -> None:
    there, comes = house.book(stay=house.stay(1, 3)), house.book()
    place(house, there, "double-0")
    with pytest.raises(reservations.RoomTaken) as refused:
        place(house, comes, "double-0")
    assert (refused.value.room, refused.value.booking) == ("double-0", there.code)
    assert rooms(house)[comes.id] is None


def test_a_room_that_is_free_again_that_day_is_given(house: House) -> None:
    goes, comes = house.book(stay=house.stay(0, 2)), house.book(stay=house.stay(2, 2))
    place(house, goes, "double-0")
    place(house, comes, "double-0")
    assert rooms(house)[comes.id] == "double-0"


def test_a_room_out_of_order_is_refused(house: House) -> None:
    record, stay = house.book(), house.stay()
    with tenant(house.organization_id):
        put_out_of_order(
            organization_id=house.organization_id,
            room_type_id=house.built.room_types["double"].id,
            room_id=Room.objects.get(name="double-0").id,
            first=stay.check_in,
            last=stay.check_in,
            now=datetime.now(UTC),
        )
    with pytest.raises(RoomOutOfOrder):
        place(house, record, "double-0")


def test_a_room_of_another_type_moves_the_stay_there_at_the_price_agreed(house: House) -> None:
    record = house.book()
    place(house, record, "suite-0")
    assert rooms(house)[record.id] == "suite-0"
    assert (house.left(), house.left(room="suite")) == (2, 1)
    with tenant(house.organization_id):
        after = records.load(booking_id=record.id)
    assert after.total_minor == record.total_minor
    assert after.stays[0].room_type_id == house.built.room_types["suite"].id


def test_a_type_without_a_room_left_is_refused_though_the_room_itself_is_free(house: House) -> None:
    record = house.book()
    house.book("suite", "suite")
    with pytest.raises(SoldOut):
        place(house, record, "suite-0")
    assert rooms(house)[record.id] is None
    assert house.left() == 1


def test_a_longer_stay_keeps_its_room_and_costs_what_the_nights_cost(house: House) -> None:
    record = house.book()
    place(house, record, "double-1")
    with tenant(house.organization_id):
        found = arrange(house, record, 0, 4)
    assert found.difference == Money(20000, "EUR")
    assert (found.had_room, found.room) == ("double-1", "double-1")
    assert rooms(house)[record.id] == "double-1"


def test_where_its_room_is_taken_the_longer_stay_has_none_and_the_history_says_so(house: House) -> None:
    record, next_guest = house.book(), house.book(stay=house.stay(2, 2))
    place(house, record, "double-1")
    place(house, next_guest, "double-1")
    with tenant(house.organization_id):
        found = arrange(house, record, 0, 3)
        entries = list_entries(property_id=house.facts.id, booking_id=record.id)
    assert (found.had_room, found.room) == ("double-1", "")
    assert rooms(house)[record.id] is None
    assert entries[-1].sentences == ["Room 1 number removed (was double-1)"]


def test_dates_and_room_are_changed_at_once_or_not_at_all(house: House) -> None:
    record, there = house.book(), house.book(stay=house.stay(4, 2))
    place(house, record, "double-1")
    place(house, there, "double-0")
    with pytest.raises(reservations.RoomTaken), tenant(house.organization_id):
        arrange(house, record, 3, 2, room_id=room_id(house, "double-0"))
    assert rooms(house)[record.id] == "double-1"
    assert house.left(0) == 1
    with tenant(house.organization_id):
        arrange(house, record, 6, 2, room_id=room_id(house, "double-0"))
    assert rooms(house)[record.id] == "double-0"
    assert (house.left(0), house.left(6)) == (2, 1)


def test_a_preview_tells_the_price_and_changes_nothing(house: House) -> None:
    record = house.book()
    place(house, record, "double-1")
    with tenant(house.organization_id):
        version = records.load(booking_id=record.id).version
        found = reservations.preview_rearranging(
            house=house.facts,
            booking_id=record.id,
            room_stay_id=record.stays[0].id,
            stay=house.stay(0, 5),
            now=datetime.now(UTC),
        )
    assert found.difference == Money(30000, "EUR")
    with tenant(house.organization_id):
        after = records.load(booking_id=record.id)
    assert (after.version, after.check_out, after.total_minor) == (version, record.check_out, record.total_minor)
    assert rooms(house)[record.id] == "double-1"
    assert house.left(3) == 2


def test_a_preview_of_nights_that_are_sold_out_says_so(house: House) -> None:
    record = house.book()
    for _ in range(2):
        house.book(stay=house.stay(2, 2))
    with pytest.raises(SoldOut), tenant(house.organization_id):
        reservations.preview_rearranging(
            house=house.facts,
            booking_id=record.id,
            room_stay_id=record.stays[0].id,
            stay=house.stay(0, 3),
            now=datetime.now(UTC),
        )
