from __future__ import annotations

from innsync.apps.imports import ota
from innsync.apps.imports.columns import FIELDS
from innsync.apps.setup.sheets import Problems

MESSAGE = b"""<?xml version="1.0" encoding="UTF-8"?>
<OTA_HotelResNotifRQ xmlns="http://www.opentravel.org/OTA/2003/05" Version="1.0"><HotelReservations>
<HotelReservation ResStatus="Commit" CreateDateTime="2026-11-01T09:30:00Z">
  <POS><Source><BookingChannel Type="7"><CompanyName>Booking.com</CompanyName></BookingChannel></Source></POS>
  <UniqueID Type="14" ID="PMS-1"/>
  <RoomStays>
    <RoomStay><RoomTypes><RoomType RoomTypeCode="DBL"/></RoomTypes><RatePlans><RatePlan RatePlanCode="BAR"/></RatePlans>
      <GuestCounts><GuestCount AgeQualifyingCode="10" Count="2"/><GuestCount AgeQualifyingCode="8" Count="1"/></GuestCounts>
      <TimeSpan Start="2027-03-01" End="2027-03-03"/><Total AmountAfterTax="20050" CurrencyCode="EUR" DecimalPlaces="2"/></RoomStay>
    <RoomStay><RoomTypes><RoomType RoomTypeCode="SUI"/></RoomTypes>
      <TimeSpan Start="2027-03-01" End="2027-03-04"/><Total AmountAfterTax="99.00" CurrencyCode="EUR"/></RoomStay>
  </RoomStays>
  <ResGuests><ResGuest><Profiles><ProfileInfo><Profile><Customer>
    <PersonName><GivenName>Ada</GivenName><Surname>Example</Surname></PersonName>
    <Telephone PhoneNumber="+351 912"/><Email>ada@example.org</Email><Address><CountryName Code="PT"/></Address>
  </Customer></Profile></ProfileInfo></Profiles></ResGuest></ResGuests>
  <ResGlobalInfo><HotelReservationIDs><HotelReservationID ResID_Type="14" ResID_Value="4400123"/></HotelReservationIDs>
    <Comments><Comment><Text>Late arrival</Text></Comment></Comments></ResGlobalInfo>
</HotelReservation>
<HotelReservation ResStatus="Cancel"><UniqueID Type="14" ID="PMS-2"/>
  <ResGlobalInfo><TimeSpan Start="2027-04-01" End="2027-04-02"/><Total AmountAfterTax="50"/></ResGlobalInfo></HotelReservation>
</HotelReservations></OTA_HotelResNotifRQ>"""


def read(content: bytes) -> tuple[list[dict[str, str]], list[str]]:
    problems = Problems()
    table = ota.read_message(content, problems)
    assert table.headings == list(FIELDS)
    rows = [{name: text for name, text in zip(FIELDS, cells, strict=True) if text} for _line, cells in table.rows]
    return rows, [one.words for one in problems.found]


def test_each_room_of_a_reservation_is_a_line_of_the_table():
    rows, problems = read(MESSAGE)
    whole = {
        "reference": "PMS-1",
        "status": "Commit",
        "check_in": "2027-03-01",
        "first_name": "Ada",
        "last_name": "Example",
        "email": "ada@example.org",
        "phone": "+351 912",
        "country": "PT",
        "currency": "EUR",
        "channel": "Booking.com",
        "channel_reference": "4400123",
        "booked_on": "2026-11-01T09:30:00Z",
        "requests": "Late arrival",
    }
    double = {"check_out": "2027-03-03", "room_type": "DBL", "rate_plan": "BAR", "adults": "2", "children": "1"}
    suite = {"check_out": "2027-03-04", "room_type": "SUI", "total": "99.00"}
    cancelled = {"check_in": "2027-04-01", "check_out": "2027-04-02", "total": "50"}
    assert rows == [
        whole | double | {"total": "200.50"},
        whole | suite,
        {"reference": "PMS-2", "status": "Cancel"} | cancelled,
    ]
    assert problems == []


def test_lines_are_told_apart_where_the_message_has_only_one():
    table = ota.read_message(MESSAGE.replace(b"\n", b" "), Problems())
    assert len({line for line, _cells in table.rows}) == 3


def test_a_message_that_would_have_us_read_or_fetch_more_is_refused():
    for declared in (
        b"<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>",
        b"<!DOCTYPE x SYSTEM 'http://127.0.0.1/x.dtd'>",
    ):
        rows, problems = read(declared + b"<x><HotelReservation/></x>")
        assert rows == []
        assert problems == ["has a document type, which no such message needs"]
