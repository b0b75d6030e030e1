"""What the desk did about a booking stands against the channel's next message, until the channel sells something else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import conflicts
from innsync.apps.reservations import services as reservations
from innsync.domain.booking_state import BookingAction
from tests.flows.bookings.steps import day, in_step
from tests.flows.checks import check_all
from tests.flows.stack import Stack, small_hotel

VENDORS = ("booking_com", "expedia", "channex")


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """One room of each of three types on every channel."""
    types = ("double", "suite", "studio")
    made = make_stack(plan=small_hotel(f"house-{uuid4().hex[:8]}", rooms=1, types=types), days=40)
    made.settle()
    return made


class Held(NamedTuple):
    """A booking as it is known here: its room type is the one it is held in."""

    status: str
    room: str
    check_in: date
    check_out: date
    holds: bool
    requests: str


def held(stack: Stack, reference: str) -> Held:
    (row,) = stack.rows(
        "SELECT b.status, t.code, s.check_in, s.check_out, s.holds_stock, b.special_requests"
        " FROM reservations_booking b JOIN reservations_roomstay s ON s.booking_id = b.id"
        " JOIN properties_roomtype t ON t.id = s.room_type_id WHERE %s IN (b.channel_ref, b.former_refs[1])",
        reference,
    )
    return Held(*row)


def oversold(stack: Stack, seller: str) -> str:
    """A channel's booking of the double that was sold already."""
    stack.book(10, 3)
    stack.settle()
    reference = stack.guest_books(seller, 10, 2, force=True)
    in_step(stack, seller)
    assert open_conflicts(stack) == ["double"]
    return reference


def open_conflicts(stack: Stack) -> list[str]:
    codes = {one.id: code for code, one in stack.built.room_types.items()}
    return [codes[one.room_type_id] for one in stack.open_conflicts()]


def tell(stack: Stack, seller: str, reference: str, **changes: Any) -> Held:
    """The guest changes something there, and the channel tells us."""
    stack.change(seller, reference, **changes)
    in_step(stack, seller)
    return held(stack, reference)


def ids(stack: Stack, reference: str) -> dict[str, Any]:
    ((booking_id, room_stay_id),) = stack.rows(
        "SELECT b.id, s.id FROM reservations_booking b JOIN reservations_roomstay s ON s.booking_id = b.id"
        " WHERE b.channel_ref = %s",
        reference,
    )
    return {"booking_id": booking_id, "room_stay_id": room_stay_id}


def at_the_desk(stack: Stack, do: Callable[..., Any], **how: Any) -> None:
    with tenant(stack.organization_id):
        do(organization_id=stack.organization_id, now=datetime.now(UTC), actor="desk", **how)
    stack.settle()
    check_all(stack)


def move(stack: Stack, reference: str, room: str = "suite") -> None:
    (conflict,) = stack.open_conflicts()
    room_stay_id = ids(stack, reference)["room_stay_id"]
    room_type_id = stack.built.room_types[room].id
    about = {"conflict_id": conflict.id, "room_stay_id": room_stay_id, "room_type_id": room_type_id}
    at_the_desk(stack, conflicts.resolve_by_moving, **about)
    assert held(stack, reference).room == room
    assert open_conflicts(stack) == []


def walk(stack: Stack, reference: str) -> None:
    (conflict,) = stack.open_conflicts()
    booking_id = ids(stack, reference)["booking_id"]
    at_the_desk(stack, conflicts.resolve_by_walking, conflict_id=conflict.id, booking_id=booking_id)
    assert held(stack, reference)[0::4] == ("cancelled", False)
    assert open_conflicts(stack) == []


def mark_no_show(stack: Stack, reference: str) -> None:
    booking_id = ids(stack, reference)["booking_id"]
    at_the_desk(stack, reservations.change_state, booking_id=booking_id, action=BookingAction.MARK_NO_SHOW)


# --- moved to another type


@pytest.mark.parametrize("seller", VENDORS)
def test_a_guest_who_was_moved_stays_there_whatever_else_the_channel_changes(stack: Stack, seller: str) -> None:
    reference = oversold(stack, seller)
    move(stack, reference)
    asked = tell(stack, seller, reference, special_requests="A cot, please")
    assert (asked.room, asked.status) == ("suite", "confirmed")
    assert "A cot, please" in asked.requests
    longer = tell(stack, seller, reference, check_out=day(stack, 13))
    assert (longer.room, longer.check_out) == ("suite", stack.today + timedelta(days=13))
    assert stack.availability(12, room="suite") == dict.fromkeys(VENDORS, 0)
    assert open_conflicts(stack) == []


@pytest.mark.parametrize("seller", VENDORS)
def test_a_channel_that_sells_another_room_is_followed(stack: Stack, seller: str) -> None:
    reference = oversold(stack, seller)
    move(stack, reference)
    assert tell(stack, seller, reference, room="studio").room == "studio"
    assert stack.availability(10, room="suite") == dict.fromkeys(VENDORS, 1)
    assert tell(stack, seller, reference, room="double").room == "double"
    assert open_conflicts(stack) == ["double"]


def test_a_channel_that_sells_the_room_moved_to_is_followed_from_there_too(stack: Stack) -> None:
    reference = oversold(stack, "channex")
    move(stack, reference)
    assert tell(stack, "channex", reference, room="suite").room == "suite"
    assert tell(stack, "channex", reference, room="double").room == "double"
    assert open_conflicts(stack) == ["double"]


def test_a_moved_guest_whose_new_dates_find_no_room_there_is_a_conflict_there(stack: Stack) -> None:
    reference = oversold(stack, "channex")
    move(stack, reference)
    stack.book(12, room="suite")
    stack.settle()
    assert tell(stack, "channex", reference, check_out=day(stack, 13)).room == "suite"
    assert open_conflicts(stack) == ["suite"]


def test_a_guest_moved_twice_and_back_is_where_the_channel_sold(stack: Stack) -> None:
    reference = stack.guest_books("channex", 10, 2)
    in_step(stack, "channex")
    for room in ("suite", "studio", "double"):
        room_type_id = stack.built.room_types[room].id
        at_the_desk(stack, reservations.move_room_stay, room_type_id=room_type_id, **ids(stack, reference))
        assert tell(stack, "channex", reference, special_requests=f"Of the {room}").room == room
    assert stack.rows("SELECT sold_room_type_id FROM reservations_roomstay") == [(None,)]


# --- lodged elsewhere


@pytest.mark.parametrize("seller", VENDORS)
def test_a_guest_lodged_elsewhere_stays_there_while_the_channels_stay_is_the_same(stack: Stack, seller: str) -> None:
    reference = oversold(stack, seller)
    walk(stack, reference)
    found = tell(stack, seller, reference, special_requests="A cot, please")
    assert (found.status, found.holds) == ("cancelled", False)
    assert "A cot, please" in found.requests
    assert open_conflicts(stack) == []


@pytest.mark.parametrize("change", ["dates", "room"])
@pytest.mark.parametrize("seller", VENDORS)
def test_a_channel_that_sells_a_guest_lodged_elsewhere_something_else_sells_anew(
    stack: Stack, seller: str, change: str
) -> None:
    reference = oversold(stack, seller)
    walk(stack, reference)
    changes = {"check_out": day(stack, 13)} if change == "dates" else {"room": "suite"}
    found = tell(stack, seller, reference, **changes)
    assert (found.status, found.holds) == ("confirmed", True)
    assert open_conflicts(stack) == (["double"] if change == "dates" else [])
    ended = stack.rows(
        "SELECT cancelled_at, cancellation_fee_minor FROM reservations_booking WHERE channel_ref = %s", reference
    )
    assert ended == [(None, None)]


@pytest.mark.parametrize("seller", VENDORS)
def test_a_channel_cancels_what_was_lodged_elsewhere(stack: Stack, seller: str) -> None:
    reference = oversold(stack, seller)
    walk(stack, reference)
    stack.cancel_at(seller, reference)
    in_step(stack, seller)
    assert held(stack, reference)[0::4] == ("cancelled", False)


@pytest.mark.parametrize("new_first", [False, True], ids=["cancellation first", "new booking first"])
def test_expedias_cancel_and_rebook_of_a_guest_lodged_elsewhere_is_a_sale_in_any_order(
    stack: Stack, new_first: bool
) -> None:
    reference = oversold(stack, "expedia")
    walk(stack, reference)
    found = tell(stack, "expedia", reference, special_requests="Late", rebook=True, new_first=new_first)
    assert (found.status, found.holds) == ("confirmed", True)
    assert open_conflicts(stack) == ["double"]


# --- never came


@pytest.mark.parametrize("seller", VENDORS)
def test_a_no_show_stays_one_while_the_channels_stay_is_the_same(stack: Stack, seller: str) -> None:
    reference = stack.guest_books(seller, 10, 2)
    in_step(stack, seller)
    mark_no_show(stack, reference)
    found = tell(stack, seller, reference, special_requests="Where was I?")
    assert (found.status, found.holds) == ("no_show", True)
    assert "Where was I?" in found.requests


@pytest.mark.parametrize("changes", [{"check_out": 13}, {"room": "suite"}], ids=["dates", "room"])
@pytest.mark.parametrize("seller", VENDORS)
def test_a_channel_that_sells_a_no_show_something_else_expects_the_guest_again(
    stack: Stack, seller: str, changes: dict[str, Any]
) -> None:
    reference = stack.guest_books(seller, 10, 2)
    in_step(stack, seller)
    mark_no_show(stack, reference)
    told = {name: day(stack, value) if isinstance(value, int) else value for name, value in changes.items()}
    found = tell(stack, seller, reference, **told)
    assert (found.status, found.holds) == ("confirmed", True)


def test_a_channels_cancellation_ends_a_no_show(stack: Stack) -> None:
    reference = stack.guest_books("channex", 10, 2)
    in_step(stack, "channex")
    mark_no_show(stack, reference)
    stack.cancel_at("channex", reference)
    in_step(stack, "channex")
    assert held(stack, reference)[0::4] == ("cancelled", False)
