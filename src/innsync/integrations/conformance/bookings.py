"""What every adapter must do that brings bookings."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from innsync.domain.channel import BookingRevision, RevisionKind
from innsync.integrations.conformance.case import ADULTS, CURRENCY, GUEST, AdapterCase
from innsync.integrations.conformance.registry import ACK, PULL, needs
from innsync.integrations.errors import (
    ContractBroken,
    IntegrationError,
    OutcomeUnknown,
)
from innsync.integrations.ports import RawMessage

CARDS = re.compile(rb"4111111111111111|5555555555554444")
GARBAGE = (b"", b"{", b"<a", b"null", b"[]", b"{}", b"<x/>", b"\xff\xfe\x00", b'"text"', b"0", b"<x>&unknown;</x>")
MOST_PARTS = 200  # of the list of an hour
ENTITY_BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>'


@needs(ACK)
def a_booking_is_pulled_read_acknowledged_and_gone(case: AdapterCase) -> None:
    case.open(3)
    reference = case.book(special_requests="Late arrival")
    [message] = case.pull()
    assert message.property_ref == case.prop.id
    [revision] = read(case, message)
    assert (revision.reference, revision.kind) == (reference, RevisionKind.NEW)
    assert revision.property_ref == case.prop.id
    assert revision.guest.name == GUEST["name"]
    [room] = revision.rooms
    assert (room.room, room.rate) == (case.product().room, case.product().rate)
    assert (room.stay.check_in, room.stay.check_out) == (case.day(2), case.day(4))
    assert room.adults == ADULTS
    assert revision.currency == CURRENCY
    assert "Late arrival" in revision.special_requests
    if room.nightly:
        assert len(room.nightly) == 2
    [result] = case.acknowledge([message])
    assert (result.message_id, result.accepted) == (message.message_id, True)
    assert case.pull() == []
    assert case.acknowledged(reference)


@needs(PULL)
def what_is_not_acknowledged_comes_again_as_the_same_message(case: AdapterCase) -> None:
    case.open(3)
    case.book()
    case.book()
    first, second = case.pull(), case.pull()
    assert len({message.message_id for message in first}) == 2
    assert [message.message_id for message in first] == [message.message_id for message in second]


@needs(ACK)
def a_message_delivered_again_after_its_acknowledgement_is_the_same_message(case: AdapterCase) -> None:
    case.open(3)
    case.book()
    case.fault(duplicate=True)
    first = case.pull()
    case.acknowledge(first)
    again = case.pull()
    assert {message.message_id for message in again} <= {message.message_id for message in first}


@needs(ACK)
def changes_and_cancellations_are_revisions_that_sort(case: AdapterCase) -> None:
    case.open(3)
    reference = case.book()
    seen = drain(case)
    case.world.change(reference, {"check_in": case.day(5), "check_out": case.day(8)}, notify=True)
    seen += drain(case)
    case.world.cancel(reference, notify=True)
    seen += drain(case)
    assert len({message.message_id for message, _ in seen}) == 3
    revisions = [revision for _, revision in seen if revision.reference == reference]
    assert [revision.kind for revision in revisions] == [
        RevisionKind.NEW,
        RevisionKind.MODIFIED,
        RevisionKind.CANCELLED,
    ]
    orders = [revision.order for revision in revisions]
    assert orders == sorted(set(orders))
    assert revisions[1].nights_touched == (case.day(5), case.day(7))


@needs(ACK)
def shuffled_messages_sort_into_the_right_order(case: AdapterCase) -> None:
    case.open(3)
    case.fault(reorder=True)
    reference = case.book()
    case.world.change(reference, {"check_in": case.day(5), "check_out": case.day(8)}, notify=True)
    revisions = [revision for _, revision in drain(case) if revision.reference == reference]
    newest = max(revisions, key=lambda revision: revision.order)
    assert newest.nights_touched == (case.day(5), case.day(7))


@needs(PULL)
def a_card_is_neither_needed_nor_kept(case: AdapterCase) -> None:
    case.open(3)
    case.book()
    [message] = case.pull()
    [revision] = read(case, message)
    scrubbed = CARDS.sub(lambda found: b"*" * len(found[0]), message.body)
    clean = RawMessage(
        message.message_id,
        message.property_ref,
        message.booking_ref,
        message.content_type,
        scrubbed,
        message.acknowledge,
    )
    for found in (revision, *read(case, clean)):
        assert CARDS.search(repr(found).encode()) is None
    assert CARDS.search(repr(message.acknowledge).encode()) is None
    [again] = read(case, clean)
    assert (again.reference, again.order, again.rooms) == (revision.reference, revision.order, revision.rooms)


@needs(PULL)
def garbage_breaks_the_contract_and_nothing_else(case: AdapterCase) -> None:
    case.open(3)
    case.book()
    [message] = case.pull()
    size = len(message.body)
    torn = [message.body[: size * part // 7] for part in range(1, 7)]
    for body in (*GARBAGE, ENTITY_BOMB, *torn):
        broken = RawMessage("1", message.property_ref, "1", message.content_type, body)
        with pytest.raises(ContractBroken):
            case.adapter.parse_booking(broken)


@needs(PULL)
def a_queue_in_a_broken_format_is_told_as_such(case: AdapterCase) -> None:
    case.open(3)
    case.book()
    case.fault(bad_schema=True)
    with pytest.raises(IntegrationError) as caught:
        case.pull()
    assert isinstance(caught.value, ContractBroken | OutcomeUnknown)
    case.fault()
    assert len(case.pull()) == 1, "the message is lost"


@needs(ACK)
def an_acknowledgement_whose_answer_was_lost_can_be_repeated(case: AdapterCase) -> None:
    case.open(3)
    reference = case.book()
    messages = case.pull()
    patient, case.session = case.session, case.impatient()
    case.session.tokens = patient.tokens
    case.fault(timeout_after_apply=True)
    try:
        results = case.acknowledge(messages)
        assert not any(result.accepted for result in results)
    except OutcomeUnknown:
        pass
    case.fault()
    case.session = patient
    case.acknowledge(case.pull() or messages)
    assert case.acknowledged(reference)
    assert case.pull() == []


@needs(PULL | {"list_bookings"})
def the_second_look_finds_what_the_queue_lost(case: AdapterCase) -> None:
    case.open(3)
    reference = case.book(notify=False)
    assert case.pull() == []
    since = datetime.now(UTC) - timedelta(hours=1)
    found = set()
    places = [""]
    while True:
        part = case.adapter.list_bookings(case.session, case.prop, since, places[-1])
        found |= {revision.reference for message in part.messages for revision in read(case, message)}
        if not part.after:
            break
        assert part.after not in places, "a list that goes on where it was before never ends"
        assert len(places) < MOST_PARTS, "the list never ends"
        places.append(part.after)
    assert reference in found


# What the checks are made of


def read(case: AdapterCase, message: RawMessage) -> list[BookingRevision]:
    revisions: list[BookingRevision] = case.adapter.parse_booking(message)
    return revisions


def drain(case: AdapterCase) -> list[tuple[RawMessage, BookingRevision]]:
    """Pull, read and acknowledge until nothing is left."""
    seen: list[tuple[RawMessage, BookingRevision]] = []
    for _ in range(10):
        messages = case.pull()
        if not messages:
            return seen
        seen += [(message, revision) for message in messages for revision in read(case, message)]
        results: list[Any] = case.acknowledge(messages)
        assert all(result.accepted for result in results), results
    raise AssertionError("the queue never empties")
