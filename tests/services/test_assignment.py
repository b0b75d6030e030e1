"""Giving stays their rooms: few moves, guests in house stay, no room twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution.handlers import ari_changed
from innsync.apps.events.relay import Entry
from innsync.apps.properties.models import Property, Room
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.services.rooms import ASSIGN_AHEAD, put_out_of_order
from tests.races.house import House


@pytest.fixture
def house(open_house: Callable[..., House]) -> House:
    return open_house(rooms=2)


def assign(house: House, days: int = 40, after: int = 0) -> dict[UUID, UUID | None]:
    with tenant(house.organization_id):
        return reservations.assign_rooms(
            organization_id=house.organization_id,
            property_id=house.facts.id,
            first=house.first + timedelta(days=after),
            last=house.first + timedelta(days=days),
            now=datetime.now(UTC),
        )


def told(house: House) -> list[tuple[str, dict[str, int]]]:
    """The events about the rooms of stays."""
    with tenant(house.organization_id), sql() as cursor:
        return cursor.execute(
            "SELECT type, data FROM events_event WHERE type = 'rooms.assigned' ORDER BY id"
        ).fetchall()


def rooms(house: House) -> dict[UUID, str | None]:
    """booking -> the name of its room"""
    with tenant(house.organization_id), sql() as cursor:
        return dict(
            cursor.execute(
                "SELECT s.booking_id, r.name FROM reservations_roomstay s LEFT JOIN properties_room r ON r.id = s.room_id"
            ).fetchall()
        )


def test_every_stay_gets_a_room_and_no_room_two_stays_of_a_night(house: House) -> None:
    booked = [house.book(stay=house.stay(offset, 3)).id for offset in (0, 0, 3, 3, 6)]
    assign(house)
    found = rooms(house)
    assert all(found[one] for one in booked)
    assert found[booked[0]] != found[booked[1]]


def test_assigning_again_moves_nobody(house: House) -> None:
    for offset in (0, 1, 4, 5):
        house.book(stay=house.stay(offset, 3))
    assign(house)
    before = rooms(house)
    assert assign(house) == {}
    assert rooms(house) == before


def test_whoever_looks_at_the_rooms_is_told_in_the_same_transaction(house: House) -> None:
    for offset in (0, 1):
        house.book(stay=house.stay(offset, 3))
    with pytest.raises(LookupError), tenant(house.organization_id):
        assign(house)
        raise LookupError
    assert told(house) == []
    given = assign(house)
    assert told(house) == [("rooms.assigned", {"stays": 2})]
    assign(house)
    assert len(told(house)) == 1, "nobody is told of an assignment that moves nobody"
    with tenant(house.organization_id):
        reservations.take_back_assignment(
            organization_id=house.organization_id,
            property_id=house.facts.id,
            given={stay: (room, None) for stay, room in given.items()},
            now=datetime.now(UTC),
        )
    assert told(house)[1:] == [("rooms.assigned", {"stays": 2})]


def test_a_guest_in_house_keeps_the_room(house: House) -> None:
    first = house.book(stay=house.stay(0, 5)).id
    assign(house)
    room = rooms(house)[first]
    with tenant(house.organization_id), sql() as cursor:
        cursor.execute("UPDATE reservations_booking SET status = 'checked_in' WHERE id = %s", (first,))
    for offset in (1, 3):
        house.book(stay=house.stay(offset, 2))
    assign(house)
    assert rooms(house)[first] == room


def test_a_room_out_of_order_is_given_to_nobody(house: House) -> None:
    with tenant(house.organization_id):
        room = Room.objects.get(name="double-0")
        put_out_of_order(
            organization_id=house.organization_id,
            room_type_id=house.built.room_types["double"].id,
            room_id=room.id,
            first=house.first,
            last=house.first + timedelta(days=5),
            now=datetime.now(UTC),
        )
    one = house.book(stay=house.stay(2, 2)).id
    assign(house)
    assert rooms(house)[one] == "double-1"


def test_who_finds_no_room_is_told_without_one(house: House) -> None:
    """Two rooms, three stays that overlap in a chain no single room can take."""
    with tenant(house.organization_id):
        Room.objects.filter(name="double-1").delete()
    booked = [house.book(stay=house.stay(0, 2)).id, house.book(stay=house.stay(1, 2)).id]
    assign(house)
    found = rooms(house)
    assert sorted(found[one] is None for one in booked) == [False, True]


def test_a_cancelled_stay_frees_its_room(house: House) -> None:
    records = [house.book(stay=house.stay(0, 2)) for _ in range(2)]
    assign(house)
    with tenant(house.organization_id):
        reservations.cancel(house=house.facts, booking_id=records[0].id, now=datetime.now(UTC), actor="test")
    third = house.book(stay=house.stay(0, 2)).id
    assign(house)
    found = rooms(house)
    assert found[records[0].id] is None
    assert found[third]
    assert found[third] != found[records[1].id]


def test_who_arrives_after_the_window_keeps_the_room(house: House) -> None:
    """Two jobs may know two todays, such as one queued before midnight and done after a later one."""
    later = house.book(stay=house.stay(14, 3)).id
    assign(house, days=14)
    room = rooms(house)[later]
    into = house.book(stay=house.stay(13, 4)).id
    assign(house, after=-1, days=13)
    found = rooms(house)
    assert found[later] == room
    assert found[into]
    assert found[into] != room


@pytest.mark.parametrize("time_zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_sale_asks_for_rooms_by_the_propertys_own_date(house: House, time_zone: str) -> None:
    """At any moment at least one of the two has another date than UTC."""
    with tenant(house.organization_id):
        Property.objects.filter(id=house.facts.id).update(time_zone=time_zone)
        now = datetime.now(UTC)
        entry = Entry(
            house.organization_id,
            house.facts.id,
            "ari_changed",
            {"spans": [[None, now.date().isoformat(), now.date().isoformat()]], "what": "stock", "cause": "a sale"},
            now,
        )
        ari_changed(house.organization_id, [entry])
        with sql() as cursor:
            (asked,) = cursor.execute(
                "SELECT (args->>'first')::date, (args->>'last')::date FROM procrastinate_jobs"
                " WHERE task_name = 'assign_rooms' AND args->>'property_id' = %s",
                (str(house.facts.id),),
            ).fetchall()
    today = now.astimezone(ZoneInfo(time_zone)).date()
    assert asked == (today, today + ASSIGN_AHEAD)
