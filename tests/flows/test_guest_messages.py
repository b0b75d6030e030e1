"""Guests write through a channel and are answered: each message is here once, and there once, whatever is lost between."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from psycopg.conninfo import make_conninfo

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution.webhooks import secret_of
from innsync.apps.messaging import reading, services
from innsync.apps.messaging.models import Conversation, GuestMessage, Reading
from innsync.apps.messaging.services import FAILED, SENT, WAITING
from innsync.domain.errors import InvalidField
from innsync.ops.after_restore import catch_up
from tests.flows.stack import Stack


@pytest.fixture
def hotel(make_stack) -> Stack:
    made: Stack = make_stack(vendors=["channex"])
    made.settle()
    return made


def booked(hotel: Stack, offset: int = 5, **guest: str) -> str:
    """A booking that has come in; answers the channel's reference."""
    about = {"name": "Zoë Müller", "email": "zoe@guest.example", "ota": "BDC", **guest}
    reference = hotel.guest_books("channex", offset, guest=about)
    hotel.pull("channex")
    hotel.settle()
    return reference


def guest_writes(hotel: Stack, reference: str, text: str, **how: Any) -> None:
    hotel.sandbox.call("POST", "channex/messages", {"booking": reference, "text": text, **how})


def read(hotel: Stack) -> int:
    return reading.read(organization_id=hotel.organization_id, connection_id=hotel.connections["channex"])


def conversation(hotel: Stack) -> Conversation:
    with tenant(hotel.organization_id):
        return Conversation.objects.select_related("booking", "connection").get()


def messages(hotel: Stack) -> list[tuple[str, str, str]]:
    with tenant(hotel.organization_id):
        found = GuestMessage.objects.order_by("received_at", "at")
        return [(one.sender, one.text, one.delivery) for one in found]


def reply(hotel: Stack, text: str) -> UUID:
    with tenant(hotel.organization_id):
        made = services.reply(conversation=conversation(hotel), text=text, now=datetime.now(UTC), actor="Ada")
    return made.id


def go_on(hotel: Stack) -> None:
    """As if the pause before the next try were over."""
    with tenant(hotel.organization_id), sql() as cursor:
        GuestMessage.objects.update(retry_at=None)
        cursor.execute("UPDATE events_outbox SET due_at = now() WHERE topic = 'send_messages'")
    hotel.settle()


def said_there(worlds: Any) -> list[tuple[str, str]]:
    threads = worlds["channex"].state["threads"].values()
    return [(one["sender"], one["message"]) for thread in threads for one in thread["messages"]]


def events(hotel: Stack) -> list[str]:
    found = hotel.rows("SELECT type FROM events_event WHERE type LIKE 'message.%%' ORDER BY id")
    return [row[0] for row in found]


def test_what_a_guest_writes_is_here_once_with_its_booking(hotel):
    reference = booked(hotel)
    guest_writes(hotel, reference, "Is there parking?")
    assert read(hotel) == 1
    found = conversation(hotel)
    assert found.booking is not None
    assert found.booking.channel_ref == reference
    assert found.waits_since is not None
    assert found.site == "Booking.com"
    assert (read(hotel), messages(hotel)) == (0, [("guest", "Is there parking?", "")])
    assert events(hotel) == ["message.received"]


def test_a_card_number_in_a_message_is_not_kept(hotel):
    guest_writes(hotel, booked(hotel), "My card is 4111 1111 1111 1111, CVV 737")
    read(hotel)
    [(_, text, _)] = messages(hotel)
    assert "4111 1111" not in text
    assert text.startswith("My card is")


def test_an_answer_reaches_the_guest_once_and_nothing_waits_then(hotel, worlds):
    guest_writes(hotel, booked(hotel), "Is there parking?")
    read(hotel)
    reply(hotel, "Yes, below the house.\r\nFor 10 € a day.")
    assert conversation(hotel).waits_since is None
    hotel.settle()
    assert said_there(worlds) == [
        ("guest", "Is there parking?"),
        ("property", "Yes, below the house.\nFor 10 € a day."),
    ]
    assert read(hotel) == 0
    assert messages(hotel)[1:] == [("property", "Yes, below the house.\nFor 10 € a day.", SENT)]
    assert events(hotel) == ["message.received", "message.sent"]


def test_an_answer_whose_answer_was_lost_is_not_sent_again(hotel, worlds):
    guest_writes(hotel, booked(hotel), "Is there parking?")
    read(hotel)
    hotel.faults("channex", timeout_after_apply=True)
    reply(hotel, "Yes.")
    hotel.settle()
    assert messages(hotel)[-1] == ("property", "Yes.", WAITING)
    hotel.faults("channex")
    go_on(hotel)
    assert messages(hotel)[1:] == [("property", "Yes.", SENT)]
    assert said_there(worlds).count(("property", "Yes.")) == 1
    assert read(hotel) == 0


def test_a_look_at_the_channel_may_find_the_lost_answer_first(hotel, worlds):
    guest_writes(hotel, booked(hotel), "Is there parking?")
    read(hotel)
    hotel.faults("channex", timeout_after_apply=True)
    reply(hotel, "Yes.")
    hotel.settle()
    hotel.faults("channex")
    assert read(hotel) == 0
    assert messages(hotel)[1:] == [("property", "Yes.", SENT)]
    go_on(hotel)
    assert said_there(worlds).count(("property", "Yes.")) == 1


def test_the_same_words_may_be_said_twice(hotel, worlds):
    guest_writes(hotel, booked(hotel), "Is there parking?")
    read(hotel)
    for _ in range(2):
        reply(hotel, "Yes.")
        hotel.settle()
    hotel.faults("channex", timeout_after_apply=True)
    reply(hotel, "Yes.")
    hotel.settle()
    hotel.faults("channex")
    go_on(hotel)
    assert said_there(worlds).count(("property", "Yes.")) == 3
    assert [delivery for *_, delivery in messages(hotel)[1:]] == [SENT] * 3


def test_a_channel_that_is_down_gets_the_answer_when_it_is_back(hotel, worlds):
    guest_writes(hotel, booked(hotel), "Is there parking?")
    read(hotel)
    hotel.faults("channex", status=503)
    reply(hotel, "Yes.")
    reply(hotel, "And it is free.")
    hotel.settle()
    assert said_there(worlds) == [("guest", "Is there parking?")]
    hotel.faults("channex")
    go_on(hotel)
    assert said_there(worlds)[1:] == [("property", "Yes."), ("property", "And it is free.")]


def test_what_is_never_taken_fails_and_can_be_tried_again(hotel, worlds):
    guest_writes(hotel, booked(hotel), "Is there parking?")
    read(hotel)
    hotel.faults("channex", status=503)
    message_id = reply(hotel, "Yes.")
    for _ in range(9):
        go_on(hotel)
    assert messages(hotel)[-1] == ("property", "Yes.", FAILED)
    assert conversation(hotel).waits_since is not None, "the guest still waits"
    hotel.faults("channex")
    with tenant(hotel.organization_id):
        services.try_again(message=GuestMessage.objects.get(id=message_id))
    hotel.settle()
    assert messages(hotel)[-1] == ("property", "Yes.", SENT)
    assert events(hotel)[-2:] == ["message.failed", "message.sent"]


def test_a_travel_site_without_messages_says_so(hotel):
    reference = booked(hotel, ota="AGO")
    with tenant(hotel.organization_id):
        booking = services.Booking.objects.select_related("connection").get(channel_ref=reference)
        services.write_about(booking=booking, text="Hello", now=datetime.now(UTC), actor="Ada")
    hotel.settle()
    with tenant(hotel.organization_id):
        message = GuestMessage.objects.get()
    assert message.delivery == FAILED
    assert "not_supported" in message.failure


def test_a_guest_who_wrote_nothing_is_written_to_and_answers_in_the_same_conversation(hotel, worlds):
    reference = booked(hotel)
    with tenant(hotel.organization_id):
        booking = services.Booking.objects.select_related("connection").get(channel_ref=reference)
        services.write_about(booking=booking, text="When will you come?", now=datetime.now(UTC), actor="Ada")
    hotel.settle()
    guest_writes(hotel, reference, "At six.")
    assert read(hotel) == 1
    assert conversation(hotel).thread_id
    assert messages(hotel) == [("property", "When will you come?", SENT), ("guest", "At six.", "")]
    assert said_there(worlds) == [("property", "When will you come?"), ("guest", "At six.")]


def test_without_the_channels_app_people_are_told_and_nothing_is_paused(hotel, worlds):
    reference = booked(hotel)
    for prop in worlds["channex"].state["properties"].values():
        prop["messages"] = False
    read(hotel)
    with tenant(hotel.organization_id):
        assert "install its app" in Reading.objects.get().error
        booking = services.Booking.objects.select_related("connection").get(channel_ref=reference)
        services.write_about(booking=booking, text="Hello", now=datetime.now(UTC), actor="Ada")
    hotel.settle()
    with tenant(hotel.organization_id):
        assert "install its app" in GuestMessage.objects.get().failure
    assert hotel.link("channex").state == "active"
    assert hotel.link("channex").account.state == "active"
    for prop in worlds["channex"].state["properties"].values():
        prop["messages"] = True
    read(hotel)
    with tenant(hotel.organization_id):
        assert Reading.objects.get().error == ""


def test_what_needs_no_reply_waits_no_more_until_the_guest_writes_again(hotel):
    reference = booked(hotel)
    guest_writes(hotel, reference, "Thank you!")
    read(hotel)
    with tenant(hotel.organization_id):
        services.settle(conversation_id=conversation(hotel).id, now=datetime.now(UTC))
    assert conversation(hotel).waits_since is None
    guest_writes(hotel, reference, "One more thing ...")
    read(hotel)
    assert conversation(hotel).waits_since is not None


def test_what_was_answered_in_the_channels_own_screens_waits_no_more(hotel, worlds):
    guest_writes(hotel, booked(hotel), "Is there parking?")
    read(hotel)
    world = worlds["channex"]
    [thread] = world.state["threads"].values()
    from innsync.channels.channex.simulator import messages as vendor

    vendor.add(world.state, thread, "property", "Yes, answered elsewhere.", world.clock.now())
    assert read(hotel) == 1
    assert conversation(hotel).waits_since is None


def test_a_message_that_comes_before_its_booking_finds_it_later(hotel):
    about = {"name": "Zoë Müller", "email": "zoe@guest.example", "ota": "BDC"}
    reference = hotel.guest_books("channex", 5, guest=about)
    guest_writes(hotel, reference, "We booked just now.")
    read(hotel)
    assert conversation(hotel).booking is None
    hotel.pull("channex")
    hotel.settle()
    read(hotel)
    assert conversation(hotel).booking is not None


def test_an_inquiry_without_a_booking_can_be_answered(hotel, worlds):
    body = {"property": hotel.built.property.code, "text": "Are dogs welcome?", "name": "Rex"}
    hotel.sandbox.call("POST", "channex/messages", body)
    read(hotel)
    assert (conversation(hotel).booking, conversation(hotel).title) == (None, "Rex")
    reply(hotel, "They are.")
    hotel.settle()
    assert said_there(worlds)[-1] == ("property", "They are.")


def test_a_long_list_that_a_fault_ends_is_read_on_from_there(hotel, worlds, monkeypatch):
    for number in range(60):
        body = {"property": hotel.built.property.code, "text": f"Question {number}"}
        hotel.sandbox.call("POST", "channex/messages", body)
    real = reading.store

    def fails_then(**what: Any) -> int:
        new = real(**what)
        hotel.faults("channex", status=503)
        return new

    monkeypatch.setattr(reading, "store", fails_then)
    assert read(hotel) == 50
    monkeypatch.setattr(reading, "store", real)
    hotel.faults("channex")
    before = hotel.seen("channex")
    assert read(hotel) == 10
    assert (
        sum(
            "/message_threads?" in str(one) or one["path"].endswith("/message_threads")
            for one in hotel.requests("channex", before)
        )
        == 1
    )
    assert len(messages(hotel)) == 60


def test_what_was_said_after_a_backup_is_not_said_again_when_that_is_restored(hotel, worlds, database):
    guest_writes(hotel, booked(hotel), "Is there parking?")
    read(hotel)
    message_id = reply(hotel, "Yes.")
    hotel.settle()
    with tenant(hotel.organization_id):
        as_backed_up = {"delivery": WAITING, "message_id": "", "tries": 0}
        GuestMessage.objects.filter(id=message_id).update(**as_backed_up)
        services.send_soon(GuestMessage.objects.get(id=message_id))
    assert catch_up(make_conninfo(database, options="-c role=innsync_app")) == 1
    hotel.settle()
    assert said_there(worlds).count(("property", "Yes.")) == 1
    assert messages(hotel)[-1] == ("property", "Yes.", SENT)


def test_nothing_and_too_much_can_not_be_said(hotel):
    guest_writes(hotel, booked(hotel), "Is there parking?")
    read(hotel)
    for text in ("", "  \n ", "x" * (services.LONGEST + 1)):
        with pytest.raises(InvalidField):
            reply(hotel, text)


def test_the_channels_call_brings_the_message_without_anybody_asking(make_stack, address):
    hotel: Stack = make_stack(vendors=["channex"], webhook_base=address)
    hotel.settle()
    reference = booked(hotel)
    read(hotel)
    guest_writes(hotel, reference, "Is there parking?")
    until = time.monotonic() + 20
    while not hotel.rows(
        "SELECT 1 FROM distribution_schedule WHERE subject_id = %s AND kind = 'messages' AND due_at <= now()",
        hotel.connections["channex"],
    ):
        assert time.monotonic() < until, "no call came in"
        time.sleep(0.1)
    hotel.advance(seconds=1)
    assert messages(hotel) == [("guest", "Is there parking?", "")]


def test_a_call_without_the_secret_makes_nobody_read(make_stack, address):
    hotel: Stack = make_stack(vendors=["channex"], webhook_base=address)
    hotel.settle()
    path = f"/api/webhooks/channex/{hotel.account('channex')}"
    due = "SELECT due_at FROM distribution_schedule WHERE subject_id = %s AND kind = 'messages'"
    before = hotel.rows(due, hotel.connections["channex"])
    call = {"event": "message"}
    assert Client().post(path, call, content_type="application/json").status_code == 401
    assert hotel.rows(due, hotel.connections["channex"]) == before
    headers = {"X-Channex-Webhook-Secret": secret_of(hotel.link("channex").account)}
    assert Client().post(path, call, content_type="application/json", headers=headers).status_code == 200
    assert hotel.rows(due, hotel.connections["channex"]) != before
