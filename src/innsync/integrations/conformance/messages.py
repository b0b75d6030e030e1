"""What every adapter must do that passes on what guests write, and what they are answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from innsync.integrations.conformance.case import AdapterCase
from innsync.integrations.conformance.registry import PULL, needs
from innsync.integrations.errors import OutcomeUnknown, Rejected
from innsync.integrations.ports import GuestMessage, Thread, ThreadRef

MESSAGES = PULL | {"messages"}
MOST_PARTS = 50
QUESTION = "May we arrive at 23:00?\nGrüße, Zoë 👋"


@needs(MESSAGES)
def what_a_guest_writes_is_listed_with_its_booking(case: AdapterCase) -> None:
    case.open()
    reference = case.book()
    case.world.message({"booking": reference, "text": QUESTION})
    [thread] = threads(case)
    [message] = thread.messages
    assert (message.sender, message.text) == ("guest", QUESTION)
    assert abs(message.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert message.message_id
    assert thread.ref.booking_ref == reference
    assert case.adapter.read_thread(case.session, case.prop, thread.ref) == [message]


@needs(MESSAGES)
def messages_come_oldest_first_and_keep_their_ids(case: AdapterCase) -> None:
    case.open()
    reference = case.book()
    for text in ("one", "two", "three"):
        case.world.message({"booking": reference, "text": text})
    first, second = threads(case), threads(case)
    assert first == second
    [thread] = first
    assert [message.text for message in thread.messages] == ["one", "two", "three"]
    assert len({message.message_id for message in thread.messages}) == 3


@needs(MESSAGES)
def what_was_said_long_ago_is_not_read_again(case: AdapterCase) -> None:
    case.open()
    case.world.message({"booking": case.book(), "text": QUESTION})
    later = datetime.now(UTC) + timedelta(hours=1)
    assert [thread.messages for thread in threads(case, since=later) if thread.messages] == []


@needs(MESSAGES)
def every_one_of_many_conversations_is_listed(case: AdapterCase) -> None:
    case.open()
    written = [case.world.message({"booking": case.book(), "text": f"It is me, {number}"}) for number in range(3)]
    assert {message.text for thread in threads(case) for message in thread.messages} == {
        f"It is me, {number}" for number in range(len(written))
    }


@needs(MESSAGES)
def an_answer_is_said_once_by_the_property(case: AdapterCase) -> None:
    case.open()
    case.world.message({"booking": case.book(), "text": QUESTION})
    [thread] = threads(case)
    thread_id, message_id = case.adapter.send_message(case.session, case.prop, thread.ref, "Yes, you may. ✔")
    assert thread_id in ("", thread.ref.thread_id)
    said = said_in(case, thread.ref)
    assert [(one.sender, one.text) for one in said] == [("guest", QUESTION), ("property", "Yes, you may. ✔")]
    assert message_id == said[-1].message_id


@needs(MESSAGES)
def a_guest_who_wrote_nothing_can_be_written_to(case: AdapterCase) -> None:
    case.open()
    ref = ThreadRef("", case.book())
    assert said_in(case, ref) == []
    case.adapter.send_message(case.session, case.prop, ref, "When will you come?")
    assert [one.text for one in said_in(case, ref)] == ["When will you come?"]


@needs(MESSAGES)
def whether_an_answer_was_said_is_seen_after_a_lost_one(case: AdapterCase) -> None:
    case.open()
    case.world.message({"booking": case.book(), "text": QUESTION})
    [thread] = threads(case)
    case.fault(timeout_after_apply=True)
    with pytest.raises(OutcomeUnknown):
        case.adapter.send_message(case.impatient(), case.prop, thread.ref, "You may.")
    case.fault()
    assert [one.text for one in said_in(case, thread.ref)] == [QUESTION, "You may."]


@needs(MESSAGES)
def nobody_can_be_written_to_who_did_not_book(case: AdapterCase) -> None:
    with pytest.raises(Rejected):
        case.adapter.send_message(case.session, case.prop, ThreadRef("", "no-such-booking"), "Hello?")


def said_in(case: AdapterCase, ref: ThreadRef) -> list[GuestMessage]:
    return list(case.adapter.read_thread(case.session, case.prop, ref))


def threads(case: AdapterCase, since: datetime | None = None) -> list[Thread]:
    """Every part of the list, of what was said in the last hour."""
    found: list[Thread] = []
    after = ""
    for _ in range(MOST_PARTS):
        part = case.adapter.list_threads(
            case.session, case.prop, since or datetime.now(UTC) - timedelta(hours=1), after
        )
        found += part.threads
        after = part.after
        if not after:
            return found
    raise AssertionError("the list does not end")
