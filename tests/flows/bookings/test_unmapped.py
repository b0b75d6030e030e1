"""A booking of a room that nobody mapped is kept and acknowledged, and applied once the room is mapped.

Field report behind these tests: complaint C33.
"""

from __future__ import annotations

import pytest

from innsync.apps.inbox import services as inbox
from tests.flows.bookings.steps import in_step
from tests.flows.checks import check_all, check_stock
from tests.flows.mapping import mapping_of, remap
from tests.flows.stack import Stack
from tests.flows.vendors import VENDORS


@pytest.mark.parametrize("seller", VENDORS)
def test_a_booking_of_an_unmapped_room_is_kept_acknowledged_and_replayed_with_the_right_stock(
    stack: Stack, seller: str
) -> None:
    links = mapping_of(stack, seller)
    remap(stack, seller, rooms=["double"])
    stack.settle()
    reference = stack.guest_books(seller, 10, 2, room="suite", force=True)
    stack.pull(seller)
    stack.settle()
    ((message_id, state, reason, acknowledged_at, body),) = stack.rows(
        "SELECT id, state, reason, acknowledged_at, body FROM inbox_message"
    )
    assert state == "needs_attention"
    assert "not mapped" in reason
    assert acknowledged_at is not None
    assert "Müller" in bytes(body).decode() or "M\\u00fc" in bytes(body).decode()
    assert stack.bookings() == []
    assert stack.sandbox.call("GET", f"{seller}/bookings?property={stack.built.property.code}")["items"][0][
        "acknowledged"
    ]

    remap(stack, seller, links=links)
    assert inbox.replay(organization_id=stack.organization_id, message_ids=[message_id]) == 1
    stack.settle()
    check_all(stack)
    assert stack.availability(10, room="suite") == dict.fromkeys(VENDORS, 1)
    assert stack.rows("SELECT channel_ref, status FROM reservations_booking") == [(reference, "confirmed")]


@pytest.mark.parametrize("seller", VENDORS)
def test_a_cancellation_needs_no_mapping_of_the_room_it_gives_back(stack: Stack, seller: str) -> None:
    reference = stack.guest_books(seller, 10, 2, room="suite")
    in_step(stack, seller)
    remap(stack, seller, rooms=["double"])
    stack.settle()
    stack.cancel_at(seller, reference)
    stack.pull(seller)
    stack.settle()
    assert [row[1] for row in stack.bookings()] == ["cancelled"]
    check_stock(stack.organization_id)


@pytest.mark.parametrize("seller", VENDORS)
def test_an_unmapped_booking_that_was_cancelled_meanwhile_ends_cancelled_after_the_replay(
    stack: Stack, seller: str
) -> None:
    links = mapping_of(stack, seller)
    remap(stack, seller, rooms=["double"])
    reference = stack.guest_books(seller, 10, 2, room="suite", force=True)
    stack.pull(seller)
    stack.cancel_at(seller, reference)
    stack.pull(seller)
    remap(stack, seller, links=links)
    waiting = [row[0] for row in stack.rows("SELECT id FROM inbox_message WHERE state = 'needs_attention'")]
    inbox.replay(organization_id=stack.organization_id, message_ids=waiting)
    stack.settle()
    check_all(stack)
    assert [row[1] for row in stack.bookings()] == ["cancelled"]
    assert stack.rows("SELECT count(*) FROM inbox_message WHERE state = 'needs_attention'") == [(0,)]
