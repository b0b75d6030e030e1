"""A booking that was made and cancelled between two looks at the channel's queue."""

from __future__ import annotations

import pytest

from tests.flows.stack import Stack

VENDORS = ("booking_com", "expedia", "channex")


@pytest.mark.parametrize("seller", VENDORS)
def test_a_booking_cancelled_before_it_was_fetched_is_kept_as_cancelled_and_holds_nothing(
    stack: Stack, seller: str
) -> None:
    reference = stack.guest_books(seller, 25, 2)
    stack.sandbox.call("DELETE", f"{seller}/bookings/{reference}", {})
    for _ in range(3):  # one channel gives out the cancellation only after the booking was confirmed
        stack.pull(seller)
        stack.settle()
    assert stack.rows("SELECT channel, status, guest_name FROM reservations_booking") == [
        (seller, "cancelled", "Zoë Müller")
    ]
    assert stack.rows("SELECT holds_stock FROM reservations_roomstay") == [(False,)]
    assert not stack.rows("SELECT 1 FROM inbox_message WHERE state NOT IN ('applied', 'superseded')")
    assert stack.availability(25) == dict.fromkeys(VENDORS, 2)
