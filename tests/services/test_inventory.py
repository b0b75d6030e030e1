"""Rooms added, retired and out of order: every night counts what there is, and oversales are told, not hidden."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.inventory.models import OutOfOrder
from innsync.apps.inventory.services import (
    StockChange,
    change_stock,
    open_stock,
    record_stock,
)
from innsync.apps.properties.models import Room
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.services.rooms import add_rooms, put_out_of_order, release_out_of_order, retire_room
from tests.flows.checks import check_stock
from tests.races.house import House


@pytest.fixture
def house(open_house: Callable[..., House]) -> House:
    return open_house(rooms=2)


def counts(house: House, offset: int) -> tuple[int, int, int, int]:
    """(rooms, out of order, sold, oversold)"""
    with tenant(house.organization_id), sql() as cursor:
        found = cursor.execute(
            "SELECT rooms, out_of_order, sold, oversold FROM inventory_stockday WHERE day = %s",
            (house.first + timedelta(days=offset),),
        ).fetchone()
    assert found is not None
    return tuple(found)  # type: ignore[return-value]


def test_a_room_more_counts_from_today_on(house: House) -> None:
    with tenant(house.organization_id):
        add_rooms(
            organization_id=house.organization_id,
            room_type_id=house.built.room_types["double"].id,
            names=["new"],
            now=datetime.now(UTC),
        )
    assert [counts(house, offset)[0] for offset in (-30, 0, 40)] == [3, 3, 3]
    check_stock(house.organization_id)


def retire(house: House, offset: int) -> None:
    with tenant(house.organization_id):
        retire_room(
            organization_id=house.organization_id,
            room_id=Room.objects.get(name="double-0").id,
            from_day=house.first + timedelta(days=offset),
            now=datetime.now(UTC),
        )


def test_a_retired_room_counts_until_it_goes(house: House) -> None:
    retire(house, 5)
    assert [counts(house, offset)[0] for offset in (4, 5, 6)] == [2, 1, 1]
    with tenant(house.organization_id), sql() as cursor:
        cursor.execute("DELETE FROM inventory_stockday")
        open_stock(
            property_id=house.facts.id,
            room_type_id=house.built.room_types["double"].id,
            first=house.first,
            last=house.first + timedelta(days=6),
        )
    assert [counts(house, offset)[0] for offset in (4, 5, 6)] == [2, 1, 1]


def test_retiring_a_room_under_a_booking_is_told_as_an_oversale_and_no_more_is_sold(house: House) -> None:
    house.book(stay=house.stay(5, 1))
    house.book(stay=house.stay(5, 1))
    retire(house, 0)
    assert counts(house, 5) == (1, 0, 2, 1)
    check_stock(house.organization_id)
    assert house.left(5) == -1


def test_opening_nights_twice_keeps_what_they_hold(house: House) -> None:
    house.book(stay=house.stay(0, 1))
    with tenant(house.organization_id):
        open_stock(
            property_id=house.facts.id,
            room_type_id=house.built.room_types["double"].id,
            first=house.first,
            last=house.first,
        )
    assert counts(house, 0) == (2, 0, 1, 0)


def block(house: House, rooms: int, first: int = 0, last: int = 2) -> list[OutOfOrder]:
    with tenant(house.organization_id):
        return [
            put_out_of_order(
                organization_id=house.organization_id,
                room_type_id=house.built.room_types["double"].id,
                first=house.first + timedelta(days=first),
                last=house.first + timedelta(days=last),
                now=datetime.now(UTC),
            )
            for _ in range(rooms)
        ]


def test_a_room_out_of_order_is_not_sold_and_comes_back(house: House) -> None:
    (one,) = block(house, 1)
    assert [house.left(offset) for offset in (0, 2, 3)] == [1, 1, 2]
    with tenant(house.organization_id):
        release_out_of_order(organization_id=house.organization_id, out_of_order_id=one.id, now=datetime.now(UTC))
    assert [house.left(offset) for offset in (0, 2, 3)] == [2, 2, 2]
    check_stock(house.organization_id)


def test_out_of_order_under_bookings_oversells_and_heals_with_a_cancellation(house: House) -> None:
    records = [house.book(stay=house.stay(0, 2)) for _ in range(2)]
    block(house, 1)
    assert counts(house, 0) == (2, 1, 2, 1)
    with tenant(house.organization_id):
        reservations.cancel(house=house.facts, booking_id=records[0].id, now=datetime.now(UTC), actor="test")
    assert counts(house, 0) == (2, 1, 1, 0)
    check_stock(house.organization_id)


def test_a_fact_on_a_night_nobody_knew_of_makes_the_night_known(house: House) -> None:
    far = house.stay(400, 2)
    change = StockChange()
    change.sell(house.built.room_types["double"].id, far)
    with tenant(house.organization_id):
        record_stock(property_id=house.facts.id, change=change)
    assert counts(house, 400) == (2, 0, 1, 0)


def test_giving_back_on_an_oversold_night_shrinks_the_oversale_and_sells_nothing(house: House) -> None:
    change = StockChange()
    change.sell(house.built.room_types["double"].id, house.stay(0, 1), 4)
    with tenant(house.organization_id):
        record_stock(property_id=house.facts.id, change=change)
    assert counts(house, 0) == (2, 0, 4, 2)
    back = StockChange()
    back.free(house.built.room_types["double"].id, house.stay(0, 1))
    with tenant(house.organization_id):
        change_stock(property_id=house.facts.id, change=back)
    assert counts(house, 0) == (2, 0, 3, 1)
    with pytest.raises(reservations_sold_out()):
        house.book(stay=house.stay(0, 1))


def reservations_sold_out() -> type[Exception]:
    from innsync.apps.inventory.services import SoldOut

    return SoldOut
