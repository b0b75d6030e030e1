"""A message that nobody can make sense of is kept, shown, and stops no other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.inbox import services as inbox
from innsync.apps.inbox.models import Message
from innsync.integrations.errors import IntegrationError, NotAuthorised, Rejected
from innsync.integrations.ports import AckItem, AckResult, Page, RawMessage
from tests.flows.checks import check_stock
from tests.flows.incoming import captured
from tests.flows.stack import Stack

NUL = "\x00"


def receive(stack: Stack, vendor: str, *messages: RawMessage) -> None:
    account = stack.link(vendor).account
    inbox.receive(organization_id=stack.organization_id, account=account, messages=messages, now=datetime.now(UTC))


def apply(stack: Stack, vendor: str) -> None:
    inbox.apply_pending(organization_id=stack.organization_id, account_id=stack.account(vendor))


def states(stack: Stack) -> list[str]:
    return [state for (state,) in stack.rows("SELECT state FROM inbox_message ORDER BY state")]


def edited(message: RawMessage, edit: Callable[[dict[str, Any]], None], **more: str) -> RawMessage:
    """The same message of Channex with other values, where bytes on the wire may say anything."""
    document = json.loads(message.body)
    edit(document["attributes"])
    return replace(message, body=json.dumps(document).encode(), **more)


def room(**values: Any) -> Callable[[dict[str, Any]], None]:
    def edit(attributes: dict[str, Any]) -> None:
        for one in attributes["rooms"]:
            one.update(values)

    return edit


def of_booking(**values: Any) -> Callable[[dict[str, Any]], None]:
    def edit(attributes: dict[str, Any]) -> None:
        attributes.update(values)

    return edit


def staying(check_in: str, check_out: str) -> Callable[[dict[str, Any]], None]:
    def edit(attributes: dict[str, Any]) -> None:
        attributes.update(arrival_date=check_in, departure_date=check_out)
        for one in attributes["rooms"]:
            one.update(checkin_date=check_in, checkout_date=check_out, days={})

    return edit


POISON = {
    "a room with a zero byte": (room(room_type_id=f"a{NUL}b"), {}),
    "a rate with a zero byte": (room(rate_plan_id=f"a{NUL}b"), {}),
    "a property with a zero byte": (of_booking(property_id=f"a{NUL}b"), {"property_ref": f"a{NUL}b"}),
    "a booking with a zero byte": (of_booking(booking_id=f"a{NUL}b"), {"booking_ref": f"a{NUL}b"}),
    "a revision with a zero byte": (of_booking(), {"message_id": f"a{NUL}b"}),
    "a guest with a zero byte": (of_booking(customer={"name": f"a{NUL}b", "mail": NUL}), {}),
    "a source with a zero byte": (of_booking(ota_name=f"a{NUL}b", unique_id=f"{NUL}-1"), {}),
    "a stay of eight thousand years": (staying("2026-12-01", "9999-12-31"), {}),
    "a stay at the end of time": (staying("9999-12-30", "9999-12-31"), {}),
    "a stay at the beginning of time": (staying("0001-01-01", "0001-01-02"), {}),
    "a crowd": (room(occupancy={"adults": 10**12, "children": 10**12, "infants": 0, "ages": [10**12]}), {}),
    "a fortune": (of_booking(amount="999999999999999"), {}),
    "a nameless currency": (of_booking(currency="€€€"), {}),
    "an unending name": (of_booking(customer={"name": "x" * 100_000}, notes="y" * 1_000_000), {}),
    "an unending id": (of_booking(booking_id="b" * 100_000), {"booking_ref": "b" * 100_000}),
    "no rooms at all": (of_booking(rooms=[{}]), {}),
}


@pytest.mark.parametrize("poison", POISON)
def test_no_message_stops_those_behind_it(stack: Stack, poison: str) -> None:
    edit, named = POISON[poison]
    for offset in (10, 20):
        stack.guest_books("channex", offset, 1, force=True)
    first, second = captured(stack, "channex")
    receive(stack, "channex", edited(first, edit, **named), second)
    apply(stack, "channex")
    stack.settle()
    check_stock(stack.organization_id)
    kept = states(stack)
    assert len(kept) == 2
    assert set(kept) <= {"applied", "needs_attention"}
    dates = [check_in for _, _, check_in, _, _ in stack.bookings()]
    assert stack.stay(20).check_in in dates, "the message behind it"
    if "needs_attention" in kept:
        with tenant(stack.organization_id):
            assert Message.objects.get(state="needs_attention").reason


def test_messages_whose_ids_begin_alike_are_two(stack: Stack) -> None:
    for offset in (10, 20):
        stack.guest_books("channex", offset, 1, force=True)
    first, second = captured(stack, "channex")
    long = "r" * 300
    receive(stack, "channex", replace(first, message_id=f"{long}1"), replace(second, message_id=f"{long}2"))
    receive(stack, "channex", replace(first, message_id=f"{long}1"))
    apply(stack, "channex")
    assert states(stack) == ["applied", "applied"]
    assert sorted(stack.rows("SELECT deliveries FROM inbox_message")) == [(1,), (2,)]


def test_acknowledgements_that_are_never_taken_stop_no_other(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither those of later messages, nor those of messages that only once could not be told."""
    from innsync.apps.inbox import pulling
    from innsync.channels.channex.adapter import ChannexAdapter

    for offset in (10, 15, 20, 25):
        stack.guest_books("channex", offset, 1, force=True)
    stuck = {message.message_id for message in captured(stack, "channex")[:3]}
    told: list[str] = []

    def acknowledge(self: ChannexAdapter, session: object, items: Sequence[AckItem]) -> list[AckResult]:
        told.extend(item.message_id for item in items)
        return [AckResult(item.message_id, item.message_id not in stuck, "not now") for item in items]

    monkeypatch.setattr(ChannexAdapter, "acknowledge", acknowledge)
    monkeypatch.setattr(pulling, "ACK_AT_ONCE", 2)
    for _ in range(2):
        stack.pull("channex")
    assert stack.rows("SELECT count(*) FROM inbox_message WHERE acknowledged_at IS NOT NULL") == [(1,)]
    stuck.pop()
    for _ in range(30):
        stack.pull("channex")
    assert stack.rows("SELECT count(*) FROM inbox_message WHERE acknowledged_at IS NOT NULL") == [(2,)]
    assert stuck <= set(told)


def test_one_acknowledgement_that_is_not_taken_leaves_the_rest_of_the_queue_to_be_read(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    from innsync.channels.channex.adapter import ChannexAdapter

    for offset in (10, 15, 20):
        stack.guest_books("channex", offset, 1, force=True)
    queue = captured(stack, "channex")
    stuck = queue[0].message_id

    def pull(self: ChannexAdapter, session: object) -> Page:
        return Page(tuple(queue[:2]), more=len(queue) > 2)

    def acknowledge(self: ChannexAdapter, session: object, items: Sequence[AckItem]) -> list[AckResult]:
        taken = {item.message_id for item in items} - {stuck}
        queue[:] = [message for message in queue if message.message_id not in taken]
        return [AckResult(item.message_id, item.message_id in taken, "not now") for item in items]

    monkeypatch.setattr(ChannexAdapter, "pull_bookings", pull)
    monkeypatch.setattr(ChannexAdapter, "acknowledge", acknowledge)
    assert stack.pull("channex") == 3
    assert [message.message_id for message in queue] == [stuck]


def test_an_entry_without_its_id_is_shown_and_the_queue_of_channex_goes_on(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    from innsync.channels.channex.client import Client

    real = Client.feed

    def feed(self: Client, pages: int) -> Iterator[tuple[list[Any], bool]]:
        for entries, more in real(self, pages):
            yield [{"attributes": {"note": "nothing that a booking has"}}, *entries], more

    monkeypatch.setattr(Client, "feed", feed)
    look_at_a_queue_with_a_poisoned_entry(stack, "channex")


def test_an_entry_without_its_id_is_shown_and_the_queue_of_booking_com_goes_on(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    from innsync.channels.booking_com.client import Client

    real = Client.reservations

    def reservations(self: Client, queue: str, **how: Any) -> bytes:
        answer = real(self, queue, **how)
        if queue != "OTA_HotelResNotif":
            return answer
        root = etree.fromstring(answer)
        etree.SubElement(root, f"{{{etree.QName(root).namespace}}}HotelReservation")
        return etree.tostring(root)

    monkeypatch.setattr(Client, "reservations", reservations)
    look_at_a_queue_with_a_poisoned_entry(stack, "booking_com")


def look_at_a_queue_with_a_poisoned_entry(stack: Stack, vendor: str) -> None:
    for offset in (10, 20):
        stack.guest_books(vendor, offset, 1, force=True)
        stack.pull(vendor)
    stack.settle()
    check_stock(stack.organization_id)
    assert states(stack) == ["applied", "applied", "needs_attention"]
    with tenant(stack.organization_id):
        poison = Message.objects.get(state="needs_attention")
        assert poison.reason
        assert poison.acknowledge_words
        assert Message.objects.exclude(id=poison.id).filter(acknowledged_at__isnull=True).count() == 0


@pytest.mark.parametrize(("refused", "state"), [(Rejected, "active"), (NotAuthorised, "unauthorised")])
def test_a_second_queue_that_is_refused_costs_no_booking_of_the_first_and_is_shown(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, refused: type[IntegrationError], state: str
) -> None:
    from innsync.channels.booking_com.client import Client

    real = Client.reservations

    def reservations(self: Client, queue: str, **how: Any) -> bytes:
        if queue == "OTA_HotelResModifyNotif":
            raise refused("changes are not for you")
        return real(self, queue, **how)

    monkeypatch.setattr(Client, "reservations", reservations)
    stack.guest_books("booking_com", 10, 1, force=True)
    assert stack.pull("booking_com") == 1
    assert states(stack) == ["applied"]
    assert stack.rows("SELECT count(*) FROM inbox_message WHERE acknowledged_at IS NULL") == [(0,)]
    account = stack.link("booking_com").account
    assert (account.state, account.last_error) == (state, "changes are not for you")
