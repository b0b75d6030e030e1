"""A revision read into our words; whatever comes, nothing but ContractBroken is raised."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.channels.channex import bookings
from innsync.channels.channex.adapter import ADAPTER
from innsync.domain.channel import RevisionKind
from innsync.domain.money import Money
from innsync.integrations.errors import ContractBroken


def read(entry):
    (revision,) = ADAPTER.parse_booking(bookings.cut_out(entry))
    return revision


def euros(*amounts):
    return tuple(Money.parse(amount, "EUR") for amount in amounts)


@pytest.fixture
def new(fixture_json):
    return fixture_json("booking_new")


def test_a_new_booking(new):
    revision = read(new)
    assert revision.reference == "77aa0000-0000-4000-8000-000000000001"
    assert revision.kind is RevisionKind.NEW
    assert revision.source == "Booking.com"
    assert revision.booked_at == datetime(2027, 3, 1, 8, tzinfo=UTC)
    assert (revision.total, revision.commission) == euros("270.00", "40.50")
    assert revision.special_requests == "Late arrival, please. 🙏"
    guest = revision.guest
    assert (guest.name, guest.email, guest.country, guest.language) == (
        "Zoë Müller-Ångström",
        "zoe.1@guest.example",
        "DE",
        "de",
    )
    (room,) = revision.rooms
    assert (room.stay.check_in, room.stay.check_out) == (date(2027, 7, 3), date(2027, 7, 5))
    assert room.nightly == euros("150.00", "120.00")  # in the order of the nights, not of the message
    assert room.total == Money(27000, "EUR")
    assert (room.adults, room.child_ages, room.guest_name) == (2, (), "Zoë Müller-Ångström")
    assert not room.cancelled


@pytest.mark.parametrize(
    ("said", "read_as"),
    [
        ("18:30", time(18, 30)),
        ("9:05", time(9, 5)),
        ("24:00", None),
        ("evening", None),
        ("", None),
        (None, None),
        (18, None),
    ],
)
def test_a_time_of_arrival_that_cannot_be_read_is_not_known_and_refuses_nothing(new, said, read_as):
    new["attributes"]["arrival_hour"] = said
    assert read(new).arrival_time == read_as


def test_the_message_is_identified_by_its_revision_and_valid_on_its_own(new):
    message = bookings.cut_out(new)
    assert message.message_id == new["id"]
    assert message.property_ref == new["attributes"]["property_id"]
    assert message.booking_ref == new["attributes"]["booking_id"]
    assert message.acknowledge == {"revision": new["id"]}
    assert json.loads(message.body)["attributes"]["unique_id"] == "BDC-4000000001"


def test_the_travel_sites_own_text_is_left_out_for_the_cards_it_may_hold(new):
    assert b"4111111111111111" not in bookings.cut_out(new).body
    assert b'"737"' not in bookings.cut_out(new).body


def test_of_a_card_four_digits_are_known_at_most(new, fixture_json):
    new["attributes"]["guarantee"] |= {"card_number": "4111111111111111", "cvv": "737"}
    revision = read(new)
    assert revision.payment == {
        "collect": "property",
        "type": "credit_card",
        "virtual": False,
        "card_type": "VI",
        "last4": "1111",
    }
    assert "4111111111111111" not in repr(revision)
    virtual = read(fixture_json("booking_expedia_virtual_card")).payment
    assert (virtual["collect"], virtual["virtual"], virtual["last4"], virtual["active_from"]) == (
        "channel",
        True,
        "4444",
        "2027-07-03",
    )


def test_a_scrubbed_message_can_still_be_read(new):
    message = bookings.cut_out(new)
    whole = read(new)
    for scrubbed in (b"****************", b"************1111"):
        body = message.body.replace(b"411111******1111", scrubbed)
        revision = bookings.read(body)
        assert revision.rooms == whole.rooms
        assert revision.payment.get("last4") == ("1111" if scrubbed.endswith(b"1111") else None)


def test_revisions_of_a_booking_sort_by_when_they_came_in(fixture_json):
    names = ["booking_new", "booking_dates_changed", "booking_cancelled_with_fee", "booking_two_rooms_one_dropped"]
    orders = [read(fixture_json(name)).order for name in names]
    assert orders == sorted(orders)
    assert len(set(orders)) == 4


def test_a_changed_booking_is_a_full_picture_with_the_same_room(fixture_json):
    before, after = read(fixture_json("booking_new")), read(fixture_json("booking_dates_changed"))
    assert after.kind is RevisionKind.MODIFIED
    assert after.reference == before.reference
    assert after.rooms[0].ref == before.rooms[0].ref  # though booking_room_id is another one
    assert len(after.rooms[0].stay) == 3
    assert after.booked_at is None


def test_a_cancellation_keeps_its_fee_and_cancels_its_rooms(fixture_json):
    revision = read(fixture_json("booking_cancelled_with_fee"))
    assert revision.kind is RevisionKind.CANCELLED
    assert revision.total == Money(7650, "EUR")
    assert all(room.cancelled for room in revision.rooms)
    assert not revision.keeps_details


def test_a_cancellation_without_rooms_leaves_the_known_ones(new):
    new["attributes"] |= {"status": "cancelled", "rooms": []}
    revision = read(new)
    assert revision.rooms == ()
    assert revision.keeps_details


def test_a_dropped_room_a_derived_plan_and_children(fixture_json):
    kept, dropped = read(fixture_json("booking_two_rooms_one_dropped")).rooms
    assert (kept.cancelled, dropped.cancelled) == (False, True)
    assert (kept.ref, dropped.ref) == ("49", "50")
    assert dropped.rate == "a7e00000-0000-4000-8000-000000000002"  # the plan, not the option that was booked
    assert dropped.child_ages == (5, 11, 0)


def test_an_unmapped_room_without_names_is_read_all_the_same(fixture_json):
    revision = read(fixture_json("booking_airbnb_unmapped"))
    (room,) = revision.rooms
    assert (room.room, room.rate) == ("", "")
    assert room.child_ages == (4, -1)
    assert room.nightly == ()  # one of the two nights has no price
    assert room.total == Money(27001, "EUR")  # finer than a cent
    assert room.ref == "1"
    assert revision.source == "Airbnb"
    assert revision.guest.name == "日本 太郎"
    assert revision.payment == {"collect": "channel", "type": "bank_transfer"}


@pytest.mark.parametrize(
    ("unique_id", "ota_name", "source"),
    [
        ("EXP-1", "A-Expedia", "Expedia"),
        ("VRB-1", "VRBO", "Vrbo"),
        ("OC-1", "Seaside Tours", "Open Channel"),
        ("XYZ-1", "Seaside Tours", "Seaside Tours"),
        ("XYZ-1", None, "XYZ"),
        (None, None, ""),
    ],
)
def test_the_travel_site_is_told_by_its_code(new, unique_id, ota_name, source):
    new["attributes"] |= {"unique_id": unique_id, "ota_name": ota_name}
    assert read(new).source == source


def test_rooms_without_ids_of_their_own_are_told_apart_by_their_place(fixture_json):
    entry = fixture_json("booking_two_rooms_one_dropped")
    for room in entry["attributes"]["rooms"]:
        room["ota_unique_id"] = None
    assert [room.ref for room in read(entry).rooms] == ["1", "2"]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("status", "requested"),
        ("currency", None),
        ("currency", "€"),
        ("booking_id", None),
        ("property_id", ""),
        ("inserted_at", "yesterday"),
        ("amount", "a lot"),
        ("amount", "Infinity"),
        ("rooms", {"0": {}}),
        ("rooms", [None]),
        ("rooms", []),
        ("rooms", [{"checkin_date": "2027-07-05", "checkout_date": "2027-07-05"}]),
        ("rooms", [{"checkin_date": "2027-07-05"}]),
    ],
)
def test_what_makes_no_booking_breaks_the_contract(new, place, value):
    new["attributes"][place] = value
    with pytest.raises(ContractBroken):
        read(new)


UNREADABLE = [
    {},
    {"id": "x"},
    {"attributes": {}},
    {"id": "", "attributes": {}},
    {"id": 7, "attributes": []},
    None,
    "no",
]


@pytest.mark.parametrize("entry", UNREADABLE)
def test_an_entry_that_makes_no_sense_becomes_a_message_that_breaks_the_contract(entry):
    message = bookings.cut_out(entry)
    assert message.message_id == bookings.cut_out(entry).message_id
    assert json.loads(message.body) == entry
    with pytest.raises(ContractBroken):
        bookings.read(message.body)


def test_entries_that_differ_and_have_no_id_are_different_messages():
    ids = {bookings.cut_out(entry).message_id for entry in UNREADABLE}
    assert len(ids) == len(UNREADABLE)


def test_a_whole_booking_without_the_id_of_its_revision_is_read_all_the_same(new):
    del new["id"], new["attributes"]["id"]
    message = bookings.cut_out(new)
    assert message.acknowledge == {}
    (revision,) = ADAPTER.parse_booking(message)
    assert revision.reference == new["attributes"]["booking_id"]


def test_the_id_that_is_made_for_an_entry_says_nothing_of_its_card(new):
    del new["id"], new["attributes"]["id"]
    before = bookings.cut_out(new).message_id
    new["attributes"]["guarantee"] = {"card_number": "4111111111111111", "cvv": "737"}
    assert bookings.cut_out(new).message_id == before


def test_a_truncated_message_breaks_the_contract(new):
    body = bookings.cut_out(new).body
    for length in range(0, len(body), 7):
        with pytest.raises(ContractBroken):
            bookings.read(body[:length])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.data(), json_values)
def test_strange_values_break_the_contract_or_are_read(data, strange):
    entry = json.loads(TEMPLATE)
    path = data.draw(st.sampled_from(PATHS))
    holder = entry
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = strange
    try:
        bookings.read(json.dumps(entry).encode("utf-8", "surrogatepass"))
    except ContractBroken:
        return


@given(st.binary(max_size=200))
def test_garbage_breaks_the_contract(body):
    with pytest.raises(ContractBroken):
        bookings.read(body)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"attributes":' * 5000, b"null", b"[]", b'"text"', b"\xff\xfe"])
def test_deep_or_foreign_input_breaks_the_contract(body):
    with pytest.raises(ContractBroken):
        bookings.read(body)


def paths(value, path=()):
    found = []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        found += [(*path, key), *paths(inner, (*path, key))]
    return found


FIXTURE = bookings.__file__.replace("bookings.py", "fixtures/booking_two_rooms_one_dropped.json")
with open(FIXTURE, encoding="utf-8") as file:
    TEMPLATE = file.read()
PATHS = paths(json.loads(TEMPLATE))
