"""The mapping alone: plans, answers, bookings; no vendor, no network."""

from __future__ import annotations

import contextlib
import copy
import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from innsync.channels.booking_com import client
from innsync.channels.booking_com.mapping import answers, ari, bookings, readback, recovery
from innsync.channels.booking_com.mapping.xml import read_xml
from innsync.domain.ari import (
    AVAILABILITY,
    RESTRICTIONS,
    AriUpdate,
    Calendar,
    Target,
    apply,
    difference,
    product_layout,
)
from innsync.domain.channel import RevisionKind
from innsync.domain.money import Money
from innsync.integrations.errors import ContractBroken, NeedsSetup, NotAuthorised, OutcomeUnknown, Rejected
from innsync.integrations.ports import PropertyRef, Push, RawMessage

FIXTURES = Path(__file__).parent.parent / "fixtures"
PROP = PropertyRef("9001001", "EUR", "Europe/Lisbon")
ROOM, PRODUCT = Target("900100101"), Target("900100101", "7700001")
LAYOUT = product_layout((1, 2))
DAY = date(2027, 1, 20)


def fixture(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def messages(name: str) -> list[RawMessage]:
    return bookings.read_queue(fixture(name), operation="test")


# -- planning

rows = st.lists(
    st.tuples(*[st.integers(0, 2)] * len(RESTRICTIONS), st.integers(1000, 1003), st.integers(2000, 2003)),
    min_size=1,
    max_size=100,
)


@given(rows, st.lists(st.integers(0, 3), min_size=1, max_size=100))
def test_a_plan_says_exactly_the_given_updates(product_rows, counts):
    product = Calendar(DAY, LAYOUT, tuple(product_rows))
    room = Calendar(DAY, (AVAILABILITY,), tuple((count,) for count in counts))
    updates = [
        update
        for target, calendar in ((PRODUCT, product), (ROOM, room))
        for update in difference(
            target, calendar, Calendar.unknown(DAY, len(calendar.rows), calendar.layout), currency="EUR"
        )
    ]
    pushes = ari.plan(PROP, updates)
    planned = [update for push in pushes for update in push.updates]

    def said(target: Target, calendar: Calendar) -> Calendar:
        blank = Calendar.unknown(DAY, len(calendar.rows), calendar.layout)
        return apply(blank, [update for update in planned if update.target == target])

    assert said(PRODUCT, product) == product
    assert said(ROOM, room) == room
    cells = [
        (update.target, field, update.first + timedelta(days=offset))
        for update in planned
        for field in update.values
        for offset in range(update.nights)
    ]
    assert len(cells) == len(set(cells))


@given(st.dates(date(2027, 1, 1), date(2027, 12, 31)), st.integers(1, 800))
def test_months_cut_an_update_without_gap_or_overlap(first, nights):
    update = AriUpdate(PRODUCT, first, first + timedelta(days=nights - 1), {"price_2": 9900}, "EUR")
    parts = ari.split_by_month(update)
    assert sum(part.nights for part in parts) == nights
    assert all((part.first.year, part.first.month) == (part.last.year, part.last.month) for part in parts)
    assert (parts[0].first, parts[-1].last) == (update.first, update.last)
    assert len({(part.first.year, part.first.month) for part in parts}) == len(parts)


def test_a_plan_takes_the_fewest_requests():
    updates = [
        AriUpdate(ROOM, DAY, DAY + timedelta(days=364), {"availability": 3}, "EUR"),
        AriUpdate(PRODUCT, DAY, DAY + timedelta(days=364), {"stop_sell": 0, "price_1": 9500, "price_2": 11000}, "EUR"),
    ]
    operations = [push.operation for push in ari.plan(PROP, updates)]
    assert operations.count("OTA_HotelAvailNotif") == 1
    assert operations.count("OTA_HotelRateAmountNotif") == 13


def test_a_large_request_is_cut_with_the_closing_part_first():
    updates = [
        AriUpdate(ROOM, DAY + timedelta(days=n), DAY + timedelta(days=n), {"availability": n % 2}, "EUR")
        for n in range(1900)
    ]
    first, second = ari.plan(PROP, updates)
    assert len(ari.lines(first.updates)) == ari.MESSAGES_A_REQUEST
    assert len(ari.lines(second.updates)) == 900
    assert first.closes
    assert not second.closes


def test_neighbouring_dates_of_equal_values_become_one_message_whatever_cut_them():
    """A minimum stay that changes daily cuts the updates, but neither the flag nor the price."""
    updates = [
        AriUpdate(PRODUCT, day, day, {"min_stay_arrival": 1 + n % 2, "closed_to_arrival": 0, "price_2": 9900}, "EUR")
        for n, day in enumerate(DAY.replace(day=1) + timedelta(days=n) for n in range(10))
    ]
    rates, restrictions = ari.plan(PROP, updates)
    assert [(line.first.day, line.last.day, dict(line.values)) for line in ari.lines(rates.updates)] == [
        (1, 10, {"price_2": 9900})
    ]
    assert len(ari.lines(restrictions.updates)) == 11


@given(rows)
def test_the_messages_say_what_the_updates_say_each_cell_once(product_rows):
    calendar = Calendar(DAY, LAYOUT, tuple(product_rows))
    updates = difference(PRODUCT, calendar, Calendar.unknown(DAY, len(calendar.rows), LAYOUT), currency="EUR")
    said = [line for push in ari.plan(PROP, updates) for line in ari.lines(push.updates)]
    cells = {}
    for line in said:
        for offset in range((line.last - line.first).days + 1):
            for field, value in line.values.items():
                cell = (line.first + timedelta(days=offset), field)
                assert cell not in cells
                cells[cell] = value
        assert sum(field in ("stop_sell", "closed_to_arrival", "closed_to_departure") for field in line.values) <= 1
    assert cells == {
        (DAY + timedelta(days=night), field): value
        for night, row in enumerate(product_rows)
        for field, value in zip(LAYOUT, row, strict=True)
    }


def test_a_room_has_no_restrictions_and_a_rate_no_count():
    for target, values in ((ROOM, {"stop_sell": 1}), (PRODUCT, {"availability": 1})):
        with pytest.raises(NeedsSetup):
            ari.plan(PROP, [AriUpdate(target, DAY, DAY, values, "EUR")])


def test_each_closing_flag_has_a_message_of_its_own():
    values = {"min_stay_through": 2, "closed_to_arrival": 1, "closed_to_departure": 0, "stop_sell": 0}
    (push,) = ari.plan(PROP, [AriUpdate(PRODUCT, DAY, DAY, values, "EUR")])
    root = read_xml(push.body)
    statuses = [(element.get("Restriction"), element.get("Status")) for element in root.iter("{*}RestrictionStatus")]
    assert statuses == [("Master", "Open"), ("Arrival", "Close"), ("Departure", "Open")]
    assert [element.get("LocatorID") for element in root.iter("{*}AvailStatusMessage")] == ["1", "2", "3"]


def test_amounts_are_written_at_the_precision_of_their_currency():
    for currency, minor, written in (("EUR", 9550, "95.50"), ("JPY", 9550, "9550"), ("KWD", 9550, "9.550")):
        prop = PropertyRef("9001001", currency, "UTC", {"amounts": "before_tax"})
        (push,) = ari.plan(prop, [AriUpdate(PRODUCT, DAY, DAY, {"price_2": minor}, currency)])
        (entry,) = read_xml(push.body).iter("{*}BaseByGuestAmt")
        assert entry.get("AmountBeforeTax") == written
        assert entry.get("DecimalPlaces") == str(len(written.partition(".")[2]))


def test_a_plan_has_no_clock_and_its_time_is_added_when_it_leaves():
    (push,) = ari.plan(PROP, [AriUpdate(ROOM, DAY, DAY, {"availability": 1}, "EUR")])
    stamped = client.stamp(push.body, datetime(2027, 2, 1, 9, tzinfo=UTC))
    assert read_xml(push.body).get("TimeStamp") is None
    assert read_xml(stamped).get("TimeStamp") == "2027-02-01T09:00:00"


# -- answers


def push_of(*updates: AriUpdate) -> Push:
    (push,) = ari.plan(PROP, updates)
    return push


def test_an_error_without_a_record_id_is_traced_by_the_ids_in_its_words():
    good = AriUpdate(ROOM, DAY, DAY, {"availability": 1}, "EUR")
    bad = AriUpdate(Target("900100199"), DAY, DAY, {"availability": 1}, "EUR")
    result = answers.push_result(push_of(good, bad), 200, fixture("availability_without_record_ids.xml"))
    assert [refusal.target for refusal in result.refused] == [bad.target]
    assert result.reference == "abc"


def test_an_error_that_belongs_to_nothing_we_sent_leaves_the_outcome_unknown_or_rejects_all():
    push = push_of(AriUpdate(ROOM, DAY, DAY, {"availability": 1}, "EUR"))
    with pytest.raises(OutcomeUnknown):
        answers.push_result(push, 200, fixture("availability_without_record_ids.xml"))
    with pytest.raises(Rejected, match="900100199"):
        answers.push_result(push, 400, fixture("availability_without_record_ids.xml"))


def test_a_400_that_names_only_some_cells_rejects_all_since_nothing_was_applied():
    good = AriUpdate(ROOM, DAY, DAY, {"availability": 1}, "EUR")
    bad = AriUpdate(Target("900100199"), DAY, DAY, {"availability": 1}, "EUR")
    with pytest.raises(Rejected):
        answers.push_result(push_of(good, bad), 400, fixture("availability_without_record_ids.xml"))


def test_warnings_are_kept_and_refuse_nothing():
    result = answers.push_result(
        push_of(AriUpdate(ROOM, DAY, DAY, {"availability": 1}, "EUR")), 200, fixture("availability_warned.xml")
    )
    assert not result.refused
    assert "WARN_DUPLICATE_DATES" in result.warnings[0]


def test_the_old_fault_form_is_understood():
    push = push_of(AriUpdate(ROOM, DAY, DAY, {"availability": 1}, "EUR"))
    with pytest.raises(Rejected, match="own"):
        answers.push_result(push, 400, fixture("fault.xml"))
    with pytest.raises(Rejected, match="own"):
        readback.read_calendar(fixture("fault.xml"), PROP, operation="test")
    with pytest.raises(NotAuthorised):
        readback.read_catalogue(b'<fault code="403" string="Access denied"/>', PROP, operation="test")


HOSTILE = {
    "empty": b"",
    "garbage": b"\x00\xff\xfe<<<",
    "a page": b"<html><body>Service unavailable</body></html>",
    "json": b'{"errors": []}',
    "truncated": fixture("reservation_two_room_types.xml")[:700],
    "entity bomb": b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>',
    "external entity": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
    "utf-16 with a document type": '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x []><x/>'.encode("utf-16"),
    "deep": b"<a>" * 3000 + b"</a>" * 3000,
    "huge": b"<x>" + b" " * 20_000_001 + b"</x>",
    "wrong encoding": '<?xml version="1.0" encoding="UTF-8"?><x>é</x>'.encode("latin-1"),
    "unknown encoding": b'<?xml version="1.0" encoding="klingon"?><x/>',
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bytes_are_a_broken_contract_and_never_another_exception(body: bytes):
    push = push_of(AriUpdate(ROOM, DAY, DAY, {"availability": 1}, "EUR"))
    readers = (
        lambda: bookings.read_queue(body, operation="test"),
        lambda: bookings.parse_booking(RawMessage("m", "9001001", "4", "application/xml", body)),
        lambda: answers.push_result(push, 200, body),
        lambda: readback.read_calendar(body, PROP, operation="test"),
        lambda: readback.read_catalogue(body, PROP, operation="test"),
        lambda: recovery.read_missed(body, "9001001", operation="test"),
    )
    for read in readers:
        with pytest.raises(ContractBroken):
            read()


@pytest.mark.parametrize("subset", ["", '[<!ENTITY a "x">]', 'SYSTEM "file:///etc/passwd"'])
def test_a_good_message_with_a_document_type_is_refused(subset: str):
    whole = fixture("reservation_two_room_types.xml")
    typed = whole.replace(
        b"<OTA_HotelResNotifRQ", f"<!DOCTYPE OTA_HotelResNotifRQ {subset}><OTA_HotelResNotifRQ".encode(), 1
    )
    with pytest.raises(ContractBroken, match="document type"):
        bookings.read_queue(typed, operation="test")


@given(st.data())
def test_a_message_damaged_anywhere_parses_or_is_a_broken_contract(data):
    (message,) = messages("reservation_two_room_types.xml")
    start = data.draw(st.integers(0, len(message.body)))
    length = data.draw(st.integers(0, 40))
    damage = data.draw(st.binary(max_size=4))
    damaged = replace(message, body=message.body[:start] + damage + message.body[start + length :])
    with contextlib.suppress(ContractBroken):
        bookings.parse_booking(damaged)


@pytest.mark.parametrize(
    ("night", "nightly"), [(b"0001-01-01", ()), (b"2027-03-05", (Money(11000, "EUR"), Money(11050, "EUR")))]
)
def test_a_slip_in_a_year_leaves_out_the_prices_of_the_nights(night: bytes, nightly: tuple[Money, ...]):
    (message,) = messages("reservation_two_room_types.xml")
    slipped = message.body.replace(b'EffectiveDate="2027-03-05"', b'EffectiveDate="' + night + b'"', 1)
    (revision,) = bookings.parse_booking(replace(message, body=slipped))
    assert revision.rooms[0].nightly == nightly


def test_a_night_that_no_day_follows_is_a_broken_contract():
    (message,) = messages("reservation_two_room_types.xml")
    last = message.body.replace(b'EffectiveDate="2027-03-06"', b'EffectiveDate="9999-12-31"', 1)
    with pytest.raises(ContractBroken, match="4000000001"):
        bookings.parse_booking(replace(message, body=last))


@pytest.mark.parametrize("persons", ["101", "9" * 40, "-1", "two"])
def test_a_rate_for_more_people_than_a_room_can_hold_is_a_broken_contract(persons: str):
    said = f'<rooms><room id="1" room_name="A"><rates><rate id="2" max_persons="{persons}"/></rates></room></rooms>'
    with pytest.raises(ContractBroken):
        readback.read_catalogue(said.encode(), PROP, operation="test")


# -- bookings


def test_every_field_of_a_booking_of_two_room_types():
    (message,) = messages("reservation_two_room_types.xml")
    (revision,) = bookings.parse_booking(message)
    assert (message.property_ref, message.booking_ref) == ("9001001", "4000000001")
    assert (revision.reference, revision.kind) == ("4000000001", RevisionKind.NEW)
    assert (revision.total, revision.commission) == (Money(40050, "EUR"), Money(5100, "EUR"))
    assert revision.booked_at == datetime(2027, 2, 1, 9, tzinfo=UTC)
    assert revision.special_requests == "Late arrival\nTwin beds"
    assert (revision.guest.name, revision.guest.phone, revision.guest.country) == (
        "Ada Lovelace",
        "+44 20 7946 0000",
        "GB",
    )
    double, family = revision.rooms
    assert (double.ref, double.room, double.rate) == ("11", "900100101", "7700001")
    assert double.nightly == (Money(11000, "EUR"), Money(11050, "EUR"))
    assert (double.adults, double.child_ages, double.guest_name) == (2, (-1, -1), "Ada Lovelace")
    assert (family.ref, family.room, family.rate) == ("12", "900100102", "7700002")
    assert family.nightly == (Money(18000, "EUR"),)
    assert (family.adults, family.child_ages, family.guest_name) == (3, (6,), "Grace Hopper")
    assert (family.stay.check_in, family.stay.check_out) == (date(2027, 3, 5), date(2027, 3, 6))


def test_a_booking_without_prices_keeps_its_nights():
    """The net rate model leaves totals and commission out."""
    ((revision,),) = map(bookings.parse_booking, messages("reservation_net_rate.xml"))
    assert (revision.total, revision.commission, revision.currency) == (None, None, "")
    assert len(revision.rooms[0].stay) == 2
    assert revision.rooms[0].nightly == ()


def test_a_cancellation_without_rooms_keeps_the_stored_details():
    ((revision,),) = map(bookings.parse_booking, messages("reservation_cancelled_bare.xml"))
    assert (revision.kind, revision.keeps_details, revision.rooms) == (RevisionKind.CANCELLED, True, ())


def test_a_scrubbed_message_reads_the_same_but_for_the_card():
    (message,) = messages("reservation_two_room_types.xml")
    scrubbed = replace(
        message, body=message.body.replace(b"4111111111111111", b"*" * 12 + b"1111").replace(b"737", b"***")
    )
    assert bookings.parse_booking(scrubbed) == bookings.parse_booking(message)
    gone = replace(message, body=message.body.replace(b"4111111111111111", b"*" * 16))
    assert "last4" not in bookings.parse_booking(gone)[0].payment


def test_zeroed_and_placeholder_cards_are_no_cards():
    (message,) = messages("reservation_two_room_types.xml")
    zeroed = replace(message, body=message.body.replace(b"4111111111111111", b"0" * 16).replace(b'"VI"', b'"XX"'))
    payment = bookings.parse_booking(zeroed)[0].payment
    assert "last4" not in payment
    assert "card" not in payment


def queue_with(times: str, *, status: str = "Modify", timestamp: str = "2027-02-01T09:00:00") -> RawMessage:
    body = fixture("reservation_cancelled_bare.xml").decode()
    body = body.replace('ResStatus="Cancelled"', f'ResStatus="{status}" {times}')
    body = body.replace("2027-02-03T10:00:00-00:00", timestamp)
    rooms = etree.tostring(
        read_xml(fixture("reservation_two_room_types.xml")).find(".//{*}RoomStays"), encoding="unicode"
    )
    body = body.replace("<ResGlobalInfo>", f"{rooms}<ResGlobalInfo>")
    (message,) = bookings.read_queue(body.encode(), operation="test")
    return message


def order(message: RawMessage) -> str:
    return bookings.parse_booking(message)[0].order


def test_revisions_sort_by_their_own_time_whatever_their_zone():
    earlier = queue_with('LastModifyDateTime="2027-02-02T12:00:00+02:00"')
    later = queue_with('LastModifyDateTime="2027-02-02T10:30:00Z"')
    assert order(earlier) < order(later)


def test_at_the_same_moment_a_cancellation_sorts_after_a_modification_and_both_after_the_booking():
    (new,) = messages("reservation_two_room_types.xml")
    modified = queue_with("", timestamp="2027-02-09T09:00:00")
    cancelled = queue_with("", status="cancelled", timestamp="2027-02-08T09:00:00")
    assert order(new) < order(modified) < order(cancelled)


def test_the_same_state_has_one_id_in_every_envelope_and_another_state_another():
    one = queue_with("", timestamp="2027-02-01T09:00:00")
    two = queue_with("", timestamp="2027-02-01T10:00:00")
    other = queue_with("", status="Cancel")
    assert one.message_id == two.message_id
    assert other.message_id != one.message_id


def test_indentation_makes_no_other_message():
    squeezed = b"".join(line.strip() for line in fixture("reservation_two_room_types.xml").splitlines(keepends=False))
    (message,) = bookings.read_queue(squeezed, operation="test")
    assert message.message_id == messages("reservation_two_room_types.xml")[0].message_id


def test_a_single_message_is_a_document_of_its_own():
    (message,) = messages("reservation_two_room_types.xml")
    assert etree.QName(read_xml(message.body)).localname == "HotelReservation"


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('Count="2"', 'Count="two"'),
        ('EffectiveDate="2027-03-05"', 'EffectiveDate="soon"'),
        ('AmountAfterTax="11000"', 'AmountAfterTax="NaN"'),
        ('AmountAfterTax="11000" DecimalPlaces="2"', 'AmountAfterTax="11000" DecimalPlaces="99"'),
        ('ResID_Date="2027-02-01T09:00:00"', 'ResID_Date="yesterday"'),
        ('CurrencyCode="EUR"', 'CurrencyCode="euro"'),
        ('AmountAfterTax="11000"', 'AmountAfterTax="1e400"'),
    ],
)
def test_nonsense_inside_a_booking_is_a_broken_contract_that_names_it(was: str, becomes: str):
    (message,) = messages("reservation_two_room_types.xml")
    assert was.encode() in message.body
    with pytest.raises(ContractBroken, match="4000000001"):
        bookings.parse_booking(replace(message, body=message.body.replace(was.encode(), becomes.encode())))


def test_a_reservation_without_its_id_hides_no_other_and_is_refused_alone():
    body = fixture("reservation_two_room_types.xml")
    root = read_xml(body)
    (whole,) = root.findall(".//{*}HotelReservation")
    for note in ("one", "two"):
        poison = copy.deepcopy(whole)
        for named in poison.findall(".//{*}HotelReservationID"):
            del named.attrib["ResID_Value"]
        poison.set("Note", note)
        whole.addprevious(poison)
    first, second, good = bookings.read_queue(etree.tostring(root), operation="test")
    assert good.message_id == messages("reservation_two_room_types.xml")[0].message_id
    assert len({first.message_id, second.message_id, good.message_id}) == 3
    assert bookings.read_queue(etree.tostring(root), operation="test")[0].message_id == first.message_id
    assert bookings.parse_booking(good)
    for message in (first, second):
        with pytest.raises(ContractBroken, match="without ResID_Value"):
            bookings.parse_booking(message)


# -- reading back


def test_what_the_documents_promise_is_enough_and_the_rest_is_unknown():
    """Only counts and closed rates are documented; prices and lengths of stay may be missing."""
    body = b"""<result><room room_id="900100101"><date value="2027-03-05" rooms_to_sell="4" closed="0">
        <rate rate_id="7700001" closed="1"/></date></room></result>"""
    night = date(2027, 3, 5)
    cells = readback.read_calendar(body, PROP, operation="test")
    found = readback.calendars(cells, {ROOM: (AVAILABILITY,), PRODUCT: LAYOUT}, night, night)
    assert found[ROOM].rows == ((4,),)
    assert found[PRODUCT].rows == ((None, None, None, None, None, 1, None, None),)


@given(st.dates(date(2027, 1, 1), date(2028, 12, 31)), st.integers(1, 400))
def test_windows_cover_the_dates_in_the_fewest_calls(first, nights):
    windows = list(readback.windows(first, first + timedelta(days=nights - 1)))
    assert sum(days for _, days in windows) == nights
    assert len(windows) == -(-nights // 31)
    assert all(start + timedelta(days=days) == following[0] for (start, days), following in itertools.pairwise(windows))


# -- tokens


def test_a_token_ends_when_it_says_so():
    claims = "eyJleHAiOjE4MDAwMDAwMDB9"
    assert client.expiry(f"x.{claims}.y") == datetime.fromtimestamp(1_800_000_000, UTC)


@given(st.text(max_size=60))
def test_a_strange_token_says_no_end(token):
    assert client.expiry(token) is None or isinstance(client.expiry(token), datetime)
