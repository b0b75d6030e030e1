"""A booking's messages come in any order, twice, by the dozen, or spoilt: the booking ends alike, and stops no other.

Field reports behind these tests: complaints C23, C30.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution.access import open_session
from innsync.apps.inbox import services as inbox
from innsync.integrations.ports import AckItem
from tests.flows.bookings.steps import day, in_step
from tests.flows.checks import check_all, check_stock
from tests.flows.incoming import captured
from tests.flows.stack import Stack
from tests.flows.vendors import VENDORS

ORDERS = [*permutations(range(3)), (2, 0, 1, 2, 0, 1), (2, 2, 1, 0, 0), (0, 1, 0, 2, 1, 2)]


def take_out(stack: Stack, seller: str) -> Any:
    """The one message in the channel's queue, acknowledged so that the next one is another."""
    (message,) = captured(stack, seller)
    adapter, session = open_session(stack.link(seller).account)
    item = AckItem(
        message.message_id, message.property_ref, message.booking_ref, "ABC", message.acknowledge, datetime.now(UTC)
    )
    (result,) = adapter.implementation.acknowledge(session, [item])
    assert result.accepted, result
    return message


def life(stack: Stack, seller: str, *, ends: str) -> list[Any]:
    """Three messages about one booking: made, changed, and cancelled or changed again."""
    reference = stack.guest_books(seller, 10, 3, force=True)
    messages = [take_out(stack, seller)]
    stack.change(seller, reference, check_out=day(stack, 14), room="suite")
    messages.append(take_out(stack, seller))
    if ends == "cancelled":
        stack.cancel_at(seller, reference)
    else:
        stack.change(seller, reference, check_out=day(stack, 12), room="double")
    return [*messages, take_out(stack, seller)]


def deliver(stack: Stack, seller: str, *messages: Any) -> None:
    account = stack.link(seller).account
    inbox.receive(organization_id=stack.organization_id, account=account, messages=messages, now=datetime.now(UTC))
    inbox.apply_pending(organization_id=stack.organization_id, account_id=account.id)
    stack.settle()


def end_of(stack: Stack, reference: str) -> Any:
    """All that a person would look at: the booking, its rooms, and which messages are known to be about it."""
    booking = stack.rows(
        "SELECT b.status, b.check_in, b.check_out, b.total_minor, b.guest_name, b.channel_order,"
        " s.room_type_id, s.check_in, s.check_out, s.holds_stock, s.total_minor"
        " FROM reservations_booking b JOIN reservations_roomstay s ON s.booking_id = b.id WHERE b.channel_ref = %s",
        reference,
    )
    messages = stack.rows(
        "SELECT count(*), bool_and(booking_id IS NOT NULL), bool_and(state IN ('applied', 'superseded'))"
        " FROM inbox_message WHERE booking_ref = %s",
        reference,
    )
    return [tuple(row) for row in booking], messages[0]


# --- C23: any order, any number of times, one end


@pytest.mark.parametrize("ends", ["cancelled", "changed"])
@pytest.mark.parametrize("seller", VENDORS)
def test_a_bookings_messages_end_alike_in_every_order_and_with_duplicates(stack: Stack, seller: str, ends: str) -> None:
    found = {}
    for order in ORDERS:
        messages = life(stack, seller, ends=ends)
        for index in order:
            deliver(stack, seller, messages[index])
            check_stock(stack.organization_id)
        booking, told = end_of(stack, messages[0].booking_ref)
        found[order] = ([(*row[:5], *row[6:]) for row in booking], told)
    first = found[ORDERS[0]]
    assert len(first[0]) == 1
    assert first[0][0][0] == ("cancelled" if ends == "cancelled" else "confirmed")
    assert first[1] == (3, True, True)
    assert {order: end for order, end in found.items() if end != first} == {}


@pytest.mark.parametrize("seller", VENDORS)
def test_messages_that_come_together_in_any_order_end_alike(stack: Stack, seller: str) -> None:
    found = {}
    for order in permutations(range(3)):
        messages = life(stack, seller, ends="cancelled")
        deliver(stack, seller, *(messages[index] for index in order))
        found[order] = end_of(stack, messages[0].booking_ref)[0][0][0]
    assert set(found.values()) == {"cancelled"}
    check_stock(stack.organization_id)


@pytest.mark.parametrize("seller", VENDORS)
def test_two_bookings_announced_under_one_name_are_two(stack: Stack, seller: str) -> None:
    """What was announced and what is inside can differ: a booking's number goes by what is inside."""
    references, messages = [], []
    for offset in (10, 12):
        references.append(stack.guest_books(seller, offset, 1, force=True))
        messages.append(take_out(stack, seller))
    deliver(stack, seller, *(replace(message, booking_ref=references[0]) for message in messages))
    codes = stack.rows("SELECT code FROM reservations_booking WHERE channel_ref = ANY(%s)", references)
    assert len({code for (code,) in codes}) == 2


# --- C30: Expedia gives a changed booking a new id


@pytest.mark.parametrize("new_first", [False, True], ids=["cancellation first", "new booking first"])
@pytest.mark.parametrize("together", [False, True], ids=["one after the other", "together"])
def test_expedias_cancel_and_rebook_is_one_reservation_with_both_ids(
    stack: Stack, new_first: bool, together: bool
) -> None:
    former = stack.guest_books("expedia", 10, 2)
    in_step(stack, "expedia")
    longer = (stack.today + timedelta(days=14)).isoformat()
    stack.change("expedia", former, check_out=longer, rebook=True, new_first=new_first)
    if not together:
        messages = sorted(captured(stack, "expedia"), key=lambda one: (one.booking_ref == former) == new_first)
        assert len(messages) == 2
        for message in messages:
            deliver(stack, "expedia", message)
    in_step(stack, "expedia")
    rows = stack.rows("SELECT status, channel_ref, former_refs, check_out FROM reservations_booking")
    assert len(rows) == 1
    status, channel_ref, former_refs, check_out = rows[0]
    assert (status, former_refs, check_out) == ("confirmed", [former], stack.today + timedelta(days=14))
    assert channel_ref != former
    assert stack.open_conflicts() == []


# --- one message must not stop the others


def test_a_long_queue_holds_its_rooms_for_a_few_bookings_at_a_time(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the first booking's closings would leave when the last is applied, and a guest would wait as long."""
    transactions: list[int] = []
    apply = inbox._apply

    def noting(*arguments: Any) -> int:
        with sql() as cursor:
            transactions.extend(cursor.execute("SELECT pg_current_xact_id()::text::bigint").fetchone())
        return apply(*arguments)

    monkeypatch.setattr(inbox, "_apply", noting)
    monkeypatch.setattr(inbox, "BATCH", 3)
    for _ in range(7):
        stack.guest_books("channex", 10, 2, force=True)
    deliver(stack, "channex", *captured(stack, "channex"))
    assert sorted(Counter(transactions).values()) == [1, 3, 3]
    assert len(stack.bookings()) == 7
    check_all(stack)


@pytest.mark.parametrize("poison", ["Zo\x00e Null", "N" * 5000], ids=["a zero byte", "a very long name"])
def test_a_booking_that_the_database_can_not_take_as_it_is_stops_no_other(stack: Stack, poison: str) -> None:
    stack.guest_books("channex", 10, 2, guest={"name": poison, "email": "zoe@guest.example"})
    stack.guest_books("channex", 20, 2)
    stack.pull("channex")
    stack.settle()
    check_stock(stack.organization_id)
    assert stack.rows("SELECT count(*) FROM inbox_message WHERE state = 'received'") == [(0,)]
    assert (stack.today + timedelta(days=20)) in [row[2] for row in stack.bookings()]


def test_nights_that_a_channel_took_back_are_told_anew_though_only_a_message_overtaken_named_them(stack: Stack) -> None:
    """Booking.com counts a room up when a guest leaves a night, whatever it was told last (C12)."""
    for _ in range(2):
        stack.book(10, 3)
    stack.settle()
    reference = stack.guest_books("booking_com", 10, 3, force=True)
    made = take_out(stack, "booking_com")
    stack.change("booking_com", reference, check_in=day(stack, 20), check_out=day(stack, 22))
    moved = take_out(stack, "booking_com")
    assert stack.sold_at("booking_com", 11)["available"] == 1, "else this shows nothing"
    deliver(stack, "booking_com", moved)
    deliver(stack, "booking_com", made)
    assert stack.sold_at("booking_com", 11)["available"] == 0
    in_step(stack, "booking_com")
