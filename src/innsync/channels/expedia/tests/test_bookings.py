"""Booking elements as our messages and revisions. No network."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from innsync.channels.expedia import bookings
from innsync.channels.expedia.adapter import ADAPTER
from innsync.domain.channel import BookingRevision, RevisionKind
from innsync.domain.money import Money
from innsync.integrations.errors import ContractBroken
from innsync.integrations.ports import RawMessage

FIXTURES = Path(__file__).parents[1] / "fixtures"
NEW = (FIXTURES / "booking_new.xml").read_text("utf-8")
HOTEL_COLLECT = (FIXTURES / "booking_hotel_collect.xml").read_text("utf-8")
CANCEL = (FIXTURES / "booking_cancel.xml").read_text("utf-8")


def message(document: str) -> RawMessage:
    return bookings.raw_message(etree.fromstring(document.encode()))


def parse(document: str) -> BookingRevision:
    (revision,) = ADAPTER.parse_booking(message(document))
    return revision


def raw(body: bytes) -> RawMessage:
    return RawMessage("m", "70012345", "880012345", "text/xml", body)


def test_a_new_booking_in_full() -> None:
    revision = parse(NEW)
    assert revision.reference == "880012345"
    assert revision.property_ref == "70012345"
    assert revision.kind is RevisionKind.NEW
    assert revision.booked_at == datetime(2027, 2, 1, 9, 15, tzinfo=UTC)
    assert revision.guest.name == "Søren Æ. 山田"
    assert revision.guest.email == "guest-1@messages.example.org"
    assert revision.guest.phone == "+44 20 5550100 ext. 7"
    assert revision.special_requests == "1 king bed\nLate arrival, after 23:00"
    assert revision.source == "Expedia"
    assert revision.total == Money(24450, "EUR")
    (room,) = revision.rooms
    assert (room.room, room.rate) == ("310000001", "410000001")
    assert (room.stay.check_in, room.stay.check_out) == (date(2027, 3, 5), date(2027, 3, 7))
    assert (room.adults, room.child_ages) == (2, (6,))
    assert room.nightly == (Money(11000, "EUR"), Money(11250, "EUR"))
    assert not revision.keeps_details
    assert revision.replaces == ""


def test_a_virtual_card_is_told_without_its_number() -> None:
    payment = parse(NEW).payment
    assert payment == {"collect": "channel", "virtual": True, "card": "MC", "last4": "4444"}


def test_a_hotel_collect_booking_with_what_the_schema_does_not_know() -> None:
    revision = parse(HOTEL_COLLECT)
    assert revision.kind is RevisionKind.MODIFIED
    assert revision.booked_at is None
    assert revision.source == "Hotels.com"
    assert revision.rooms[0].child_ages == (-1, -1), "two children whose ages were not told"
    assert revision.payment == {
        "collect": "property",
        "method": "CustomerCreditCard",
        "virtual": False,
        "card": "VI",
        "last4": "1111",
        "active_from": "2027-03-05",
        "amount": "110.00",
        "currency": "EUR",
        "model": "Gross",
        "rate_type": "Sell",
    }
    assert revision.replaces == "", "a change carries the number of its own booking"


def test_a_cancellation_says_nothing_of_rooms_and_money() -> None:
    revision = parse(CANCEL)
    assert revision.kind is RevisionKind.CANCELLED
    assert revision.keeps_details
    assert revision.rooms == ()
    assert revision.total is None


def test_revisions_sort_by_their_moment_and_kind() -> None:
    modified = NEW.replace('type="Book"', 'type="Modify"')
    later = modified.replace("09:15:00Z", "09:15:01Z")
    orders = [parse(document).order for document in (NEW, modified, later, CANCEL)]
    assert orders == sorted(orders)
    assert len(set(orders)) == 4


def test_a_moment_in_another_zone_is_the_same_moment() -> None:
    elsewhere = NEW.replace("2027-02-01T09:15:00Z", "2027-02-01T01:15:00-08:00")
    assert parse(elsewhere).order == parse(NEW).order


def test_a_redelivery_has_the_same_id_whatever_became_of_it() -> None:
    again = NEW.replace('status="pending"', 'status="retrieved"')
    confirmed = NEW.replace('status="pending"', 'status="confirmed" confirmNumber="INN-1"')
    other_card = NEW.replace("5555555555554444", "5105105105105100").replace("    <Total", "<Total")
    assert len({message(document).message_id for document in (NEW, again, confirmed, other_card)}) == 1


def test_another_revision_has_another_id() -> None:
    documents = (
        NEW,
        NEW.replace('type="Book"', 'type="Modify"'),
        NEW.replace("09:15:00Z", "09:15:01Z"),
        NEW.replace('adult="2"', 'adult="1"'),
        NEW.replace('id="880012345"', 'id="880012399"'),
    )
    assert len({message(document).message_id for document in documents}) == len(documents)


def test_no_card_data_outside_the_body() -> None:
    found = message(NEW)
    told = f"{found.message_id}{found.acknowledge}{found.booking_ref}{parse(NEW)}"
    assert "5555555555554444" not in told
    assert "737" not in told
    assert b"5555555555554444" in found.body


@pytest.mark.parametrize("stars", ["****************", "************4444"])
def test_a_scrubbed_body_is_still_understood(stars: str) -> None:
    body = message(NEW).body.decode().replace("5555555555554444", stars).replace('"737"', '"***"')
    (revision,) = ADAPTER.parse_booking(raw(body.encode()))
    assert revision.rooms == parse(NEW).rooms
    assert revision.payment.get("last4", "") == ("4444" if stars.endswith("4444") else "")


def test_the_body_is_a_document_of_its_own() -> None:
    page = f"<Bookings xmlns='http://www.expediaconnect.com/EQC/BR/2014/01'>{NEW.partition('?>')[2]}tail</Bookings>"
    (element,) = etree.fromstring(page.encode())
    (revision,) = ADAPTER.parse_booking(bookings.raw_message(element))
    assert revision == parse(NEW)


class TestRebooked:
    def test_the_text_names_the_booking_that_goes_on(self) -> None:
        told = NEW.replace("Late arrival,", "Rebooked by Expedia. Replaces booking 880000001. Late arrival,")
        assert parse(told).replaces == "880000001"

    def test_a_new_booking_that_has_our_number_already_inherited_it(self) -> None:
        told = NEW.replace('status="pending"', 'status="pending" confirmNumber="INN-1"')
        assert parse(told).replaces == "INN-1"

    def test_a_confirmed_booking_has_its_own_number(self) -> None:
        told = NEW.replace('status="pending"', 'status="confirmed" confirmNumber="INN-1"')
        assert parse(told).replaces == ""

    def test_no_other_text_can_say_so(self) -> None:
        told = NEW.replace("1 king bed", "replaces 880000001")
        assert parse(told).replaces == ""


@pytest.mark.parametrize(
    ("currency", "amount", "minor"),
    [("JPY", "12000.00", 12000), ("JPY", "12000", 12000), ("KWD", "41.250", 41250), ("EUR", "1.500", 150)],
)
def test_amounts_are_read_at_the_currencys_precision(currency: str, amount: str, minor: int) -> None:
    document = NEW.replace('"EUR"', f'"{currency}"').replace("244.50", amount)
    for odd in ("110.00", "100.00", "10.00", "2.50"):
        document = document.replace(f'"{odd}"', '"3"')
    assert parse(document).total == Money(minor, currency)


def test_nightly_prices_that_do_not_fit_the_stay_are_left_out() -> None:
    assert parse(NEW.replace('stayDate="2027-03-06"', 'stayDate="2027-03-09"')).rooms[0].nightly == ()


def test_a_slip_in_a_year_leaves_out_the_prices_of_the_nights() -> None:
    room = parse(NEW.replace('departure="2027-03-07"', 'departure="9999-12-31"')).rooms[0]
    assert (room.stay.check_out.year, room.nightly) == (9999, ())


def test_unmapped_and_strange_ids_are_kept_as_they_are() -> None:
    room = parse(NEW.replace('"310000001"', '"NEW ROOM"').replace('"410000001"', '"??"')).rooms[0]
    assert (room.room, room.rate) == ("NEW ROOM", "??")


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    "<Booking id='1' type='Book'>&b;</Booking>"
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\xff\xfe garbage",
        b"<html><body>Service unavailable</body></html>",
        NEW.encode()[:700],
        BOMB.encode(),
        BOMB.replace('version="1.0"', 'version="1.0" encoding="UTF-16"').encode("utf-16"),
        NEW.replace('type="Book"', 'type="Hold"').encode(),
        NEW.replace(' id="880012345"', "").encode(),
        NEW.replace("2027-02-01T09:15:00Z", "yesterday").encode(),
        NEW.replace('departure="2027-03-07"', 'departure="2027-03-05"').encode(),
        NEW.replace('arrival="2027-03-05"', "").encode(),
        NEW.replace('amountAfterTaxes="244.50"', 'amountAfterTaxes="lots"').encode(),
        NEW.replace('baseRate="110.00"', 'baseRate="NaN"').encode(),
        NEW.replace('currency="EUR"', 'currency="E"').encode(),
        NEW.replace("<RoomStay", "<Rooms").replace("</RoomStay", "</Rooms").encode(),
        b"<!-- only a comment -->",
    ],
)
def test_what_cannot_be_read_breaks_the_contract_and_nothing_else(body: bytes) -> None:
    with pytest.raises(ContractBroken) as caught:
        ADAPTER.parse_booking(raw(body))
    assert caught.value.words


@given(st.integers(0, len(NEW.encode()) - 2))
def test_a_truncated_message_is_never_half_understood(length: int) -> None:
    with pytest.raises(ContractBroken):
        ADAPTER.parse_booking(raw(NEW.encode()[:length].rstrip()))


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=60))
def test_any_name_and_any_wish_come_through(words: str) -> None:
    element = etree.fromstring(NEW.encode())
    (name,) = element.iter("{*}Name")
    plain = "".join(mark for mark in words if mark not in "\ufffe\uffff")
    name.set("surname", plain)
    (revision,) = ADAPTER.parse_booking(bookings.raw_message(element))
    assert revision.guest.name == " ".join(f"Søren Æ. {plain}".split())
