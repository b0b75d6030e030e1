"""Bookings from Channex's world over loopback HTTP: none lost, none twice, each acknowledged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from innsync.channels.channex.adapter import ADAPTER
from innsync.channels.channex.client import Client
from innsync.domain.channel import RevisionKind
from innsync.integrations.errors import ContractBroken, NotAuthorised, OutcomeUnknown, Transient
from innsync.integrations.ports import AckItem
from innsync.integrations.simulation.world import PropertySpec, RateSpec, RoomSpec

from .conftest import NOV_21, NOW


def ack_item(message):
    return AckItem(message.message_id, message.property_ref, message.booking_ref, "CONF1", message.acknowledge, NOW)


@pytest.fixture
def drain(session):
    """Pull everything, read it, acknowledge it."""

    def run():
        page = ADAPTER.pull_bookings(session)
        revisions = [revision for message in page.messages for revision in ADAPTER.parse_booking(message)]
        results = ADAPTER.acknowledge(session, [ack_item(message) for message in page.messages])
        assert all(result.accepted for result in results)
        return revisions

    return run


# --- what the feed gives out


def test_new_changed_and_cancelled_in_one_feed_come_in_order(live, drain, world, stay):
    reference = world.book(stay(guest={"ota": "BDC"}), force=False, notify=True)
    world.change(reference, {"check_in": NOV_21 - timedelta(days=1), "adults": 1}, notify=True)
    world.cancel(reference, notify=True)
    revisions = drain()
    assert [revision.kind for revision in revisions] == [
        RevisionKind.NEW,
        RevisionKind.MODIFIED,
        RevisionKind.CANCELLED,
    ]
    assert [revision.order for revision in revisions] == sorted(revision.order for revision in revisions)
    assert {revision.reference for revision in revisions} == {reference}
    assert len({revision.rooms[0].ref for revision in revisions}) == 1
    assert drain() == []


@pytest.mark.parametrize("ota", ["BDC", "ABB", "EXP", "AGO"])
def test_a_booking_of_each_kind_of_site_is_read(live, drain, world, stay, prop, targets, ota):
    guest = {"ota": ota, "name": "Zoë 日本 Müller", "country": "jp", "language": "ja", "email": "z@guest.example"}
    world.book(stay(adults=2, child_ages=(3, 11, 0), guest=guest, special_requests="Spät"), force=False, notify=True)
    (revision,) = drain()
    (room,) = revision.rooms
    assert revision.property_ref == prop.id
    assert (room.room, room.rate) == (targets["twin bar"].room, targets["twin bar"].rate)
    assert (room.adults, sorted(room.child_ages)) == (2, [0, 3, 11])
    assert [str(night) for night in room.nightly] == ["100.00", "100.00"]
    assert str(revision.total) == "200.00"
    assert (revision.guest.name, revision.guest.country, revision.guest.language) == ("Zoë 日本 Müller", "JP", "ja")
    assert revision.special_requests == "Spät"
    assert revision.source == {"BDC": "Booking.com", "ABB": "Airbnb", "EXP": "Expedia", "AGO": "Agoda"}[ota]


def test_a_booking_of_several_rooms_of_which_one_is_dropped(live, drain, world, stay):
    reference = world.book(stay(rooms=3, guest={"ota": "BDC"}), force=False, notify=True)
    world.change(reference, {"rooms": 2}, notify=True)
    before, after = drain()
    assert [room.cancelled for room in before.rooms] == [False] * 3
    assert [room.cancelled for room in after.rooms] == [False, False, True]
    assert [room.ref for room in before.rooms] == [room.ref for room in after.rooms]
    assert (str(before.total), str(after.total)) == ("600.00", "400.00")


def test_an_unmapped_booking_is_read_and_acknowledged(live, drain, world, stay):
    world.book(stay(guest={"unmapped": "yes"}), force=False, notify=True)
    (revision,) = drain()
    assert (revision.rooms[0].room, revision.rooms[0].rate) == ("", "")
    assert drain() == []


def test_a_booking_of_an_occupancys_option_is_one_of_its_plan(world, session, drain, stay):
    rates = (RateSpec("bar", "BAR", (1, 2, 3)),)
    ids = world.add_property(PropertySpec("pp", "P", "EUR", "UTC", (RoomSpec("r", "R", 2, 3, 0, rates),)))
    world.book(stay(property="pp", room="r", adults=1), force=True, notify=True)
    (revision,) = drain()
    assert revision.rooms[0].rate == ids["rooms"]["r"]["rates"]["bar"]


def test_no_card_number_gets_into_a_message_we_made(live, session, world, stay):
    prop = next(iter(world.state["properties"].values()))
    prop["clear_cards"] = True
    for ota in ("BDC", "EXP", "AGO"):
        world.book(stay(guest={"ota": ota}), force=True, notify=True)
    for message in ADAPTER.pull_bookings(session).messages:
        (revision,) = ADAPTER.parse_booking(message)
        assert not any(number in repr(revision) for number in ("4111111111111111", "5555555555554444", "'737'"))
        assert revision.payment["last4"] in ("1111", "4444")


def test_a_large_feed_comes_in_pages(live, session, world, stay):
    for _ in range(230):
        world.book(stay(), force=True, notify=True)
    session.settings = {"feed_pages": 2}
    page = ADAPTER.pull_bookings(session)
    assert (len(page.messages), page.more) == (200, True)
    ADAPTER.acknowledge(session, [ack_item(message) for message in page.messages])
    page = ADAPTER.pull_bookings(session)
    assert (len(page.messages), page.more) == (30, False)


def test_a_page_that_fails_keeps_back_no_page_before_it(live, session, world, stay, monkeypatch):
    for _ in range(130):
        world.book(stay(), force=True, notify=True)
    read = Client._page

    def failing_from_the_second(client: Client, path: str, operation: str, params: object, page: int) -> object:
        if page > 1:
            raise OutcomeUnknown("no answer")
        return read(client, path, operation, params, page)

    monkeypatch.setattr(Client, "_page", failing_from_the_second)
    page = ADAPTER.pull_bookings(session)
    assert len(page.messages) == 100
    assert isinstance(page.failure, OutcomeUnknown)


def test_redelivered_and_mixed_up_revisions_keep_their_identity_and_order(live, session, world, stay):
    references = [world.book(stay(), force=True, notify=True) for _ in range(3)]
    for reference in references:
        world.change(reference, {"adults": 1}, notify=True)
    world.faults = {"reorder": True, "duplicate": True}
    first = ADAPTER.pull_bookings(session).messages
    ADAPTER.acknowledge(session, [ack_item(message) for message in first])
    second = ADAPTER.pull_bookings(session).messages
    assert {message.message_id for message in first} == {message.message_id for message in second}
    assert len({message.message_id for message in first}) == 6
    revisions = sorted(
        (ADAPTER.parse_booking(message)[0] for message in first),
        key=lambda revision: (revision.reference, revision.order),
    )
    assert [revision.kind.value for revision in revisions] == ["new", "modified"] * 3
    ADAPTER.acknowledge(session, [ack_item(message) for message in second])
    assert ADAPTER.pull_bookings(session).messages == ()


# --- acknowledging


def test_acknowledging_says_one_thing_an_item(live, session, world, stay):
    world.book(stay(), force=False, notify=True)
    (message,) = ADAPTER.pull_bookings(session).messages
    unknown = AckItem("nobody-knows-it", "", "", "", {}, NOW)
    again = ack_item(message)
    results = ADAPTER.acknowledge(session, [ack_item(message), unknown, again])
    assert [(result.accepted, result.final) for result in results] == [(True, False), (False, True), (True, False)]
    assert ADAPTER.acknowledge(session, []) == []


def test_acknowledging_stops_when_nobody_answers(live, session, world, stay, answering):
    items = [AckItem(str(number), "", "", "", {}, NOW) for number in range(5)]
    results = ADAPTER.acknowledge(answering(503, b"down"), items)
    assert [(result.message_id, result.accepted, result.final) for result in results] == [
        ("0", False, False),
        ("1", False, False),
        ("2", False, False),
    ]
    with pytest.raises(NotAuthorised):
        ADAPTER.acknowledge(answering(401, b"{}"), items)


def test_a_call_that_fails_takes_no_other_acknowledgement_with_it(live, session, world, stay, monkeypatch):
    for _ in range(4):
        world.book(stay(), force=True, notify=True)
    messages = ADAPTER.pull_bookings(session).messages
    acknowledge = Client.acknowledge

    def failing_now_and_then(client: Client, revision: str) -> None:
        if revision in (messages[0].acknowledge["revision"], messages[2].acknowledge["revision"]):
            raise Transient("an error on demand")
        acknowledge(client, revision)

    monkeypatch.setattr(Client, "acknowledge", failing_now_and_then)
    results = ADAPTER.acknowledge(session, [ack_item(message) for message in messages])
    assert [result.accepted for result in results] == [False, True, False, True]


# --- the second look


def test_the_second_look_finds_what_the_feed_lost(live, session, prop, world, stay, recorder):
    old = world.book(stay(), force=False, notify=True)
    world.clock.shift_s += 86_400
    since = world.clock.now()
    world.clock.shift_s += 600
    lost = world.book(stay(NOV_21 + timedelta(days=9)), force=False, notify=False)
    world.change(old, {"adults": 1}, notify=False)
    world.cancel(old, notify=False)
    found = ADAPTER.list_bookings(session, prop, since).messages
    revisions = {message.booking_ref: ADAPTER.parse_booking(message)[0] for message in found}
    assert {reference: revision.kind.value for reference, revision in revisions.items()} == {
        lost: "new",
        old: "cancelled",
    }
    assert [one.unacknowledged for one in found] == [True] * 3, "nobody acknowledged the change before the cancellation"
    # The same revision has the same identity wherever it is read.
    waiting = {message.message_id for message in ADAPTER.pull_bookings(session).messages}
    everything = ADAPTER.list_bookings(session, prop, since - timedelta(days=30)).messages
    assert len(everything) == 4
    assert waiting
    assert waiting <= {message.message_id for message in everything}
    assert not [seen for seen in recorder.seen if seen.path.startswith("/api/v1/bookings")]
    ADAPTER.acknowledge(session, [ack_item(message) for message in everything])
    taken = ADAPTER.list_bookings(session, prop, since - timedelta(days=30)).messages
    assert [(one.booking_ref, one.unacknowledged) for one in taken] == [(lost, False), (old, False)], (
        "the newest of each"
    )


def test_the_second_look_ends_at_its_date_even_where_the_filter_is_ignored(answering, prop, fixture_json):
    new, old = fixture_json("booking_new"), fixture_json("booking_expedia_virtual_card")
    old["attributes"]["inserted_at"] = "2027-02-01T00:00:00.000000"
    session = answering(200, {"data": [new, old], "meta": {"total": 2}})
    found = ADAPTER.list_bookings(session, prop, datetime(2027, 2, 28, tzinfo=UTC)).messages
    assert [message.message_id for message in found] == [new["id"]]


# --- foreign shapes


POISON = [{"id": "x"}, {"attributes": {"booking_id": "b"}}, "no entry at all", None]


def test_entries_of_a_foreign_shape_hide_no_other_from_the_feed_nor_from_the_second_look(answering, prop, fixture_json):
    new = fixture_json("booking_new")
    session = answering(200, {"data": [*POISON[:2], new, *POISON[2:]], "meta": {}})
    pulled = ADAPTER.pull_bookings(session).messages
    assert len({message.message_id for message in pulled}) == 5
    assert new["id"] in {message.message_id for message in pulled}
    listed = ADAPTER.list_bookings(session, prop, datetime(2027, 2, 28, tzinfo=UTC)).messages
    assert {message.message_id for message in listed} == {message.message_id for message in pulled}


def test_what_came_without_an_id_is_not_acknowledged_and_keeps_no_other_from_being(answering, fixture_json):
    pulled = ADAPTER.pull_bookings(answering(200, {"data": ["no entry", fixture_json("booking_new")], "meta": {}}))
    items = [
        AckItem(one.message_id, one.property_ref, one.booking_ref, "INN-1", one.acknowledge, datetime.now(UTC))
        for one in pulled.messages
    ]
    good, poison = ADAPTER.acknowledge(answering(200, {"meta": {"message": "Success"}}), items)
    assert (good.accepted, poison.accepted, poison.final) == (True, False, True)


def test_the_feed_of_a_foreign_shape_breaks_the_contract(answering, world, session):
    for data in ({"id": "x"}, "no list", None):
        with pytest.raises(ContractBroken):
            ADAPTER.pull_bookings(answering(200, {"data": data, "meta": {}}))
    world.faults = {"bad_schema": True}
    with pytest.raises(ContractBroken):
        ADAPTER.pull_bookings(session)
