"""What every adapter must do that brings bookings."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from innsync.domain.channel import BookingRevision, ChannelRoomStay, GuestDetails, RevisionKind
from innsync.domain.money import Money
from innsync.domain.stay import StayDates
from innsync.integrations.conformance.case import ADULTS, CURRENCY, GUEST, AdapterCase
from innsync.integrations.conformance.registry import ACK, PULL, PUSH, needs
from innsync.integrations.errors import (
    ContractBroken,
    IntegrationError,
    OutcomeUnknown,
    Rejected,
)
from innsync.integrations.ports import BookingOut, BookingTaken, RawMessage

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


@needs(PUSH | {"push_bookings"})
def a_booking_told_twice_is_held_once_and_changes_with_each_version(case: AdapterCase) -> None:
    case.open(3)
    first = tell(case, out(case))
    assert (first.theirs, bool(first.reference), bool(first.version)) == (None, True, True)
    assert tell(case, out(case)) == first
    later = out(case, version=2, reference=first.reference, base=first.version, guest=GuestDetails("Bo Other"))
    second = tell(case, later)
    assert second.reference == first.reference
    assert second.version != first.version
    assert len(case.world.bookings("house")) == 1
    tell(case, replace(later, version=3, base=second.version, status="cancelled"))
    [held] = case.world.bookings("house")
    assert (held["reference"], "cancel" in held["status"].lower()) == (first.reference, True)


@needs(PUSH | {"push_bookings"})
def a_booking_told_again_after_a_lost_answer_is_held_once(case: AdapterCase) -> None:
    case.adapter.check_access(case.session, case.prop)
    impatient = case.impatient()
    impatient.tokens = case.session.tokens
    case.fault(timeout_after_apply=True)
    with pytest.raises(OutcomeUnknown):
        case.adapter.push_booking(impatient, case.prop, out(case))
    case.fault()
    assert tell(case, out(case)).theirs is None
    assert len(case.world.bookings("house")) == 1


@needs(PUSH | {"push_bookings"})
def what_was_changed_there_meanwhile_is_not_overwritten_but_told(case: AdapterCase) -> None:
    case.open(3)
    first = tell(case, out(case))
    case.world.change(first.reference, {"guest": {"name": "Changed There"}}, notify=False)
    result = tell(case, out(case, version=2, reference=first.reference, base=first.version))
    assert result.theirs is not None
    [revision] = read(case, result.theirs)
    assert (revision.reference, revision.guest.name) == (first.reference, "Changed There")
    assert revision.shared is not None
    assert (revision.shared.our_id, revision.shared.is_echo) == (out(case).our_id, False)
    now_known = out(case, version=2, reference=first.reference, base=revision.shared.version)
    assert tell(case, now_known).theirs is None


@needs(PUSH | {"push_bookings"})
def a_booking_that_can_not_be_held_is_refused_with_words(case: AdapterCase) -> None:
    [room] = out(case).rooms
    with pytest.raises(Rejected) as caught:
        tell(case, out(case, rooms=(replace(room, room=case.foreign_room().room),)))
    assert caught.value.words
    assert case.world.bookings("house") == []


# What the checks are made of


def out(case: AdapterCase, **changes: Any) -> BookingOut:
    """A booking of ours, for two nights of the product, in its first version."""
    product = case.product()
    stay = StayDates(case.day(2), case.day(4))
    nightly = (Money(9_500, CURRENCY), Money(9_500, CURRENCY))
    room = ChannelRoomStay("1", product.room, product.rate or "", stay, ADULTS, nightly=nightly, total=sum_of(nightly))
    told: dict[str, Any] = {
        "our_id": "0198f2a0-0000-7000-8000-000000000001",
        "code": "K7WXYZ23",
        "version": 1,
        "reference": "",
        "base": "",
        "status": "confirmed",
        "source": "Direct",
        "guest": GuestDetails(GUEST["name"], GUEST["email"]),
        "rooms": (room,),
        "total": sum_of(nightly),
        "special_requests": "",
        "updated_at": datetime.now(UTC),
    }
    return BookingOut(**{**told, **changes})


def sum_of(amounts: tuple[Money, ...]) -> Money:
    return Money(sum(one.minor for one in amounts), CURRENCY)


def tell(case: AdapterCase, booking: BookingOut) -> BookingTaken:
    result: BookingTaken = case.adapter.push_booking(case.session, case.prop, booking)
    return result


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
