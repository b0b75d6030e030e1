"""What Channex's threads and messages say, and what is made of a property without the app for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from innsync.channels.channex import messages
from innsync.channels.channex.adapter import ADAPTER
from innsync.integrations.errors import ContractBroken, NeedsSetup, NotAuthorised
from innsync.integrations.ports import ThreadRef

from .conftest import NOW

LONG_AGO = NOW - timedelta(days=365)


def entry(**attributes):
    return {
        "id": "m1",
        "attributes": {"sender": "guest", "message": "Hi", "inserted_at": "2027-03-01T10:00:00.5"} | attributes,
    }


def test_instants_without_a_zone_are_utc():
    [found] = messages.read_all([entry()])
    assert found.at == datetime(2027, 3, 1, 10, 0, 0, 500_000, tzinfo=UTC)


def test_who_is_neither_guest_nor_property_is_the_channel_itself():
    assert [one.sender for one in messages.read_all([entry(sender="system"), entry(sender=None)])] == ["system"] * 2


def test_an_attachment_is_named_and_its_address_is_not_kept():
    url = "https://files.example/secret-path/passport.jpg?token=abc"
    [found] = messages.read_all([entry(message=None, attachments=[url, {"id": "a1", "file_name": "map.pdf"}])])
    assert found.text == "[attachment] passport.jpg\n[attachment] map.pdf"


@pytest.mark.parametrize("broken", [{}, {"id": "m1"}, entry(inserted_at="soon"), entry(inserted_at=None)])
def test_what_can_not_be_read_breaks_the_contract(broken):
    with pytest.raises(ContractBroken):
        messages.read_all([broken])


def test_a_thread_may_have_no_booking():
    thread = messages.read_thread({"id": "t1", "attributes": {"title": "Zoë", "provider": "AirBNB"}})
    assert (thread.ref, thread.title, thread.site) == (ThreadRef("t1", ""), "Zoë", "Airbnb")


def test_without_the_app_a_person_is_told_what_to_do_and_the_key_is_not_blamed(session, prop, world, stay):
    world.state["properties"][prop.id]["messages"] = False
    booked = ThreadRef("", world.book(stay(), force=True, notify=False))
    for attempt in (
        lambda: ADAPTER.list_threads(session, prop, LONG_AGO),
        lambda: ADAPTER.read_thread(session, prop, booked),
        lambda: ADAPTER.send_message(session, prop, booked, "Hello"),
    ):
        with pytest.raises(NeedsSetup, match="app for messages is not installed"):
            attempt()


def test_a_wrong_key_is_to_blame_itself(session, prop):
    session.credentials = {"api_key": "wrong"}
    with pytest.raises(NotAuthorised):
        ADAPTER.list_threads(session, prop, LONG_AGO)


def test_only_conversations_that_went_on_are_read(session, prop, world, recorder):
    for number in range(130):
        world.message({"property": "test-property", "text": f"Question {number}"})
    since = world.clock.now() - timedelta(minutes=1)
    found, after = [], ""
    for _ in range(3):
        part = ADAPTER.list_threads(session, prop, since, after)
        found += part.threads
        after = part.after
    assert (after, len({one.ref for one in found if one.messages})) == ("", 130)
    calls = len(recorder.seen)
    later = ADAPTER.list_threads(session, prop, world.clock.now() + timedelta(days=1))
    assert (later.after, [one for one in later.threads if one.messages]) == ("", [])
    assert len(recorder.seen) == calls + 1
