"""Rooms that another system withholds: counted apart, never an oversale, taken back and put back as they were."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.inventory import withholding
from innsync.apps.inventory.counts import left_of, list_counts
from innsync.apps.inventory.models import Withholding
from innsync.apps.inventory.services import SoldOut
from innsync.apps.inventory.withholding import NothingToPutBack, Offered, UnknownWithholding
from innsync.apps.reservations.services.rooms import put_out_of_order
from tests.flows.checks import check_stock
from tests.races.house import House, at_once


@pytest.fixture
def house(open_house: Callable[..., House]) -> House:
    return open_house(rooms=4)


def night(house: House, offset: int) -> date:
    return house.first + timedelta(days=offset)


def offer(house: House, available: int | None, *offsets: int) -> Offered:
    with tenant(house.organization_id):
        return withholding.offer(
            organization_id=house.organization_id,
            property_id=house.facts.id,
            available={
                (house.built.room_types["double"].id, night(house, offset)): available for offset in offsets or (0,)
            },
            now=datetime.now(UTC),
            actor="api:Owner",
        )


def put_back(house: House, place: int = 0, today: date | None = None) -> int:
    """Undo the change at that place, the last one being 0."""
    with tenant(house.organization_id):
        change, _ = withholding.list_withholdings(property_id=house.facts.id)[place]
        return withholding.put_back(
            organization_id=house.organization_id,
            change_id=change.id,
            today=today or house.first,
            now=datetime.now(UTC),
            actor="Pat Person",
        )


def kept(house: House, *offsets: int) -> list[tuple[int, int, int]]:
    """(left to sell, withheld, oversold) on these nights."""
    with tenant(house.organization_id), sql() as cursor:
        rows = cursor.execute(
            f"SELECT day, {left_of()}, withheld, oversold FROM inventory_stockday WHERE room_type_id = %s",
            (house.built.room_types["double"].id,),
        ).fetchall()
    by_day = {day: tuple(values) for day, *values in rows}
    return [by_day[night(house, offset)] for offset in offsets or (0,)]  # type: ignore[misc]


def test_what_is_sold_later_comes_from_what_was_offered(house: House) -> None:
    offer(house, 2)
    house.book(stay=house.stay(0, 1))
    assert kept(house) == [(1, 2, 0)]
    house.book(stay=house.stay(0, 1))
    with pytest.raises(SoldOut):
        house.book(stay=house.stay(0, 1))
    with pytest.raises(SoldOut):
        house.hold(stay=house.stay(0, 1))
    check_stock(house.organization_id)


def test_a_room_that_goes_out_of_order_oversells_nothing_as_long_as_one_is_there(house: House) -> None:
    offer(house, 1)
    for left, oversold in ((0, 0), (-1, 0), (-2, 0), (-3, 0), (-4, 1)):
        with tenant(house.organization_id):
            put_out_of_order(
                organization_id=house.organization_id,
                room_type_id=house.built.room_types["double"].id,
                first=night(house, 0),
                last=night(house, 0),
                now=datetime.now(UTC),
            )
        assert kept(house) == [(left, 3, oversold)]
        with tenant(house.organization_id):
            (count,) = list_counts(property_id=house.facts.id, first=night(house, 0), last=night(house, 0)).values()
        assert (count.left, count.withheld_by) == (-oversold, "api:Owner")
    check_stock(house.organization_id)


def test_what_is_said_again_after_a_sale_counts_from_then_on(house: House) -> None:
    offer(house, 2)
    house.book(stay=house.stay(0, 1))
    assert offer(house, 2).changed == {(house.built.room_types["double"].id, night(house, 0)): (2, 1)}
    assert kept(house) == [(2, 1, 0)]


def test_a_change_is_undone_night_by_night(house: House) -> None:
    offer(house, 3, 0, 1, 2, 3)
    offer(house, 0, 1, 2, 3, 4)
    offer(house, 1, 3)
    assert put_back(house, 1) == 3, "one of its nights was changed since"
    assert [withheld for _, withheld, _ in kept(house, 0, 1, 2, 3, 4)] == [1, 1, 1, 3, 0]
    with tenant(house.organization_id):
        found = withholding.list_withholdings(property_id=house.facts.id)
    assert [(one.actor, one.nights, undone) for one, undone in found] == [
        ("Pat Person", 3, False),
        ("api:Owner", 1, False),
        ("api:Owner", 4, True),
        ("api:Owner", 4, False),
    ]
    with pytest.raises(NothingToPutBack):
        put_back(house, 2)


def test_nights_that_are_over_stay_as_they_were(house: House) -> None:
    offer(house, 0, 0, 1)
    assert put_back(house, today=night(house, 1)) == 1
    assert [withheld for _, withheld, _ in kept(house, 0, 1)] == [4, 0]
    with pytest.raises(NothingToPutBack):
        put_back(house, today=night(house, 2))


def test_a_person_offers_all_of_them_again(house: House) -> None:
    offer(house, 1, 0, 1, 5)
    with tenant(house.organization_id):
        for nights in (2, 0):
            assert nights == withholding.offer_all(
                organization_id=house.organization_id,
                property_id=house.facts.id,
                room_type_id=house.built.room_types["double"].id,
                first=night(house, 0),
                last=night(house, 3),
                now=datetime.now(UTC),
                actor="Pat Person",
            )
        spans = withholding.list_withheld(property_id=house.facts.id, first=night(house, 0), last=night(house, 9))
    assert [(one.first, one.last, one.rooms, one.actor) for one in spans] == [
        (night(house, 5), night(house, 5), 3, "api:Owner")
    ]


def test_another_organizations_change_is_not_there(house: House, open_house: Callable[..., House]) -> None:
    offer(house, 0)
    with tenant(house.organization_id):
        change = Withholding.objects.get()
    with tenant(open_house().organization_id), pytest.raises(UnknownWithholding):
        withholding.put_back(
            organization_id=house.organization_id,
            change_id=change.id,
            today=house.first,
            now=datetime.now(UTC),
            actor="Pat Stranger",
        )


def test_guests_a_system_and_the_desk_at_once_leave_nothing_to_sell(house: House) -> None:
    """Whoever comes first: from "none" on nothing is sold, and nobody waits for ever."""

    def block() -> None:
        with tenant(house.organization_id):
            put_out_of_order(
                organization_id=house.organization_id,
                room_type_id=house.built.room_types["double"].id,
                first=night(house, 2),
                last=night(house, 3),
                now=datetime.now(UTC),
            )

    for round_ in range(5):
        stay = house.stay(4 * round_ + 4, 2)
        offsets = (4 * round_ + 4, 4 * round_ + 5)
        ends = at_once([partial(house.book, stay=stay)] * 6 + [partial(offer, house, 0, *offsets), block])
        assert set(ends) <= {"done", "sold out"}, ends
        assert [left for left, _, _ in kept(house, *offsets)] == [0, 0]
    check_stock(house.organization_id)
