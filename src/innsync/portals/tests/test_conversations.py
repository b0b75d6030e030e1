"""What guests write through channels, at the desk: who waits, the conversation on a booking's page, answering."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.urls import reverse

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.messaging.models import Conversation, GuestMessage, Reading
from innsync.apps.messaging.services import FAILED, WAITING
from innsync.apps.reservations.models import Booking
from innsync.domain.wording import told
from innsync.integrations.manifest import manifests
from innsync.portals.tests.counting import count
from innsync.portals.tests.house import House


def text(answer: Any) -> str:
    return answer.content.decode()


def said(answer: Any) -> str:
    return "; ".join(str(one) for one in answer.context["messages"])


def booking_of(house: House, reference: str) -> Booking:
    with tenant(house.organization.id):
        return Booking.objects.get(channel_ref=reference)


def ours(house: House) -> list[GuestMessage]:
    with tenant(house.organization.id):
        return list(GuestMessage.objects.filter(sender="property").order_by("at"))


def waits(house: House) -> bool:
    with tenant(house.organization.id):
        return Conversation.objects.get().waits_since is not None


def tile(answer: Any) -> Any:
    return next((one for one in answer.context["tiles"] if one.key == "messages"), None)


@pytest.fixture
def asked(house: House) -> Booking:
    """A guest of Channex asks something."""
    reference = house.channel_sells(3)
    house.guest_writes("Is there <b>parking</b>?\nWe come by car.", reference)
    return booking_of(house, reference)


class TestToday:
    def test_it_counts_who_waits_and_opens_the_list_of_them(self, enter, house, asked):
        client = enter("front_desk")
        found = tile(client.get("/today"))
        assert (found.number, found.to, found.tone) == ("1", "/messages", "wait")
        listed = client.get(found.to)
        assert [one["booking"].id for one in listed.context["found"]] == [asked.id]
        assert "Is there &lt;b&gt;parking" in text(listed)
        assert f'href="/bookings/{asked.id}#talk"' in text(listed)

    def test_where_no_guest_ever_wrote_there_is_nothing_to_count(self, enter, house):
        assert tile(enter().get("/today")) is None
        assert "No guest waits" in text(enter().get("/messages"))

    def test_who_sees_no_bookings_sees_no_messages(self, enter, house, asked):
        client = enter("staff")
        assert tile(client.get("/today")) is None
        assert client.get("/messages").status_code == 403


class TestConversation:
    def test_it_stands_on_the_bookings_page_as_it_was_written(self, enter, house, asked):
        page = text(enter("read_only").get(f"/bookings/{asked.id}"))
        assert "Is there &lt;b&gt;parking&lt;/b&gt;?\nWe come by car." in page
        assert "waits for an answer" in page
        assert 'name="text"' not in page, "who only looks can't write"

    def test_an_answer_is_written_down_and_waits_to_be_sent(self, enter, house, asked):
        client = enter("front_desk")
        answer = client.post(
            f"/bookings/{asked.id}/messages", {"text": "Yes, below.\r\nCard 4111111111111111?"}, follow=True
        )
        assert answer.redirect_chain == [(f"/bookings/{asked.id}#talk", 303)]
        assert said(answer) == "Your message is on its way."
        [message] = ours(house)
        assert (message.delivery, message.written_by) == (WAITING, "Pat Person")
        assert "4111111111111111" not in message.text
        assert not waits(house)
        assert "being sent" in text(client.get(f"/bookings/{asked.id}/messages/live"))
        house.relay()
        assert house.jobs("send_messages") == [
            {"organization_id": str(house.organization.id), "connection_id": str(house.connections["channex"].id)}
        ]

    def test_a_form_that_is_sent_twice_is_one_message(self, enter, house, asked):
        client = enter("front_desk")
        for _ in range(2):
            client.post(f"/bookings/{asked.id}/messages", {"text": "Yes.", "once": "abc"})
        assert len(ours(house)) == 1

    def test_nothing_written_is_nothing_sent(self, enter, house, asked):
        answer = enter("front_desk").post(f"/bookings/{asked.id}/messages", {"text": "  "}, follow=True)
        assert "must be given" in said(answer)
        assert ours(house) == []
        assert waits(house)

    def test_who_wrote_nothing_can_be_written_to_where_the_channel_passes_it_on(self, enter, house):
        reference = house.channel_sells(3)
        client = enter("front_desk")
        there = booking_of(house, reference)
        assert "Nothing was written yet." in text(client.get(f"/bookings/{there.id}"))
        client.post(f"/bookings/{there.id}/messages", {"text": "When will you come?"})
        assert [one.text for one in ours(house)] == ["When will you come?"]

    def test_a_direct_booking_has_no_channel_to_write_through(self, enter, house):
        record, client = house.book(3), enter("front_desk")
        assert 'id="talk"' not in text(client.get(f"/bookings/{record.id}"))
        answer = client.post(f"/bookings/{record.id}/messages", {"text": "Hello"}, follow=True)
        assert "passes on no messages" in said(answer)

    def test_what_needs_no_reply_is_settled_with_a_button(self, enter, house, asked):
        client = enter("front_desk")
        with tenant(house.organization.id):
            conversation = Conversation.objects.get()
        client.post(reverse("conversation-settle", args=[conversation.id]))
        assert not waits(house)
        assert tile(client.get("/today")).number == "0"
        assert [one["booking"].id for one in client.get("/messages?which=all").context["found"]] == [asked.id]
        assert client.get("/messages").context["found"] == []

    def test_one_that_failed_says_why_and_can_be_sent_again(self, enter, house, asked):
        client = enter("front_desk")
        client.post(f"/bookings/{asked.id}/messages", {"text": "Yes."})
        [message] = ours(house)
        words = told("the channel does not answer, and whether the guest has this message is not known")
        with tenant(house.organization.id):
            GuestMessage.objects.filter(id=message.id).update(delivery=FAILED, failure=words)
        page = text(client.get(f"/bookings/{asked.id}"))
        assert words in page
        assert "Send again" in page
        client.post(reverse("said-again", args=[message.id]))
        assert [one.delivery for one in ours(house)] == [WAITING]

    def test_who_asks_before_booking_is_answered_on_a_page_of_their_own(self, enter, house):
        asked = house.guest_writes("Are dogs welcome?", title="Rex Barker")
        client = enter("front_desk")
        assert f'href="/messages/{asked.conversation_id}"' in text(client.get("/messages"))
        page = text(client.get(f"/messages/{asked.conversation_id}"))
        assert "Rex Barker" in page
        assert "There is no booking of this guest here" in page
        answer = client.post(f"/messages/{asked.conversation_id}/reply", {"text": "They are."}, follow=True)
        assert "They are." in text(answer)
        assert len(ours(house)) == 1

    def test_a_channel_that_can_not_be_read_is_named_with_the_remedy(self, enter, house, asked):
        words = manifests()["channex"].messages_help
        with tenant(house.organization.id):
            Reading.objects.create(
                organization=house.organization,
                connection=house.connections["channex"],
                error=words,
                error_at=datetime.now(UTC),
            )
        client = enter("front_desk")
        assert words in text(client.get("/messages"))
        assert words in text(client.get(f"/bookings/{asked.id}"))


def test_a_list_asks_the_same_of_the_database_however_many_wrote(enter, house):
    client = enter()
    client.get("/messages")
    house.guest_writes("One", house.channel_sells(3), title="A")
    few = count(client, "/messages?which=all")
    for number in range(8):
        house.guest_writes(f"Number {number}", title=f"B {number}")
    assert count(client, "/messages?which=all") == few
