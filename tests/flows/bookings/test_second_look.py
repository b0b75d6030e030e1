"""What a channel's queue lost is found by asking for all that changed.

Field reports behind these tests: complaints C22, C31.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from innsync.apps.inbox import pulling
from tests.flows.bookings.steps import day, in_step
from tests.flows.checks import check_all
from tests.flows.stack import Stack
from tests.flows.vendors import VENDORS


@pytest.mark.parametrize("seller", VENDORS)
def test_bookings_that_the_queue_lost_are_found_by_the_second_look_and_say_so(stack: Stack, seller: str) -> None:
    told = stack.guest_books(seller, 10, 2)
    lost = stack.guest_books(seller, 20, 2, room="suite", notify=False)
    stack.pull(seller)
    stack.settle()
    assert len(stack.bookings()) == 1
    found = pulling.list_changed(organization_id=stack.organization_id, connection_id=stack.connections[seller])
    assert found == 1
    stack.settle()
    check_all(stack)
    assert stack.rows("SELECT channel_ref, found_by FROM reservations_booking ORDER BY created_at") == [
        (told, ""),
        (lost, "audit"),
    ]
    assert pulling.list_changed(organization_id=stack.organization_id, connection_id=stack.connections[seller]) == 0


@pytest.mark.parametrize("seller", VENDORS)
def test_a_change_and_a_cancellation_that_the_queue_lost_are_found_too(stack: Stack, seller: str) -> None:
    moved = stack.guest_books(seller, 10, 2)
    gone = stack.guest_books(seller, 20, 2)
    in_step(stack, seller)
    stack.change(seller, moved, check_out=day(stack, 13), notify=False)
    stack.cancel_at(seller, gone, notify=False)
    pulling.list_changed(organization_id=stack.organization_id, connection_id=stack.connections[seller])
    stack.settle()
    check_all(stack)
    assert stack.rows(
        "SELECT channel_ref, status, check_out FROM reservations_booking ORDER BY channel_ref = %s", gone
    ) == [
        (moved, "confirmed", stack.today + timedelta(days=13)),
        (gone, "cancelled", stack.today + timedelta(days=22)),
    ]


@pytest.mark.parametrize("seller", VENDORS)
def test_a_booking_found_by_the_second_look_first_is_still_acknowledged_when_the_queue_brings_it(
    stack: Stack, seller: str
) -> None:
    stack.guest_books(seller, 10, 2)
    pulling.list_changed(organization_id=stack.organization_id, connection_id=stack.connections[seller])
    stack.pull(seller)
    stack.settle()
    check_all(stack)
    assert len(stack.bookings()) == 1
    (item,) = stack.sandbox.call("GET", f"{seller}/bookings?property={stack.built.property.code}")["items"]
    assert item["acknowledged"]
