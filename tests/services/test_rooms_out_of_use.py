"""Rooms out of order, back, added and retired: what becomes of the guests who were to sleep there, and of the count."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from innsync.apps.accounts.models import Organization
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution.housekeeping import keep_house_of
from innsync.apps.inventory.models import OutOfOrder
from innsync.apps.inventory.services import StockChange, record_stock
from innsync.apps.properties.models import Property, Room
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.services.rooms import (
    RoomOccupied,
    RoomOutOfOrder,
    UnknownRoom,
    add_rooms,
    put_out_of_order,
    release_out_of_order,
    retire_room,
)
from innsync.domain.errors import DomainError, InvalidField
from tests.flows.checks import check_stock
from tests.races.house import House


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def house(open_house: Callable[..., House]) -> House:
    return open_house(rooms=2)


def day(house: House, offset: int) -> date:
    return house.first + timedelta(days=offset)


def room(house: House, name: str) -> UUID:
    with tenant(house.organization_id):
        return Room.objects.get(name=name).id


def block(house: House, name: str | None, first: int, last: int, when: datetime | None = None) -> OutOfOrder:
    with tenant(house.organization_id):
        return put_out_of_order(
            organization_id=house.organization_id,
            room_type_id=house.built.room_types["double"].id,
            room_id=room(house, name) if name else None,
            first=day(house, first),
            last=day(house, last),
            now=when or now(),
            reason="painting",
        )


def assign(house: House, first: int = 0, last: int = 20) -> None:
    with tenant(house.organization_id):
        reservations.assign_rooms(
            organization_id=house.organization_id,
            property_id=house.facts.id,
            first=day(house, first),
            last=day(house, last),
            now=now(),
        )


def room_of(house: House, booking_id: UUID) -> str | None:
    with tenant(house.organization_id), sql() as cursor:
        row = cursor.execute(
            "SELECT r.name FROM reservations_roomstay s LEFT JOIN properties_room r ON r.id = s.room_id"
            " WHERE s.booking_id = %s",
            (booking_id,),
        ).fetchone()
    return row[0] if row else None


def arrive(house: House, booking_id: UUID) -> None:
    with tenant(house.organization_id), sql() as cursor:
        cursor.execute("UPDATE reservations_booking SET status = 'checked_in' WHERE id = %s", (booking_id,))


def outbox(house: House) -> list[tuple[Any, ...]]:
    """(topic, cause) of what follows, the latest last."""
    with sql() as cursor:
        return cursor.execute(
            "SELECT topic, payload ->> 'cause' FROM events_outbox WHERE organization_id = %s ORDER BY id",
            (house.organization_id,),
        ).fetchall()


# --- out of order


def test_a_guest_who_was_to_have_the_room_gets_another(house: House) -> None:
    booked = house.book(stay=house.stay(2, 2)).id
    assign(house)
    had = room_of(house, booked)
    assert had
    block(house, had, 0, 5)
    assert room_of(house, booked) is None
    assert outbox(house)[-2:] == [("ari_changed", "room out of order"), ("assign_rooms", None)]
    assign(house)
    assert room_of(house, booked) not in (None, had)
    assert house.left(2) == 0
    check_stock(house.organization_id)


def test_without_another_room_the_nights_are_oversold_and_nobody_sleeps_in_the_room(house: House) -> None:
    booked = [house.book(stay=house.stay(2, 2)).id for _ in range(2)]
    assign(house)
    block(house, "double-0", 3, 3)
    assign(house)
    assert sorted(str(room_of(house, one)) for one in booked) == ["None", "double-1"]
    assert (house.left(2), house.left(3)) == (0, -1)
    check_stock(house.organization_id)


def test_a_guest_in_the_room_is_not_put_out_of_it(house: House) -> None:
    booked = house.book(stay=house.stay(0, 4))
    assign(house)
    had = room_of(house, booked.id)
    arrive(house, booked.id)
    with pytest.raises(RoomOccupied) as refused:
        block(house, had, 1, 5)
    assert (refused.value.room, refused.value.booking) == (had, booked.code)
    assert refused.value.check_out == day(house, 4)
    assert room_of(house, booked.id) == had
    assert house.left(1) == 1
    check_stock(house.organization_id)
    assert block(house, had, 4, 5).first == day(house, 4), "it is free from the day of departure"


def test_by_the_calendar_a_guest_is_in_house_although_nobody_recorded_the_arrival(house: House) -> None:
    booked = house.book(stay=house.stay(0, 4))
    assign(house)
    with pytest.raises(RoomOccupied):
        block(house, room_of(house, booked.id), 2, 5, when=now() + timedelta(days=32))


def test_a_room_is_out_of_order_once_a_night(house: House) -> None:
    block(house, "double-0", 2, 5)
    with pytest.raises(RoomOutOfOrder):
        block(house, "double-0", 5, 8)
    block(house, "double-0", 6, 8)
    block(house, "double-1", 5, 5)
    check_stock(house.organization_id)


def test_a_block_that_begins_after_the_nights_assigned_now_is_kept_free_by_a_long_stay(house: House) -> None:
    block(house, "double-0", 10, 12)
    block(house, "double-1", 30, 31)
    booked = house.book(stay=house.stay(0, 12)).id
    assign(house, 0, 3)
    assert room_of(house, booked) == "double-1"


def test_back_in_order_it_is_sold_again_and_only_once(house: House) -> None:
    one, _ = block(house, "double-0", 0, 2), block(house, "double-1", 0, 2)
    with tenant(house.organization_id):
        release_out_of_order(organization_id=house.organization_id, out_of_order_id=one.id, now=now())
    with pytest.raises(UnknownRoom), tenant(house.organization_id):
        release_out_of_order(organization_id=house.organization_id, out_of_order_id=one.id, now=now())
    assert house.left(1) == 1
    assert outbox(house)[-1] == ("ari_changed", "room back in order")
    check_stock(house.organization_id)


@pytest.mark.parametrize(("first", "last", "field"), [(-31, 2, "/first"), (3, 2, "/last")])
def test_nights_that_are_over_or_reversed_are_refused(house: House, first: int, last: int, field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        block(house, "double-0", first, last)
    assert refused.value.field == field


def test_nights_that_come_within_reach_later_know_of_the_block(house: House) -> None:
    with tenant(house.organization_id):
        Property.objects.filter(id=house.facts.id).update(sellable_days=100)
    block(house, "double-0", 40, 60)
    keep_house_of(house.organization_id, now())
    assert house.left(55) == 1
    check_stock(house.organization_id)


def test_a_sale_beyond_the_horizon_leaves_no_night_before_it_unknown(house: House) -> None:
    with tenant(house.organization_id):
        Property.objects.filter(id=house.facts.id).update(sellable_days=100)
        change = StockChange()
        change.sell(house.built.room_types["double"].id, house.stay(75, 1))
        record_stock(property_id=house.facts.id, change=change)
    keep_house_of(house.organization_id, now())
    assert house.left(68) == 2
    keep_house_of(house.organization_id, now() + timedelta(days=8))
    assert [house.left(offset) for offset in (74, 75, 76)] == [2, 1, 2]


# --- added and retired


def test_a_name_that_is_used_is_refused_before_anything_is_made(house: House) -> None:
    for names in (["new", "double-1"], ["new", "new"]):
        with pytest.raises(InvalidField) as refused, tenant(house.organization_id):
            add_rooms(
                organization_id=house.organization_id,
                room_type_id=house.built.room_types["double"].id,
                names=names,
                now=now(),
            )
        assert refused.value.field == "/names/1"
    assert house.left() == 2


def retire(house: House, name: str, offset: int) -> None:
    with tenant(house.organization_id):
        retire_room(
            organization_id=house.organization_id, room_id=room(house, name), from_day=day(house, offset), now=now()
        )


def test_a_room_that_retires_is_given_to_nobody_beyond_and_still_to_those_before(house: House) -> None:
    with tenant(house.organization_id):
        Room.objects.filter(name="double-1").delete()
    before, over = house.book(stay=house.stay(0, 3)).id, house.book(stay=house.stay(3, 4)).id
    assign(house)
    assert room_of(house, over) == "double-0"
    retire(house, "double-0", 5)
    assert (room_of(house, before), room_of(house, over)) == ("double-0", None)
    for last in (3, 20):
        assign(house, 0, last)
        assert (room_of(house, before), room_of(house, over)) == ("double-0", None)


def test_what_a_room_is_out_of_order_for_ends_with_it(house: House) -> None:
    block(house, "double-0", 2, 8)
    block(house, "double-0", 12, 13)
    retire(house, "double-0", 5)
    assert [house.left(offset) for offset in (1, 4, 5, 8, 12, 14)] == [2, 1, 1, 1, 1, 1]
    check_stock(house.organization_id)
    with pytest.raises(InvalidField):
        block(house, "double-0", 4, 5)


def test_a_room_somebody_is_in_does_not_retire_under_them(house: House) -> None:
    booked = house.book(stay=house.stay(0, 4)).id
    assign(house)
    had = room_of(house, booked)
    assert had
    arrive(house, booked)
    with pytest.raises(RoomOccupied):
        retire(house, had, 2)
    retire(house, had, 4)
    assert room_of(house, booked) == had


def test_a_room_of_another_organization_is_not_there(house: House) -> None:
    one = block(house, None, 0, 1)
    other = Organization.objects.create(name=f"Other {uuid4().hex[:6]}").id
    theirs = room(house, "double-0")
    about: dict[str, Any] = {"organization_id": other, "now": now()}
    tries: list[Callable[[], Any]] = [
        lambda: put_out_of_order(
            room_type_id=house.built.room_types["double"].id, first=day(house, 0), last=day(house, 0), **about
        ),
        lambda: release_out_of_order(out_of_order_id=one.id, **about),
        lambda: add_rooms(room_type_id=house.built.room_types["double"].id, names=["x"], **about),
        lambda: retire_room(room_id=theirs, from_day=day(house, 1), **about),
    ]
    for attempt in tries:
        for whose in (other, house.organization_id):
            with pytest.raises(DomainError) as refused, tenant(whose):
                attempt()
            assert isinstance(refused.value, UnknownRoom)
