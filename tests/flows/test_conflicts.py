"""A channel sold more than there is: nothing is refused, one conflict tells it, and each way out settles it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import conflicts
from innsync.apps.distribution.conflicts import NoWayOut
from innsync.apps.distribution.models import Conflict
from innsync.apps.events import services as events
from innsync.apps.inventory.models import OutOfOrder
from innsync.apps.inventory.services import SoldOut
from innsync.apps.properties.models import Room
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.services.rooms import add_rooms, put_out_of_order
from tests.flows.checks import check_all, check_stock
from tests.flows.stack import Stack, small_hotel
from tests.flows.vendors import VENDORS


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """One double and one suite on every channel."""
    made = make_stack(plan=small_hotel(f"house-{uuid4().hex[:8]}", rooms=1, types=("double", "suite")), days=40)
    made.settle()
    return made


def oversell(stack: Stack, seller: str = "channex", offset: int = 10, nights: int = 2) -> str:
    """A booking of a room that was sold already."""
    reference = stack.guest_books(seller, offset, nights, force=True)
    stack.pull(seller)
    stack.settle()
    return reference


@pytest.fixture
def conflict(stack: Stack) -> Conflict:
    stack.book(10, 2)
    stack.settle()
    oversell(stack)
    (found,) = stack.open_conflicts()
    return found


def resolve(stack: Stack, conflict: Conflict, way: Callable[..., None], **how: Any) -> None:
    """A person at the desk takes one of the ways out."""
    ids = {"organization_id": stack.organization_id, "conflict_id": conflict.id}
    with tenant(stack.organization_id):
        way(**ids, now=datetime.now(UTC), actor="desk", **how)
    stack.settle()


def move_to_a_suite(stack: Stack, conflict: Conflict, stay_id: UUID) -> None:
    suite = stack.built.room_types["suite"].id
    resolve(stack, conflict, conflicts.resolve_by_moving, room_stay_id=stay_id, room_type_id=suite)


def stays(stack: Stack, channel: str) -> list[tuple[UUID, UUID]]:
    """(booking, room stay) of a channel's bookings."""
    return stack.rows(
        "SELECT b.id, s.id FROM reservations_booking b JOIN reservations_roomstay s ON s.booking_id = b.id"
        " WHERE b.channel = %s AND s.holds_stock ORDER BY b.created_at",
        channel,
    )


def state_of(stack: Stack, conflict: Conflict) -> tuple[str, str]:
    with tenant(stack.organization_id):
        conflict.refresh_from_db()
    return conflict.state, conflict.resolution


@pytest.mark.parametrize("seller", VENDORS)
def test_an_oversale_stands_shows_zero_and_opens_one_conflict_with_its_timeline(stack: Stack, seller: str) -> None:
    stack.book(10, 2)
    stack.settle()
    reference = oversell(stack, seller)
    check_all(stack)
    assert stack.availability(10) == dict.fromkeys(VENDORS, 0)
    assert stack.rows("SELECT status FROM reservations_booking WHERE channel_ref = %s", reference) == [("confirmed",)]
    (conflict,) = stack.open_conflicts()
    assert (conflict.first, conflict.last) == (stack.today + timedelta(days=10), stack.today + timedelta(days=11))
    assert conflict.booking_id == stays(stack, seller)[0][0]
    (entry,) = conflict.timeline
    assert "oversold by 1" in entry["what"]
    assert datetime.fromisoformat(entry["at"]).tzinfo is not None
    assert stack.rows("SELECT count(*) FROM events_event WHERE type = 'booking.conflict'") == [(1,)]


def test_looking_again_opens_no_second_conflict(stack: Stack, conflict: Conflict) -> None:
    with tenant(stack.organization_id):
        events.ari_changed(
            organization_id=stack.organization_id,
            property_id=stack.built.property.id,
            ari=[(conflict.room_type_id, conflict.first, conflict.last)],
            cause="looked again",
        )
    stack.settle()
    assert [one.id for one in stack.open_conflicts()] == [conflict.id]


def test_a_direct_sale_never_makes_one(stack: Stack) -> None:
    stack.book(10, 2)
    with pytest.raises(SoldOut):
        stack.book(11)
    stack.settle()
    assert stack.open_conflicts() == []
    check_stock(stack.organization_id)


def test_moving_a_guest_to_a_free_type_settles_it(stack: Stack, conflict: Conflict) -> None:
    ((_, stay_id),) = stays(stack, "channex")
    move_to_a_suite(stack, conflict, stay_id)
    assert state_of(stack, conflict) == ("resolved", "moved to another room type")
    assert [entry["what"].split(":")[0] for entry in conflict.timeline] == [
        "oversold by 1",
        "moved to another room type",
        "settled",
    ]
    check_all(stack)
    assert stack.availability(10, room="suite") == dict.fromkeys(VENDORS, 0)


def test_a_full_type_takes_nobody_and_the_conflict_stays(stack: Stack, conflict: Conflict) -> None:
    stack.book(10, 2, room="suite")
    ((_, stay_id),) = stays(stack, "channex")
    with pytest.raises(SoldOut):
        move_to_a_suite(stack, conflict, stay_id)
    stack.settle()
    assert state_of(stack, conflict)[0] == "open"
    check_all(stack)


def test_moving_a_guest_of_other_nights_is_no_way_out(stack: Stack, conflict: Conflict) -> None:
    stack.guest_books("channex", 20, 1)
    stack.pull("channex")
    with pytest.raises(NoWayOut):
        move_to_a_suite(stack, conflict, stays(stack, "channex")[1][1])


def out_of_order(stack: Stack, first: int, last: int) -> OutOfOrder:
    with tenant(stack.organization_id):
        block = put_out_of_order(
            organization_id=stack.organization_id,
            room_type_id=stack.built.room_types["double"].id,
            first=stack.today + timedelta(days=first),
            last=stack.today + timedelta(days=last),
            now=datetime.now(UTC),
            reason="painting",
        )
    stack.settle()
    return block


def test_a_room_back_in_order_settles_it(stack: Stack) -> None:
    block = out_of_order(stack, 10, 12)
    oversell(stack)
    (conflict,) = stack.open_conflicts()
    resolve(stack, conflict, conflicts.resolve_by_release, out_of_order_id=block.id)
    assert state_of(stack, conflict) == ("resolved", "out-of-order room released")
    check_all(stack)


def test_a_block_of_other_nights_is_no_way_out(stack: Stack, conflict: Conflict) -> None:
    block = out_of_order(stack, 20, 22)
    with pytest.raises(NoWayOut):
        resolve(stack, conflict, conflicts.resolve_by_release, out_of_order_id=block.id)


def test_a_room_going_out_of_order_under_a_booking_is_a_conflict_too(stack: Stack) -> None:
    stack.book(10, 2)
    stack.settle()
    out_of_order(stack, 11, 14)
    (conflict,) = stack.open_conflicts()
    assert (conflict.first, conflict.last) == (stack.today + timedelta(days=11),) * 2
    check_all(stack)


def test_walking_the_guest_settles_it_without_a_fee(stack: Stack, conflict: Conflict) -> None:
    ((booking_id, _),) = stays(stack, "channex")
    resolve(stack, conflict, conflicts.resolve_by_walking, booking_id=booking_id)
    assert state_of(stack, conflict) == ("resolved", "guest walked")
    assert stack.rows("SELECT status, cancellation_fee_minor FROM reservations_booking WHERE id = %s", booking_id) == [
        ("cancelled", 0)
    ]
    check_all(stack)


def test_somebody_elses_guest_is_not_walked(stack: Stack, conflict: Conflict) -> None:
    other = stack.book(20)
    with pytest.raises(NoWayOut):
        resolve(stack, conflict, conflicts.resolve_by_walking, booking_id=other.id)
    assert stack.rows("SELECT status FROM reservations_booking WHERE id = %s", other.id) == [("confirmed",)]


def test_a_channel_that_was_asked_settles_it_with_its_cancellation(stack: Stack, conflict: Conflict) -> None:
    with tenant(stack.organization_id):
        conflicts.ask_channel(conflict_id=conflict.id, now=datetime.now(UTC), actor="desk")
    stack.settle()
    assert state_of(stack, conflict) == ("open", "channel asked to cancel")
    (reference,) = stack.rows("SELECT channel_ref FROM reservations_booking WHERE channel = 'channex'")[0]
    stack.cancel_at("channex", reference)
    stack.pull("channex")
    stack.settle()
    assert state_of(stack, conflict)[0] == "resolved"
    check_all(stack)


def test_it_settles_by_itself_when_a_room_becomes_free(stack: Stack, conflict: Conflict) -> None:
    ((booking_id, _),) = stays(stack, "direct")
    with tenant(stack.organization_id):
        reservations.cancel(house=stack.house(), booking_id=booking_id, now=datetime.now(UTC), actor="guest")
    stack.settle()
    assert state_of(stack, conflict) == ("resolved", "room became free")


def test_a_settled_conflict_has_no_way_out_left(stack: Stack, conflict: Conflict) -> None:
    ((booking_id, _),) = stays(stack, "channex")
    resolve(stack, conflict, conflicts.resolve_by_walking, booking_id=booking_id)
    with pytest.raises(NoWayOut):
        resolve(stack, conflict, conflicts.resolve_by_walking, booking_id=booking_id)


def test_another_room_of_the_type_settles_it(stack: Stack, conflict: Conflict) -> None:
    with tenant(stack.organization_id):
        add_rooms(
            organization_id=stack.organization_id,
            room_type_id=stack.built.room_types["double"].id,
            names=["double-new"],
            now=datetime.now(UTC),
        )
    stack.settle()
    assert state_of(stack, conflict)[0] == "resolved"
    check_all(stack)
    with tenant(stack.organization_id):
        assert Room.objects.filter(room_type=stack.built.room_types["double"]).count() == 2


def test_two_oversales_of_separate_nights_are_two_conflicts(stack: Stack) -> None:
    for offset in (10, 20):
        stack.book(offset, 1)
        stack.settle()
        oversell(stack, offset=offset, nights=1)
    assert len(stack.open_conflicts()) == 2


def told(stack: Stack) -> list[tuple[str, str, str]]:
    """(conflict, first night, last night) of every event about an oversale, in their order."""
    return stack.rows(
        "SELECT data ->> 'conflict_id', data ->> 'first', data ->> 'last' FROM events_event"
        " WHERE type = 'booking.conflict' ORDER BY id"
    )


def test_a_second_oversale_on_the_next_night_is_told_too(stack: Stack) -> None:
    for offset in (10, 11):
        stack.book(offset, 1)
        stack.settle()
        oversell(stack, offset=offset, nights=1)
    (conflict,) = stack.open_conflicts()
    first, last = (str(stack.today + timedelta(days=offset)) for offset in (10, 11))
    assert told(stack) == [(str(conflict.id), first, first), (str(conflict.id), first, last)]
    assert conflict.booking_id == stays(stack, "channex")[-1][0]
    assert [entry["what"].split(":")[0] for entry in conflict.timeline] == ["oversold by 1"] * 2


def test_two_conflicts_that_meet_become_one_that_knows_both(stack: Stack) -> None:
    for offset in (10, 12):
        stack.book(offset, 1)
        stack.settle()
        oversell(stack, offset=offset, nights=1)
    earlier, later = stack.open_conflicts()
    stack.book(11, 1)
    stack.settle()
    oversell(stack, offset=11, nights=1)
    (left,) = stack.open_conflicts()
    assert left.id == earlier.id
    assert (left.first, left.last) == (stack.today + timedelta(days=10), stack.today + timedelta(days=12))
    assert sum("oversold by 1" in entry["what"] for entry in left.timeline) == 3
    with tenant(stack.organization_id):
        later.refresh_from_db()
    assert (later.state, later.resolution) == ("resolved", "joined with the nights beside it")


def cancel_last(stack: Stack, channel: str) -> None:
    """The channel's guest who booked last cancels."""
    reference = stack.rows(
        "SELECT channel_ref FROM reservations_booking WHERE channel = %s ORDER BY created_at DESC", channel
    )[0][0]
    stack.cancel_at(channel, reference)
    stack.pull(channel)
    stack.settle()


def test_two_conflicts_that_met_and_part_again_are_the_two_that_they_were(stack: Stack) -> None:
    for offset in (10, 12):
        stack.book(offset, 1)
        stack.settle()
        oversell(stack, offset=offset, nights=1)
    earlier, later = stack.open_conflicts()
    with tenant(stack.organization_id):
        conflicts.ask_channel(conflict_id=later.id, now=datetime.now(UTC), actor="desk")
    stack.book(11, 1)
    stack.settle()
    oversell(stack, offset=11, nights=1)
    assert state_of(stack, later) == ("resolved", "channel asked to cancel")
    events_before = told(stack)
    cancel_last(stack, "channex")
    assert [(one.id, one.first, one.last) for one in stack.open_conflicts()] == [
        (one.id, stack.today + timedelta(days=offset), stack.today + timedelta(days=offset))
        for one, offset in ((earlier, 10), (later, 12))
    ]
    assert state_of(stack, later) == ("open", "channel asked to cancel")
    assert later.resolved_at is None
    assert [entry["what"].split(":")[0] for entry in later.timeline] == [
        "oversold by 1",
        "channel asked to cancel",
        "joined with the nights beside it",
        "nights changed",
    ]
    assert told(stack) == events_before


def test_nights_that_part_from_a_conflict_take_along_what_was_noted(stack: Stack) -> None:
    for offset in (10, 11, 12):
        stack.book(offset, 1)
    stack.settle()
    oversell(stack, offset=10, nights=3)
    (whole,) = stack.open_conflicts()
    events_before = told(stack)
    with tenant(stack.organization_id):
        conflicts.ask_channel(conflict_id=whole.id, now=datetime.now(UTC), actor="desk")
        middle = stack.rows(
            "SELECT booking_id FROM reservations_roomstay WHERE check_in = %s AND holds_stock AND check_out - check_in = 1",
            stack.today + timedelta(days=11),
        )[0][0]
        reservations.cancel(house=stack.house(), booking_id=middle, now=datetime.now(UTC), actor="guest")
    stack.settle()
    left, parted = stack.open_conflicts()
    assert left.id == whole.id
    assert (parted.first, parted.last) == (stack.today + timedelta(days=12),) * 2
    for one in (left, parted):
        assert (one.booking_id, one.opened_at) == (whole.booking_id, whole.opened_at)
        assert state_of(stack, one) == ("open", "channel asked to cancel")
        assert [entry["what"].split(":")[0] for entry in one.timeline] == [
            "oversold by 1",
            "channel asked to cancel",
            "nights changed",
        ]
    assert told(stack) == events_before


def test_a_conflict_that_shrinks_keeps_its_identity(stack: Stack, conflict: Conflict) -> None:
    (reference,) = stack.rows("SELECT channel_ref FROM reservations_booking WHERE channel = 'channex'")[0]
    stack.change("channex", reference, check_in=(stack.today + timedelta(days=11)).isoformat())
    stack.pull("channex")
    stack.settle()
    (left,) = stack.open_conflicts()
    assert left.id == conflict.id
    assert (left.first, left.last) == (stack.today + timedelta(days=11),) * 2
    assert left.timeline[-1]["what"].startswith("nights changed")


def test_a_long_conflict_of_one_type_opens_no_second_one_of_another(stack: Stack) -> None:
    """What is touched together is judged together, and the suites' conflict reaches over other nights of the doubles'."""
    for room, first, nights in (("suite", 8, 10), ("double", 14, 1)):
        for _ in range(2):
            stack.guest_books("channex", first, nights, room=room, force=True)
    stack.pull("channex")
    stack.settle()
    opened = {one.id for one in stack.open_conflicts()}
    assert len(opened) == 2
    day = stack.today + timedelta(days=9)
    with tenant(stack.organization_id):
        conflicts.judge(
            organization_id=stack.organization_id,
            property_id=stack.built.property.id,
            touched=[(stack.built.room_types[room].id, day, day) for room in ("suite", "double")],
            now=datetime.now(UTC),
            cause="a look",
        )
    assert {one.id for one in stack.open_conflicts()} == opened
