"""The adapter against its simulator over loopback HTTP, and against canned answers where it is the odd one."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from innsync.channels.channex import adapter as adapter_module
from innsync.channels.channex.adapter import ADAPTER
from innsync.channels.channex.client import Client
from innsync.domain.ari import AriUpdate, Calendar, Target, difference, product_layout
from innsync.domain.channel import RevisionKind
from innsync.integrations.errors import (
    ContractBroken,
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
)
from innsync.integrations.http import Session
from innsync.integrations.manifest import adapter as installed
from innsync.integrations.ports import AckItem, PropertyRef, Push
from innsync.integrations.simulation.world import PropertySpec, RateSpec, RoomSpec

NOV_21 = date(2026, 11, 21)
NOW = datetime(2026, 10, 20, tzinfo=UTC)


def ack_item(message):
    return AckItem(message.message_id, message.property_ref, message.booking_ref, "CONF1", message.acknowledge, NOW)


def push_of(*updates):
    return Push("restrictions", updates, b'{"values":[]}', ("restrictions",))


def price(target, first, last, minor=10000):
    return AriUpdate(target, first, last, {"price_2": minor}, "USD")


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


def test_the_adapter_does_what_its_manifest_says():
    found = installed("channex")
    assert found.implementation is ADAPTER
    assert found.manifest.owns_decrement
    assert found.manifest.horizon_days == 500


# --- pushing


def test_what_was_pushed_is_read_back(live, session, prop, targets):
    live.edit(targets["twin"], NOV_21, NOV_21 + timedelta(days=3), availability=0)
    live.edit(targets["twin bar"], NOV_21, NOV_21 + timedelta(days=9), price_2=33300, max_stay=4, closed_to_arrival=1)
    live.edit(targets["double bb"], NOV_21, min_stay_arrival=3, min_stay_through=2, stop_sell=1, closed_to_departure=1)
    live.sync()
    last = live.today + timedelta(days=499)
    layouts = {target: calendar.layout for target, calendar in live.wanted.items()}
    held = ADAPTER.read_back(session, prop, layouts, live.today, last)
    for target, wanted in live.wanted.items():
        found = held[target]
        differing = [
            (found.first + timedelta(days=day), field)
            for day, (new, old) in enumerate(zip(wanted.rows, found.rows, strict=True))
            for field, value, known in zip(wanted.layout, new, old, strict=True)
            if known is not None and known != value
        ]
        assert differing == []
    closed = held[targets["twin bar"]].row(NOV_21)
    assert closed[5] is None  # a night without rooms does not say


def test_the_audit_sees_what_somebody_else_changed(live, session, prop, targets, world):
    plan_id = targets["twin bar"].rate
    world.state["rates"][plan_id][NOV_21.isoformat()] = "1.00"
    world.state["availability"][targets["twin"].room][NOV_21.isoformat()] = 5
    layouts = {target: calendar.layout for target, calendar in live.wanted.items()}
    held = ADAPTER.read_back(session, prop, layouts, NOV_21, NOV_21)
    for name, expected in [("twin bar", {"price_2": 10000}), ("twin", {"availability": 8}), ("double", {})]:
        target = targets[name]
        found = difference(
            target,
            Calendar(NOV_21, held[target].layout, (live.wanted[target].row(NOV_21),)),
            held[target],
            currency="USD",
        )
        assert [update.values for update in found] == ([expected] if expected else [])


def test_prices_for_each_occupancy_go_out_and_come_back(world, session):
    rates = (RateSpec("bar", "BAR", (1, 2, 3)),)
    ids = world.add_property(PropertySpec("pp", "P", "JPY", "UTC", (RoomSpec("r", "R", 2, 3, 0, rates),)))
    prop = PropertyRef(ids["id"], "JPY", "UTC")
    room = ids["rooms"]["r"]
    target = Target(room["id"], room["rates"]["bar"])
    layout = product_layout((1, 2, 3), ("stop_sell",))
    wanted = Calendar(NOV_21, layout, ((0, 9000, 12000, 15000), (1, 9500, 12500, 15500)))
    rooms = Target(room["id"])
    updates = [
        AriUpdate(rooms, NOV_21, NOV_21 + timedelta(days=1), {"availability": 2}, "JPY"),
        *difference(target, wanted, Calendar.unknown(NOV_21, 2, layout), currency="JPY"),
    ]
    for push in ADAPTER.plan_push(prop, updates):
        assert not ADAPTER.send_push(session, prop, push).refused
    found = ADAPTER.read_back(session, prop, {target: layout}, NOV_21, NOV_21 + timedelta(days=1))
    assert found == {target: wanted}


def test_twice_the_same_push_is_once(live, session, prop, targets, world):
    live.edit(targets["twin"], NOV_21, availability=3)
    (push,) = live.plan()
    first = ADAPTER.send_push(session, prop, push)
    before = world.calendar("test-property", NOV_21, NOV_21)
    second = ADAPTER.send_push(session, prop, push)
    assert world.calendar("test-property", NOV_21, NOV_21) == before
    assert first.reference != second.reference
    assert Client(session).task(first.reference)["attributes"]["success"] is True


@pytest.mark.parametrize("bad", ["price", "past", "behind the horizon", "foreign"])
def test_of_a_push_only_the_bad_cells_are_refused(session, prop, targets, world, bad, ids):
    good = price(targets["twin bar"], NOV_21, NOV_21 + timedelta(days=2), 33300)
    wrong = {
        "price": price(targets["double bar"], NOV_21, NOV_21, 0),
        "past": price(targets["double bar"], date(2026, 10, 1), date(2026, 10, 2)),
        "behind the horizon": price(targets["double bar"], date(2028, 10, 1), date(2028, 10, 1)),
        "foreign": price(Target("room", "plan of another property"), NOV_21, NOV_21),
    }[bad]
    (push,) = ADAPTER.plan_push(prop, [good, wrong])
    result = ADAPTER.send_push(session, prop, push)
    assert result.reference
    (refusal,) = result.refused
    assert (refusal.target, refusal.first, refusal.last) == (wrong.target, wrong.first, wrong.last)
    assert refusal.fields == ("price_2",)
    assert refusal.words
    lines = world.calendar("test-property", NOV_21, NOV_21)
    assert [line["amount"] for line in lines] == ["333.00", None, None, None]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("min_stay_arrival", 4),
        ("min_stay_through", 5),
        ("max_stay", 6),
        ("closed_to_arrival", 1),
        ("closed_to_departure", 1),
        ("stop_sell", 1),
        ("price_2", 7700),
        ("availability", 5),
    ],
)
def test_every_field_alone_arrives(live, session, prop, targets, field, value):
    """Nothing is silently dropped: a cell arrives, or it is refused."""
    target = targets["twin" if field == "availability" else "twin bb"]
    live.edit(target, NOV_21, **{field: value})
    (push,) = live.plan()
    assert not ADAPTER.send_push(session, prop, push).refused
    held = ADAPTER.read_back(session, prop, {target: (field,)}, NOV_21, NOV_21)
    assert held[target].rows == ((value,),)


def test_an_answer_without_a_task_applied_nothing(answering, prop, fixture_json):
    answer = fixture_json("write_wholly_refused")
    target = Target("room", answer["meta"]["warnings"][0]["rate_plan_id"])
    named, unnamed = (
        price(target, date(2027, 7, 1), date(2027, 7, 9)),
        price(target, date(2027, 8, 1), date(2027, 8, 2)),
    )
    result = ADAPTER.send_push(answering(200, answer), prop, push_of(named, unnamed))
    assert result.reference == ""
    assert [(refusal.first, refusal.last) for refusal in result.refused] == [
        (named.first, named.last),
        (unnamed.first, unnamed.last),
    ]


def test_nothing_applied_without_a_reason_is_a_rejection(answering, prop, targets):
    session = answering(200, {"data": [], "meta": {"message": "Success"}})
    with pytest.raises(Rejected):
        ADAPTER.send_push(session, prop, push_of(price(targets["twin bar"], NOV_21, NOV_21)))


def test_a_riddle_beside_a_success_leaves_everything_unknown(answering, prop, targets):
    warnings = [{"warning": {"rate": ["no"]}, "rate_plan_id": "another"}]
    session = answering(200, {"data": [{"id": "t", "type": "task"}], "meta": {"warnings": warnings}})
    with pytest.raises(OutcomeUnknown):
        ADAPTER.send_push(session, prop, push_of(price(targets["twin bar"], NOV_21, NOV_21)))


def test_a_range_that_began_yesterday_is_said_again_and_not_given_up(session, prop, targets, world, monkeypatch):
    """Planned before the property's midnight, sent after it."""

    class Midnight(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2026, 10, 20, 0, 0, 1, tzinfo=tz)

    monkeypatch.setattr(adapter_module, "datetime", Midnight)
    late = price(targets["twin bar"], date(2026, 10, 19), date(2026, 12, 1))
    (push,) = ADAPTER.plan_push(prop, [late])
    with pytest.raises(OutcomeUnknown):
        ADAPTER.send_push(session, prop, push)
    (push,) = ADAPTER.plan_push(prop, [price(targets["twin bar"], date(2026, 10, 20), date(2026, 12, 1))])
    assert not ADAPTER.send_push(session, prop, push).refused


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{",
        b"<html>",
        b"[]",
        b"7",
        b"\xff",
        {},
        {"data": {}},
        {"data": ["x"]},
        {"data": [], "meta": []},
        {"data": [], "meta": {"warnings": ["x"]}},
        {"data": [], "meta": {"warnings": 3}},
        {"errors": {"code": "strange"}},
    ],
)
def test_an_answer_we_cannot_read_breaks_the_contract(answering, prop, targets, answer):
    with pytest.raises(ContractBroken):
        ADAPTER.send_push(answering(200, answer), prop, push_of(price(targets["twin bar"], NOV_21, NOV_21)))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Rejected),
        (401, NotAuthorised),
        (403, NotAuthorised),
        (404, Rejected),
        (422, Rejected),
        (429, RateLimited),
        (500, OutcomeUnknown),
        (503, OutcomeUnknown),
    ],
)
def test_a_status_says_what_happens_next(answering, prop, targets, status, error, fixture_json):
    session = answering(status, fixture_json("error_429"))
    with pytest.raises(error):
        ADAPTER.send_push(session, prop, push_of(price(targets["twin bar"], NOV_21, NOV_21)))


def test_an_answer_that_is_lost_after_the_change_was_made_can_be_said_again(live, prop, targets, base_url, world):
    """The simulator applies; the connection breaks before the answer."""

    class Cut(httpx.BaseTransport):
        def __init__(self):
            self.inner = httpx.HTTPTransport()

        def handle_request(self, request):
            self.inner.handle_request(request).read()
            raise httpx.ReadTimeout("cut", request=request)

        def close(self):
            self.inner.close()

    live.edit(targets["twin"], NOV_21, availability=0)
    (push,) = live.plan()
    with httpx.Client(transport=Cut()) as client:
        broken = Session(
            "channex", "a", {"api": base_url}, {"api_key": "channex-sandbox-key"}, client, allow_private=True
        )
        with pytest.raises(OutcomeUnknown):
            ADAPTER.send_push(broken, prop, push)
    assert world.calendar("test-property", NOV_21, NOV_21)[0]["available"] == 0
    assert not ADAPTER.send_push(live.session, prop, push).refused


def test_no_connection_is_transient(prop, targets):
    with httpx.Client(trust_env=False) as client:
        session = Session("channex", "a", {"api": "http://127.0.0.1:1"}, {"api_key": "k"}, client, allow_private=True)
        with pytest.raises(Transient):
            ADAPTER.send_push(session, prop, push_of(price(targets["twin bar"], NOV_21, NOV_21)))


def test_a_wrong_key_is_not_authorised(session, prop):
    session.credentials = {"api_key": "wrong"}
    for attempt in (
        lambda: ADAPTER.check_access(session, prop),
        lambda: ADAPTER.pull_bookings(session),
        lambda: ADAPTER.list_rooms(session, prop),
    ):
        with pytest.raises(NotAuthorised):
            attempt()


def test_each_call_draws_on_its_limit_and_closings_may_use_the_reserve(live, session, prop, targets):
    taken = []

    class Limiter:
        def take(self, *, limits, property_id, urgent):
            taken.append((tuple(limits), property_id, urgent))

        def penalise(self, *, limits, property_id, pause):
            raise AssertionError("nothing was too much")

    session.limiter = Limiter()
    live.edit(targets["twin"], NOV_21, availability=0)
    live.edit(targets["twin bar"], NOV_21, price_2=1200)
    live.sync()
    ADAPTER.pull_bookings(session)
    ADAPTER.read_back(session, prop, {targets["twin"]: ("availability",)}, NOV_21, NOV_21)
    assert taken == [
        (("availability",), prop.id, True),
        (("restrictions",), prop.id, False),
        (("account",), "", False),
        (("availability",), prop.id, False),
    ]


def test_the_key_goes_in_its_header_and_nowhere_else(session, prop, recorder):
    ADAPTER.check_access(session, prop)
    (seen,) = recorder.seen
    assert seen.headers["user-api-key"] == "channex-sandbox-key"
    assert "channex-sandbox-key" not in seen.query + seen.path


# --- bookings


def test_new_changed_and_cancelled_in_one_feed_come_in_order(live, drain, world, stay):
    reference = world.book(stay(guest={"ota": "BDC"}), force=False, notify=True)
    world.change(reference, {"check_in": NOV_21 - timedelta(days=1), "adults": 1}, notify=True)
    world.cancel(reference, notify=True)
    revisions = drain()
    assert [revision.kind for revision in revisions] == list(RevisionKind)
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


def test_the_second_look_finds_what_the_feed_lost(live, session, prop, world, stay, recorder):
    old = world.book(stay(), force=False, notify=True)
    world.clock.shift_s += 86_400
    since = world.clock.now()
    world.clock.shift_s += 600
    lost = world.book(stay(NOV_21 + timedelta(days=9)), force=False, notify=False)
    world.change(old, {"adults": 1}, notify=False)
    world.cancel(old, notify=False)
    found = ADAPTER.list_bookings(session, prop, since)
    revisions = {message.booking_ref: ADAPTER.parse_booking(message)[0] for message in found}
    assert {reference: revision.kind.value for reference, revision in revisions.items()} == {
        lost: "new",
        old: "cancelled",
    }
    assert len(found) == 2
    # The same revision has the same identity wherever it is read.
    waiting = {message.message_id for message in ADAPTER.pull_bookings(session).messages}
    everything = ADAPTER.list_bookings(session, prop, since - timedelta(days=30))
    assert len(everything) == 2
    assert not waiting & {message.message_id for message in everything}  # the first revision was followed by others
    assert not [seen for seen in recorder.seen if seen.path.startswith("/api/v1/bookings")]


def test_the_second_look_ends_at_its_date_even_where_the_filter_is_ignored(answering, prop, fixture_json):
    new, old = fixture_json("booking_new"), fixture_json("booking_expedia_virtual_card")
    old["attributes"]["inserted_at"] = "2027-02-01T00:00:00.000000"
    session = answering(200, {"data": [new, old], "meta": {"total": 2}})
    found = ADAPTER.list_bookings(session, prop, datetime(2027, 2, 28, tzinfo=UTC))
    assert [message.message_id for message in found] == [new["id"]]


POISON = [{"id": "x"}, {"attributes": {"booking_id": "b"}}, "no entry at all", None]


def test_entries_of_a_foreign_shape_hide_no_other_from_the_feed_nor_from_the_second_look(answering, prop, fixture_json):
    new = fixture_json("booking_new")
    session = answering(200, {"data": [*POISON[:2], new, *POISON[2:]], "meta": {}})
    pulled = ADAPTER.pull_bookings(session).messages
    assert len({message.message_id for message in pulled}) == 5
    assert new["id"] in {message.message_id for message in pulled}
    listed = ADAPTER.list_bookings(session, prop, datetime(2027, 2, 28, tzinfo=UTC))
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


# --- webhooks


def test_a_registered_webhook_reaches_us_and_is_believed(live, session, prop, world, stay):
    secret = "a long random text"
    for _ in range(5):
        ADAPTER.register_webhook(session, prop, "http://127.0.0.1:9/hook", secret)
    assert len(world.state["webhooks"]) == 1
    world.book(stay(), force=False, notify=True)
    calls = world.outgoing()
    assert len(calls) == 1
    headers = {name.lower(): value for name, value in calls[0].headers.items()}
    result = ADAPTER.receive(headers=headers, body=calls[0].body, secrets=["old", secret], now=NOW)
    assert result.poll
    ADAPTER.register_webhook(session, prop, "http://127.0.0.1:9/hook", "rotated")
    assert next(iter(world.state["webhooks"].values()))["headers"] == {"X-Channex-Webhook-Secret": "rotated"}


def test_a_property_can_be_set_up_to_announce_its_bookings(world, stay):
    settings = {"webhook_url": "http://127.0.0.1:9/hook", "webhook_secret": "s"}
    rooms = (RoomSpec("r", "R", 2, rates=(RateSpec("b", "B"),)),)
    for _ in range(2):
        world.add_property(PropertySpec("told", "T", "EUR", "UTC", rooms, settings))
    world.book(stay(property="told", room="r", rate="b"), force=True, notify=True)
    (call,) = world.outgoing()
    assert json.loads(call.body)["event"] == "booking"


# --- catalogue


def test_the_whole_catalogue_is_read_whatever_its_size(world, session):
    rates = tuple(RateSpec(f"p{n}", f"Plan {n}", (1, 2), read_only=n == 3) for n in range(4))
    rooms = tuple(RoomSpec(f"r{n}", f"Room {n}", 1, rates=rates) for n in range(60))
    ids = world.add_property(PropertySpec("big", "Big", "EUR", "UTC", rooms))
    found = ADAPTER.list_rooms(session, PropertyRef(ids["id"], "EUR", "UTC"))
    assert [room.name for room in found] == [f"Room {n}" for n in range(60)]
    assert {room.id: {rate.id for rate in room.rates} for room in found} == {
        room["id"]: set(room["rates"].values()) for room in ids["rooms"].values()
    }
    plain, derived = found[0].rates[0], found[0].rates[3]
    assert (plain.occupancies, plain.currency, plain.read_only) == ((1, 2), "EUR", False)
    assert derived.read_only


def test_a_property_we_may_not_see_is_rejected(session, prop):
    ADAPTER.check_access(session, prop)
    with pytest.raises(Rejected):
        ADAPTER.check_access(session, PropertyRef("another", "EUR", "UTC"))
