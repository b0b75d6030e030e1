"""Whatever becomes of a booking, every calendar holds what is wanted, that of the channel that sold it included.

Field reports behind these tests: complaints C12, C13, C14.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.services.rooms import put_out_of_order
from innsync.domain.booking_state import BookingAction
from tests.flows.bookings.steps import day, in_step
from tests.flows.checks import check_all, check_stock
from tests.flows.stack import Stack
from tests.flows.vendors import VENDORS

# --- C14: whatever happens to a booking, all calendars hold what is wanted, the seller's own included


@pytest.mark.parametrize("seller", VENDORS)
def test_a_booking_made_shortened_extended_and_moved_leaves_every_calendar_right(stack: Stack, seller: str) -> None:
    reference = stack.guest_books(seller, 10, 3)
    in_step(stack, seller)
    assert [stack.availability(offset) for offset in (10, 12, 13)] == [dict.fromkeys(VENDORS, n) for n in (1, 1, 2)]

    stack.change(seller, reference, check_out=day(stack, 11))
    in_step(stack, seller)
    assert [stack.availability(offset) for offset in (10, 11)] == [dict.fromkeys(VENDORS, n) for n in (1, 2)]

    stack.change(seller, reference, check_out=day(stack, 15))
    in_step(stack, seller)
    assert stack.availability(14) == dict.fromkeys(VENDORS, 1)

    stack.change(seller, reference, room="suite")
    in_step(stack, seller)
    assert stack.availability(12) == dict.fromkeys(VENDORS, 2)
    assert stack.availability(12, room="suite") == dict.fromkeys(VENDORS, 1)

    stack.change(seller, reference, check_in=day(stack, 20), check_out=day(stack, 22))
    in_step(stack, seller)
    assert stack.availability(12, room="suite") == dict.fromkeys(VENDORS, 2)
    assert stack.availability(20, room="suite") == dict.fromkeys(VENDORS, 1)
    assert [row[1] for row in stack.bookings()] == ["confirmed"]


@pytest.mark.parametrize("seller", VENDORS)
def test_a_cancelled_booking_gives_its_nights_back_everywhere(stack: Stack, seller: str) -> None:
    reference = stack.guest_books(seller, 10, 3)
    in_step(stack, seller)
    stack.cancel_at(seller, reference)
    in_step(stack, seller)
    assert stack.availability(11) == dict.fromkeys(VENDORS, 2)
    assert [row[:2] for row in stack.bookings()] == [(seller, "cancelled")]


@pytest.mark.parametrize("seller", VENDORS)
def test_a_reinstated_booking_takes_its_nights_again_everywhere(stack: Stack, seller: str) -> None:
    reference = stack.guest_books(seller, 10, 3)
    in_step(stack, seller)
    stack.cancel_at(seller, reference)
    in_step(stack, seller)
    booking_id = stack.rows("SELECT id FROM reservations_booking")[0][0]
    with tenant(stack.organization_id):
        reservations.change_state(
            organization_id=stack.organization_id,
            booking_id=booking_id,
            action=BookingAction.REINSTATE,
            now=datetime.now(UTC),
            actor="desk",
        )
    stack.settle()
    check_all(stack)
    assert stack.availability(11) == dict.fromkeys(VENDORS, 1)


@pytest.mark.parametrize("seller", VENDORS)
def test_a_booking_of_the_last_room_closes_it_and_its_cancellation_opens_it(stack: Stack, seller: str) -> None:
    stack.book(10, 2)
    stack.settle()
    reference = stack.guest_books(seller, 10, 2)
    in_step(stack, seller)
    assert stack.availability(10) == dict.fromkeys(VENDORS, 0)
    stack.cancel_at(seller, reference)
    in_step(stack, seller)
    assert stack.availability(10) == dict.fromkeys(VENDORS, 1)


@pytest.mark.parametrize("seller", VENDORS)
def test_a_booking_reaches_the_seller_again_although_its_own_count_moved_already(stack: Stack, seller: str) -> None:
    """The seller lowered its count by itself; wanted says the same, yet it is told, since nobody knows that it did."""
    stack.guest_books(seller, 10, 2)
    before = stack.seen(seller)
    in_step(stack, seller)
    assert stack.pushes(seller, before)


# --- C12: the channel puts a room back on sale by itself


def test_a_room_reopened_by_booking_com_is_closed_again_although_wanted_never_moved(stack: Stack) -> None:
    reference = stack.guest_books("booking_com", 10, 2)
    in_step(stack, "booking_com")
    double = stack.built.room_types["double"]
    first, last = stack.today + timedelta(days=10), stack.today + timedelta(days=11)
    with tenant(stack.organization_id):
        for _ in range(2):
            put_out_of_order(
                organization_id=stack.organization_id,
                room_type_id=double.id,
                first=first,
                last=last,
                now=datetime.now(UTC),
            )
    stack.settle()
    assert stack.availability(10) == dict.fromkeys(VENDORS, 0)

    stack.cancel_at("booking_com", reference)
    assert stack.sold_at("booking_com", 10)["available"] == 1, "the channel reopened the room by itself"
    in_step(stack, "booking_com")
    assert stack.availability(10) == dict.fromkeys(VENDORS, 0)


# --- C13: replacement and cancellation arrive together


@pytest.mark.parametrize("seller", VENDORS)
def test_a_replacement_that_comes_with_the_cancellation_is_no_conflict(stack: Stack, seller: str) -> None:
    stack.book(10, 2)
    stack.settle()
    former = stack.guest_books(seller, 10, 2)
    in_step(stack, seller)
    replacement = stack.guest_books(seller, 10, 2, force=True, guest={"name": "Bob Neu", "email": "bob@guest.example"})
    stack.cancel_at(seller, former)
    in_step(stack, seller)
    assert stack.rows("SELECT state FROM distribution_conflict") == []
    assert stack.rows(
        "SELECT channel_ref, status FROM reservations_booking WHERE channel <> 'direct' ORDER BY created_at"
    ) == [
        (former, "cancelled"),
        (replacement, "confirmed"),
    ]


@pytest.mark.parametrize("seller", VENDORS)
def test_a_conflict_of_a_replacement_that_came_first_settles_with_the_cancellation(stack: Stack, seller: str) -> None:
    stack.book(10, 2)
    stack.settle()
    former = stack.guest_books(seller, 10, 2)
    in_step(stack, seller)
    stack.guest_books(seller, 10, 2, force=True)
    in_step(stack, seller)
    assert len(stack.open_conflicts()) == 1
    stack.cancel_at(seller, former)
    in_step(stack, seller)
    assert stack.open_conflicts() == []


# --- another guest


@pytest.mark.parametrize("seller", VENDORS)
def test_a_booking_that_the_channel_hands_on_to_somebody_else_is_theirs_and_the_former_guest_stays_who_they_were(
    stack: Stack, seller: str
) -> None:
    reference = stack.guest_books(seller, 10, 2, guest={"name": "Zoë Müller", "email": "zoe@posteo.example"})
    stack.pull(seller)
    ((booking, former),) = stack.rows("SELECT id, guest_id FROM reservations_booking")
    stack.change(seller, reference, guest={"name": "Bob Neu", "email": "bob@posteo.example"})
    stack.pull(seller)
    ((same, guest_id, name),) = stack.rows("SELECT id, guest_id, guest_name FROM reservations_booking")
    assert (same, name) == (booking, "Bob Neu")
    assert guest_id != former
    known = dict(stack.rows("SELECT id, name FROM guests_guest"))
    assert (known[former], known[guest_id]) == ("Zoë Müller", "Bob Neu")
    check_stock(stack.organization_id)
