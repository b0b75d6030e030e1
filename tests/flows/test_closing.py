"""What is sold in one place is closed everywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import marks
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution.models import Connection
from innsync.apps.properties.models import Property
from tests.flows.checks import check_all
from tests.flows.stack import Stack

VENDORS = ("booking_com", "expedia", "channex")


def test_a_first_full_load_shows_our_stock_and_prices_everywhere(stack: Stack) -> None:
    for vendor in VENDORS:
        line = stack.sold_at(vendor, 10)
        assert (line["available"], line["closed"], line["amount"]) == (2, False, "100.00"), vendor


def test_a_direct_booking_takes_a_room_off_every_channel(stack: Stack) -> None:
    stack.book(10, 3)
    stack.settle()
    assert [stack.availability(offset) for offset in (9, 10, 12, 13)] == [
        dict.fromkeys(VENDORS, rooms) for rooms in (2, 1, 1, 2)
    ]


@pytest.mark.parametrize("seller", VENDORS)
def test_a_channels_booking_is_kept_and_takes_a_room_off_all_channels(stack: Stack, seller: str) -> None:
    stack.guest_books(seller, 20, 2)
    stack.pull(seller)
    stack.settle()
    assert stack.availability(20) == dict.fromkeys(VENDORS, 1)
    assert stack.rows("SELECT channel, status, guest_name FROM reservations_booking") == [
        (seller, "confirmed", "Zoë Müller")
    ]


def test_a_minimum_stay_through_reaches_expedias_earlier_arrivals_and_leaves_them_again(stack: Stack) -> None:
    """Expedia counts minimum stays from arrival: whoever arrives shortly before the night must stay as long."""
    stack.set_rates(("double", "bar", 10, 10, {"min_stay_through": 4}))
    stack.settle()
    assert [stack.sold_at("expedia", offset)["min_stay"] for offset in (7, 8, 9, 10, 11)] == [1, 4, 4, 4, 1]
    stack.set_rates(("double", "bar", 8, 8, {"price": 12_000}))
    stack.settle()
    assert [stack.sold_at("expedia", offset)["min_stay"] for offset in (7, 8, 9, 10, 11)] == [1, 4, 4, 4, 1]
    stack.set_rates(("double", "bar", 10, 10, {"min_stay_through": 1}))
    stack.settle()
    assert {stack.sold_at("expedia", offset)["min_stay"] for offset in range(6, 12)} == {1}


def test_no_channel_sells_a_night_beyond_the_propertys_own_horizon_and_each_day_brings_one_more(stack: Stack) -> None:
    with tenant(stack.organization_id):
        Property.objects.filter(id=stack.built.property.id).update(sellable_days=20)
        for connection_id in stack.connections.values():
            link = Connection.objects.get(id=connection_id)
            distribution.sync(connection=link, now=datetime.now(UTC), cause="test")
    stack.settle()
    check_all(stack)
    assert [stack.availability(offset) for offset in (19, 20, 59)] == [
        dict.fromkeys(VENDORS, rooms) for rooms in (2, 0, 0)
    ]
    later = datetime.now(UTC) + timedelta(days=3)
    for connection_id in stack.connections.values():
        distribution.roll(organization_id=stack.organization_id, connection_id=connection_id, now=later)
        with tenant(stack.organization_id):
            marked = {
                stack.today + timedelta(days=offset)
                for mark in marks.read(connection_id)
                for offset in range(100)
                if mark.first <= stack.today + timedelta(days=offset) <= mark.last
            }
        assert marked == {stack.today + timedelta(days=offset) for offset in (20, 21, 22, 60, 61, 62)}
