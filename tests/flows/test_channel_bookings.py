"""A booking's whole life at each channel: kept, counted, and told to every channel, the one that sold it included.

Field reports behind these tests: complaints C12, C13, C14, C22, C23, C30, C31, C33.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution import tasks
from innsync.apps.distribution.access import open_session
from innsync.apps.distribution.models import RateMapping, RoomMapping
from innsync.apps.distribution.services import RateLink, RoomLink
from innsync.apps.distribution.vault import unseal
from innsync.apps.events import services as events
from innsync.apps.inbox import pulling
from innsync.apps.inbox import services as inbox
from innsync.apps.inventory.models import OutOfOrder
from innsync.apps.inventory.services import change_out_of_order
from innsync.apps.reservations import services as reservations
from innsync.domain.booking_state import BookingAction
from innsync.integrations.errors import BadSignature
from innsync.integrations.ports import AckItem
from tests.flows.checks import check_all, check_stock
from tests.flows.stack import Stack, small_hotel

VENDORS = ("booking_com", "expedia", "channex")


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """Two room types of two rooms each on every channel."""
    made = make_stack(plan=small_hotel(f"house-{uuid4().hex[:8]}", types=("double", "suite")), days=45)
    made.settle()
    return made


def in_step(stack: Stack, seller: str) -> None:
    stack.pull(seller)
    stack.settle()
    check_all(stack)


def day(stack: Stack, offset: int) -> str:
    return (stack.today + timedelta(days=offset)).isoformat()


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
        OutOfOrder.objects.create(
            organization_id=stack.organization_id,
            property=stack.built.property,
            room_type=double,
            first=first,
            last=last,
        )
        OutOfOrder.objects.create(
            organization_id=stack.organization_id,
            property=stack.built.property,
            room_type=double,
            first=first,
            last=last,
        )
        change_out_of_order(
            property_id=stack.built.property.id, room_type_id=double.id, first=first, last=last, rooms=2
        )
        events.ari_changed(
            organization_id=stack.organization_id,
            property_id=stack.built.property.id,
            ari=[(double.id, first, last)],
            cause="out of order",
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


# --- C23: any order, any number of times, one end


ORDERS = [*permutations(range(3)), (2, 0, 1, 2, 0, 1), (2, 2, 1, 0, 0), (0, 1, 0, 2, 1, 2)]


def captured(stack: Stack, seller: str) -> list[Any]:
    """What waits in the channel's queue, as its adapter cuts it out."""
    adapter, session = open_session(stack.link(seller).account)
    return list(adapter.implementation.pull_bookings(session).messages)


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


# --- C33: a room that nobody mapped


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


def mapping_of(stack: Stack, vendor: str) -> tuple[list[RoomLink], list[RateLink]]:
    with tenant(stack.organization_id):
        link = stack.connections[vendor]
        return (
            [RoomLink(one.room_type_id, one.external_room) for one in RoomMapping.objects.filter(connection=link)],
            [
                RateLink(one.product_id, one.external_room, one.external_rate, tuple(one.occupancies))
                for one in RateMapping.objects.filter(connection=link)
            ],
        )


def remap(stack: Stack, vendor: str, *, rooms: Sequence[str] = (), links: Any = None) -> None:
    """Map only those rooms, or exactly those links."""
    if links is None:
        kept = {stack.built.room_types[code].id for code in rooms}
        all_rooms, all_rates = mapping_of(stack, vendor)
        own = [one for one in all_rooms if one.room_type_id in kept]
        links = own, [one for one in all_rates if one.external_room in {room.external_room for room in own}]
    with tenant(stack.organization_id):
        distribution.change_mapping(
            connection=stack.link(vendor), rooms=links[0], rates=links[1], now=datetime.now(UTC)
        )


# --- C22: what the queue lost


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


# --- one message must not stop the others


@pytest.mark.parametrize("poison", ["Zo\x00e Null", "N" * 5000], ids=["a zero byte", "a very long name"])
def test_a_booking_that_the_database_can_not_take_as_it_is_stops_no_other(stack: Stack, poison: str) -> None:
    stack.guest_books("channex", 10, 2, guest={"name": poison, "email": "zoe@guest.example"})
    stack.guest_books("channex", 20, 2)
    stack.pull("channex")
    stack.settle()
    check_stock(stack.organization_id)
    assert stack.rows("SELECT count(*) FROM inbox_message WHERE state = 'received'") == [(0,)]
    assert (stack.today + timedelta(days=20)) in [row[2] for row in stack.bookings()]


# --- Channex's webhook only hints


def test_channexs_webhook_is_believed_only_that_something_came(stack: Stack) -> None:
    reference = stack.guest_books("channex", 10, 2)
    account = stack.link("channex").account
    adapter, _ = open_session(account)
    (secret,) = unseal(account.webhook_secrets)
    invented = (
        b'{"event":"booking_new","payload":{"booking_id":"x","revision_id":"y","property_id":"z"},"property_id":"z"}'
    )
    result = adapter.implementation.receive(
        headers={"x-channex-webhook-secret": secret}, body=invented, secrets=[secret], now=datetime.now(UTC)
    )
    assert (result.messages, result.poll) == ((), True)
    pulling.poll_now(organization_id=stack.organization_id, account_id=account.id, now=datetime.now(UTC))
    tasks.enqueue_due(datetime.now(UTC))
    stack.settle()
    check_all(stack)
    assert stack.rows("SELECT channel_ref FROM reservations_booking") == [(reference,)]


def test_a_call_without_the_secret_is_refused(stack: Stack) -> None:
    account = stack.link("channex").account
    adapter, _ = open_session(account)
    with pytest.raises(BadSignature):
        adapter.implementation.receive(
            headers={"x-channex-webhook-secret": "guessed"},
            body=b"{}",
            secrets=list(unseal(account.webhook_secrets)),
            now=datetime.now(UTC),
        )


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
