"""The terms of a mapping, from saving them to what a guest sees in the vendor's own calendar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution.models import RateMapping, RoomMapping
from innsync.apps.distribution.services import RateLink, RoomLink
from innsync.apps.properties.models import Property
from innsync.ops.after_restore import catch_up
from innsync.ops.sandbox_link import occupancies
from tests.flows.checks import check_connection
from tests.flows.stack import Stack, small_hotel

VENDORS = ("booking_com", "expedia", "channex")
NIGHT = 10


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    made = make_stack(plan=small_hotel("terms", rooms=5, types=("double", "suite")))
    made.settle()
    return made


def mapped(stack: Stack, vendor: str) -> tuple[list[RoomLink], list[RateLink]]:
    with tenant(stack.organization_id):
        link = stack.connections[vendor]
        rooms = [
            RoomLink(one.room_type_id, one.external_room, one.allotment, one.buffer, one.sells)
            for one in RoomMapping.objects.filter(connection=link)
        ]
        rates = [
            RateLink(one.product_id, one.external_room, one.external_rate, tuple(one.occupancies), sells=one.sells)
            for one in RateMapping.objects.filter(connection=link)
        ]
    return rooms, rates


def change(
    stack: Stack, vendor: str, *, room: dict[str, Any] | None = None, rate: dict[str, Any] | None = None
) -> None:
    """Other terms for the double, and for the double at the best available rate."""
    double, bar = stack.built.room_types["double"].id, stack.built.products["double", "bar"].id
    rooms, rates = mapped(stack, vendor)
    remap(
        stack,
        vendor,
        [replace(one, **(room or {})) if one.room_type_id == double else one for one in rooms],
        [replace(one, **(rate or {})) if one.product_id == bar else one for one in rates],
    )


def remap(stack: Stack, vendor: str, rooms: list[RoomLink], rates: list[RateLink]) -> None:
    with tenant(stack.organization_id):
        distribution.change_mapping(connection=stack.link(vendor), rooms=rooms, rates=rates, now=datetime.now(UTC))
    stack.settle()


def others(vendor: str) -> list[str]:
    return [one for one in VENDORS if one != vendor]


def available(stack: Stack, vendor: str) -> int:
    """What a guest can have there: none where the room or rate is closed, whatever count is left in it."""
    line = stack.sold_at(vendor, NIGHT)
    return 0 if line["closed"] else int(line["available"])


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_allotment_caps_one_channel_and_no_other_until_fewer_are_left(stack: Stack, vendor: str) -> None:
    change(stack, vendor, room={"allotment": 2})
    check_connection(stack, vendor)
    assert available(stack, vendor) == 2
    assert [available(stack, other) for other in others(vendor)] == [5, 5]
    for left in (2, 2, 2, 1, 0):
        stack.book(NIGHT)
        stack.settle()
        assert available(stack, vendor) == left
    check_connection(stack, vendor)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_buffer_closes_one_channel_while_the_others_sell_the_last_rooms(stack: Stack, vendor: str) -> None:
    change(stack, vendor, room={"buffer": 2})
    seen = []
    for _ in range(3):
        stack.book(NIGHT)
        stack.settle()
        seen.append((available(stack, vendor), *(available(stack, other) for other in others(vendor))))
    assert seen == [(2, 4, 4), (1, 3, 3), (0, 2, 2)]
    check_connection(stack, vendor)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_markup_is_in_the_price_that_a_guest_sees_there_and_nowhere_else(stack: Stack, vendor: str) -> None:
    change(stack, vendor, rate={"markup_percent": Decimal("12.5"), "markup_minor": 35})
    check_connection(stack, vendor)
    assert stack.sold_at(vendor, NIGHT)["amount"] == "112.85"
    assert stack.sold_at(vendor, NIGHT, rate="bb")["amount"] == "120.00"
    assert {stack.sold_at(other, NIGHT)["amount"] for other in others(vendor)} == {"100.00"}


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_room_that_is_not_to_be_sold_there_closes_there_alone_and_opens_again(stack: Stack, vendor: str) -> None:
    change(stack, vendor, room={"sells": False})
    check_connection(stack, vendor)
    assert available(stack, vendor) == 0
    assert stack.sold_at(vendor, NIGHT, room="suite")["available"] == 5
    assert [available(stack, other) for other in others(vendor)] == [5, 5]
    change(stack, vendor, room={"buffer": 1})
    assert available(stack, vendor) == 0, "another change of the mapping opens nothing"
    change(stack, vendor, room={"buffer": 0, "sells": True})
    assert available(stack, vendor) == 5


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_rate_that_is_not_to_be_sold_there_closes_there_alone_and_opens_again(stack: Stack, vendor: str) -> None:
    change(stack, vendor, rate={"sells": False})
    check_connection(stack, vendor)
    assert stack.sold_at(vendor, NIGHT)["closed"]
    assert not stack.sold_at(vendor, NIGHT, rate="bb")["closed"]
    assert [available(stack, other) for other in others(vendor)] == [5, 5]
    change(stack, vendor, rate={"markup_minor": 100})
    assert stack.sold_at(vendor, NIGHT)["closed"], "another change of the mapping opens nothing"
    change(stack, vendor, rate={"sells": True})
    assert not stack.sold_at(vendor, NIGHT)["closed"]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_room_that_is_mapped_no_more_is_closed_there_and_stays_so(stack: Stack, vendor: str) -> None:
    rooms, rates = mapped(stack, vendor)
    suite = next(one.external_room for one in rooms if one.room_type_id == stack.built.room_types["suite"].id)
    remap(
        stack,
        vendor,
        [one for one in rooms if one.external_room != suite],
        [one for one in rates if one.external_room != suite],
    )
    check_connection(stack, vendor)
    assert [stack.sold_at(vendor, offset, room="suite")["available"] for offset in (0, NIGHT, 59)] == [0, 0, 0]
    assert [stack.sold_at(other, NIGHT, room="suite")["available"] for other in others(vendor)] == [5, 5]
    before = stack.seen(vendor)
    with tenant(stack.organization_id):
        distribution.sync(connection=stack.link(vendor), now=datetime.now(UTC), cause="asked", forget=True, force=True)
    stack.settle()
    check_connection(stack, vendor)
    assert any(suite in request["body"] for request in stack.pushes(vendor, before)), "told again with all the rest"
    remap(stack, vendor, rooms, rates)
    check_connection(stack, vendor)
    assert stack.sold_at(vendor, NIGHT, room="suite")["available"] == 5


def test_a_restored_backup_closes_what_it_does_not_map_where_nothing_can_be_read_back(
    stack: Stack, database: str
) -> None:
    """Mapped no more when the backup was made, mapped and sold again afterwards, and then the backup came back."""
    vendor = "expedia"
    rooms, _ = mapped(stack, vendor)
    suite = next(one.external_room for one in rooms if one.room_type_id == stack.built.room_types["suite"].id)
    with tenant(stack.organization_id), sql() as cursor:
        for table in ("distribution_ratemapping", "distribution_roommapping"):
            cursor.execute(
                f"DELETE FROM {table} WHERE connection_id = %s AND external_room = %s",
                (stack.connections[vendor], suite),
            )
        cursor.execute("DELETE FROM distribution_schedule WHERE kind = 'audit'")
    assert catch_up(make_conninfo(database, options="-c role=innsync_app")) == 3
    stack.advance(minutes=1)
    check_connection(stack, vendor)
    assert [stack.sold_at(vendor, offset, room="suite")["available"] for offset in (0, NIGHT, 59)] == [0, 0, 0]
    assert available(stack, vendor) == 5


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_rate_that_is_mapped_no_more_is_closed_there_alone(stack: Stack, vendor: str) -> None:
    rooms, rates = mapped(stack, vendor)
    gone = stack.built.products["double", "bb"].id
    remap(stack, vendor, rooms, [one for one in rates if one.product_id != gone])
    check_connection(stack, vendor)
    assert stack.sold_at(vendor, NIGHT, rate="bb")["closed"]
    assert available(stack, vendor) == 5
    assert not any(stack.sold_at(other, NIGHT, rate="bb")["closed"] for other in others(vendor))
    remap(stack, vendor, rooms, rates)
    check_connection(stack, vendor)
    assert not stack.sold_at(vendor, NIGHT, rate="bb")["closed"]


@pytest.mark.parametrize("vendor", VENDORS)
def test_prices_are_told_in_the_currency_of_the_property_there(stack: Stack, vendor: str) -> None:
    """Listed there in US dollars, while ours is kept in euros: converted, then marked up, to the cent (C43)."""
    own = stack.built.property
    dollars = Property(code="terms-usd", name=own.name, time_zone=own.time_zone, currency="USD")
    listed = stack.sandbox.add_property(vendor, replace(stack.built, property=dollars), {})
    double = listed["rooms"]["double"]
    with tenant(stack.organization_id):
        link = distribution.connect(
            account=stack.link(vendor).account,
            prop=stack.built.property,
            external_id=listed["id"],
            rooms=[RoomLink(stack.built.room_types["double"].id, double["id"])],
            rates=[
                RateLink(
                    stack.built.products["double", "bar"].id,
                    double["id"],
                    double["rates"]["bar"],
                    tuple(occupancies(2)),
                    markup_percent=Decimal(10),
                )
            ],
            now=datetime.now(UTC),
            currency="USD",
            exchange_rate=Decimal("1.0835"),
            horizon_days=30,
        )
    stack.settle()
    night = stack.stay(NIGHT).check_in.isoformat()
    days = stack.sandbox.call("GET", f"{vendor}/calendar?property=terms-usd&from={night}&to={night}")["days"]
    assert [one["amount"] for one in days if (one["room"], one["rate"]) == ("double", "bar")] == ["119.19"]
    assert stack.rows("SELECT last_error FROM distribution_connection WHERE id = %s", link.id) == [("",)]
