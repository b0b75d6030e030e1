"""What every adapter must do, said against its ports and its vendor's world alone.

`CHECKS` are functions of an `AdapterCase`, with the capabilities and restrictions that they need; `checks_of` picks those that apply
to a vendor. A check raises AssertionError, or lets out what the adapter should not have let out.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from innsync.domain.ari import AVAILABILITY, ROOM_LAYOUT, AriUpdate, Target, product_layout
from innsync.domain.channel import BookingRevision, RevisionKind
from innsync.domain.money import Money
from innsync.integrations.conformance.case import ADULTS, CURRENCY, GUEST, AdapterCase, Check
from innsync.integrations.errors import (
    ContractBroken,
    IntegrationError,
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
)
from innsync.integrations.manifest import manifests
from innsync.integrations.ports import PushResult, RawMessage

PUSH = frozenset({"push_availability", "push_rates"})
PULL = PUSH | {"pull_bookings"}
ACK = PULL | {"acknowledge"}
CARDS = re.compile(rb"4111111111111111|5555555555554444")
GARBAGE = (b"", b"{", b"<a", b"null", b"[]", b"{}", b"<x/>", b"\xff\xfe\x00", b'"text"', b"0", b"<x>&unknown;</x>")
ENTITY_BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>'

CHECKS: list[tuple[frozenset[str], Check]] = []


def needs(capabilities: Iterable[str]) -> Callable[[Check], Check]:
    """Marks a check and what an adapter must be able to do, or which restriction to express, for it to apply."""

    def mark(check: Check) -> Check:
        CHECKS.append((frozenset(capabilities), check))
        return check

    return mark


def checks_of(key: str) -> list[Check]:
    """The checks that apply to an installed vendor."""
    manifest = manifests()[key]
    can = manifest.can | set(manifest.dialect.restrictions())
    return [check for wanted, check in CHECKS if wanted <= can]


# Pushing


@needs(PUSH)
def what_is_pushed_is_what_the_vendor_sells(case: AdapterCase) -> None:
    case.push(case.count(3, nights=5), case.terms(12_345, nights=5, min_stay_arrival=2, closed_to_arrival=1))
    line = case.line(4)
    assert line["available"] == 3
    assert Decimal(line["amount"]) == Money(12_345, CURRENCY).decimal
    assert not line["closed"]
    if "min_stay_arrival" in case.restrictions:
        assert line["min_stay"] == 2
    if "closed_to_arrival" in case.restrictions:
        assert line["cta"]
    assert case.line(5)["available"] == 0, "a night after the last one was touched"


@needs(PUSH)
def the_same_push_twice_is_the_same_as_once(case: AdapterCase) -> None:
    case.open(3)
    before = case.world.calendar("house", case.day(0), case.day(20))
    case.open(3)
    assert case.world.calendar("house", case.day(0), case.day(20)) == before


@needs(PUSH)
def one_changed_field_leaves_the_others_alone(case: AdapterCase) -> None:
    case.open(3)
    case.push(case.count(1, first=2, nights=1))
    before, after = case.line(1), case.line(2)
    assert after["available"] == 1
    assert {**after, "available": 3, "date": before["date"]} == before


@needs(PUSH | {"stop_sell"})
def a_stop_sell_closes_and_opens(case: AdapterCase) -> None:
    case.open()
    for closed in (1, 0):
        update = AriUpdate(case.product(), case.day(1), case.day(2), {"stop_sell": closed}, CURRENCY)
        case.push(update)
        assert bool(case.line(1)["closed"]) == bool(closed)
        assert not case.line(3)["closed"]


@needs(PUSH)
def nothing_to_say_sends_nothing(case: AdapterCase) -> None:
    assert case.adapter.plan_push(case.prop, []) == []


@needs(PUSH)
def the_messages_of_a_plan_say_exactly_what_was_asked(case: AdapterCase) -> None:
    wanted = [
        case.count(0, nights=3),
        case.count(2, first=3, nights=60),
        case.count(1, nights=400, code="suite"),
        case.terms(nights=90),
    ]
    pushes = case.adapter.plan_push(case.prop, wanted)
    assert cells(update for push in pushes for update in push.updates) == cells(wanted)
    assert all(push.operation and set(push.limits) <= set(case.installed.manifest.limits) for push in pushes)


@needs(PUSH)
def what_closes_is_never_sent_after_what_only_opens(case: AdapterCase) -> None:
    wanted = [case.count(0, nights=3, code="suite"), case.count(4), case.terms(nights=70)]
    closing = [push.closes for push in case.adapter.plan_push(case.prop, wanted)]
    assert closing == sorted(closing, reverse=True)


@needs(PUSH)
def of_a_push_what_was_accepted_is_held_and_what_was_refused_is_not(case: AdapterCase) -> None:
    """The second room is another house's, so that the vendor must refuse it and can't take it for this one's."""
    foreign = AriUpdate(case.foreign_room(), case.day(0), case.day(1), {AVAILABILITY: 3}, CURRENCY)
    good = case.count(2, nights=2)
    accepted: set[tuple[Target, date, str, int]] = set()
    words = []
    for push in case.adapter.plan_push(case.prop, [good, foreign]):
        try:
            result = case.adapter.send_push(case.session, case.prop, push)
        except Rejected as error:
            words.append(error.words)
            continue
        words += [refusal.words for refusal in result.refused]
        accepted |= cells(push.updates) - refused_cells(push.updates, result)
    assert not accepted & cells([foreign]), "a room of another house counts as accepted"
    assert all(words), "a refusal without the vendor's words"
    assert words
    held = case.line(0)["available"] == 2 and case.line(1)["available"] == 2
    assert held == (cells([good]) <= accepted)


@needs(PUSH)
def too_many_requests_say_how_long_to_wait(case: AdapterCase) -> None:
    case.fault(rate_limit_per_min=0)
    with pytest.raises(RateLimited) as caught:
        case.push(case.count(3))
    assert caught.value.retry_after is not None
    assert timedelta(0) < caught.value.retry_after <= timedelta(minutes=1)


@needs(PUSH)
def after_a_servers_error_the_outcome_is_unknown_and_a_repeat_heals(case: AdapterCase) -> None:
    for status in (500, 502, 503, 504):
        case.fault(error_rate=1.0, status=status)
        with pytest.raises(OutcomeUnknown):
            case.push(case.count(3))
    assert case.line()["available"] == 0
    case.fault()
    case.open(3)
    assert case.line()["available"] == 3


@needs(PUSH)
def after_a_lost_answer_the_outcome_is_unknown_and_a_repeat_is_harmless(case: AdapterCase) -> None:
    case.adapter.check_access(case.session, case.prop)  # a token, where there are any, is there before
    impatient = case.impatient()
    impatient.tokens = case.session.tokens
    case.fault(timeout_after_apply=True)
    with pytest.raises(OutcomeUnknown):
        case.push(case.count(3), session=impatient)
    assert case.line()["available"] == 3, "the vendor had applied it"
    case.fault()
    case.open(3)
    assert case.line()["available"] == 3


@needs(PUSH)
def without_a_connection_nothing_has_happened(case: AdapterCase) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    nowhere = case.with_session(base_urls=dict.fromkeys(case.session.base_urls, f"http://127.0.0.1:{port}"))
    with pytest.raises(Transient):
        case.push(case.count(3), session=nowhere)


@needs(PUSH)
def an_answer_in_a_broken_format_is_no_success(case: AdapterCase) -> None:
    case.adapter.check_access(case.session, case.prop)
    case.fault(bad_schema=True)
    with pytest.raises((ContractBroken, OutcomeUnknown)):
        case.push(case.count(3))


@needs(PUSH)
def wrong_credentials_are_not_authorised(case: AdapterCase) -> None:
    secrets = {secret.name for secret in case.installed.manifest.secrets if not secret.optional}
    assert secrets <= set(case.session.credentials), "the world does not name its credentials as the manifest does"
    wrong = {
        name: value[:-1] + ("a" if value[-1] != "a" else "b") if name in secrets else value
        for name, value in case.session.credentials.items()
    }
    with pytest.raises(NotAuthorised) as caught:
        case.push(case.count(3), session=case.with_session(credentials=wrong))
    assert not any(wrong[name] in str(caught.value) for name in secrets), "the credential stands in the error"
    assert case.line()["available"] == 0


# Reading back and the catalogue


@needs(PUSH | {"read_back"})
def what_is_read_back_is_what_was_pushed(case: AdapterCase) -> None:
    terms = case.terms(nights=4, min_stay_arrival=2, max_stay=9, closed_to_departure=1)
    case.push(case.count(3, nights=4), terms)
    layouts = {case.room(): ROOM_LAYOUT, case.product(): product_layout(case.adults, case.restrictions)}
    held = case.adapter.read_back(case.session, case.prop, layouts, case.day(0), case.day(3))
    assert set(held) == set(layouts)
    wanted = {case.room(): {AVAILABILITY: 3}, case.product(): terms.values}
    for target, calendar in held.items():
        assert (calendar.layout, calendar.first, calendar.last) == (layouts[target], case.day(0), case.day(3))
        for row in calendar.rows:
            said = {name: value for name, value in zip(calendar.layout, row, strict=True) if value is not None}
            assert said == {name: wanted[target][name] for name in said}
            assert said, "nothing at all was read back"


@needs({"catalogue"})
def the_catalogue_lists_the_rooms_and_rates_under_the_ids_that_are_pushed(case: AdapterCase) -> None:
    case.adapter.check_access(case.session, case.prop)
    rooms = {room.id: {rate.id for rate in room.rates} for room in case.adapter.list_rooms(case.session, case.prop)}
    for found in case.ids["rooms"].values():
        assert set(found["rates"].values()) <= rooms[found["id"]]
    assert case.foreign_room().room not in rooms


# Bookings


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
    found = case.adapter.list_bookings(case.session, case.prop, since)
    assert reference in {revision.reference for message in found for revision in read(case, message)}


# What the checks are made of


def cells(updates: Iterable[AriUpdate]) -> set[tuple[Target, date, str, int]]:
    """Every single value that the updates say."""
    return {
        (update.target, update.first + timedelta(days=night), name, value)
        for update in updates
        for night in range(update.nights)
        for name, value in update.values.items()
    }


def refused_cells(updates: Iterable[AriUpdate], result: PushResult) -> set[tuple[Target, date, str, int]]:
    return {
        cell
        for cell in cells(updates)
        for refusal in result.refused
        if cell[0] == refusal.target
        and refusal.first <= cell[1] <= refusal.last
        and (not refusal.fields or cell[2] in refusal.fields)
    }


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
