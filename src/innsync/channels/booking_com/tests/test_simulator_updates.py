"""The simulated vendor is as strict as the real one with availability and prices, and with who reads them back."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pytest
from lxml import etree

from innsync.channels.booking_com.tests.conftest import HOTEL
from innsync.channels.booking_com.tests.raw import AVAIL, DERIVED, OTA, RATE, READ, ROOM, Caller

# -- availability


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"room": "1"}, "ROOM_ID_INVALID"),
        ({"room": ""}, "ROOM_ID_MISSING"),
        ({"rate": "1", "limit": "", "inside": '<RestrictionStatus Status="Close"/>'}, "RATE_ID_INVALID"),
        ({"rate": RATE}, "BOOKING_LIMIT_PER_RATE"),
        ({"first": 3, "last": 2}, "FROM_DATE_SHOULD_BE_LESS_THAN_TO_DATE"),
        ({"first": -3, "last": 2}, "NOT_A_VALID_DATE"),
        ({"last": 2000}, "NOT_A_VALID_DATE"),
        ({"limit": "", "inside": '<RestrictionStatus Status="Close" Restriction="Arrival"/>'}, "RATE_ID_MISSING"),
        ({"limit": "-1"}, "SCHEMA_VALIDATION_ERROR"),
        ({"limit": "1.5"}, "SCHEMA_VALIDATION_ERROR"),
        ({"limit": ""}, "SCHEMA_VALIDATION_ERROR"),
        ({"inside": "<Unknown/>"}, "SCHEMA_VALIDATION_ERROR"),
        ({"inside": '<RestrictionStatus Status="Close"/>' * 2}, "SCHEMA_VALIDATION_ERROR"),
        ({"inside": '<RestrictionStatus Status="Shut"/>'}, "SCHEMA_VALIDATION_ERROR"),
        (
            {"inside": '<LengthsOfStay><LengthOfStay Time="2" MinMaxMessageType="Min"/></LengthsOfStay>'},
            "SCHEMA_VALIDATION_ERROR",
        ),
        *(
            (
                {
                    "rate": RATE,
                    "limit": "",
                    "inside": f'<RestrictionStatus Status="Open" MinAdvancedBookingOffset="{offset}"/>',
                },
                "SCHEMA_VALIDATION_ERROR",
            )
            for offset in ("", "1", "D", "12H1D", "P1D", "361D", "360D1H")
        ),
        (
            {"limit": "", "inside": '<RestrictionStatus Status="Open" MaxAdvancedBookingOffset="9D"/>'},
            "RATE_ID_MISSING",
        ),
    ],
)
def test_a_wrong_message_is_refused_by_its_code_and_changes_nothing(caller: Caller, change: dict[str, Any], code: str):
    before = pickle.dumps(caller.world.state.hotels)
    answer = caller.avail(caller.line(**change))
    assert answer.status_code == 400
    assert caller.code(answer) == code
    assert pickle.dumps(caller.world.state.hotels) == before


def test_yesterday_can_still_be_told(caller: Caller):
    assert caller.avail(caller.line(first=0)).status_code == 200


def test_success_never_comes_with_errors_and_one_good_message_makes_it_200(caller: Caller):
    answer = caller.avail(caller.line(), caller.line(room="1"))
    assert answer.status_code == 200
    assert b"<Success" not in answer.content
    assert caller.code(answer) == "ROOM_ID_INVALID"


def test_the_first_of_two_messages_for_the_same_date_stands_and_the_second_is_warned_of(caller: Caller):
    answer = caller.avail(caller.line(limit="3", last=2), caller.line(limit="9", last=3))
    assert b"WARN_DUPLICATE_DATES" in answer.content
    counts = [
        line["available"]
        for line in caller.world.calendar("seaside", caller.day(1), caller.day(3))
        if line["room"] == "dbl"
    ]
    assert counts == [3, 3, 3, 3, 9, 9]


def test_one_hotel_a_request_and_only_linked_ones(caller: Caller):
    other = caller.world.add_property(replace(HOTEL, code="other", settings={"linked": False}))
    foreign = other["rooms"]["dbl"]["id"]
    assert caller.code(caller.avail(caller.line(), caller.line(room=foreign))) == "SEVERAL_HOTELS"
    answer = caller.avail(caller.line(room=foreign))
    assert (answer.status_code, caller.code(answer)) == (403, "ACCESS_DENIED")
    assert caller.code(caller.avail(caller.line(), attributes=f'HotelCode="{other["id"]}"')) == "ROOM_ID_INVALID"


def test_a_room_type_can_be_closed_whatever_its_rates_say(caller: Caller):
    shut = '<RestrictionStatus Status="Close" Restriction="Master"/>'
    assert caller.avail(caller.line(limit="", inside=shut)).status_code == 200
    lines = caller.world.calendar("seaside", caller.day(1), caller.day(1))
    assert [line["closed"] for line in lines] == [True, True, False, False]
    read = caller.post(
        READ,
        f"<request><hotel_id>9001001</hotel_id><start_date>{caller.day(1)}</start_date><number_of_days>1</number_of_days><room_level>1</room_level></request>",
    )
    assert [date.get("closed") for date in etree.fromstring(read.content).iter("date")] == ["1", "0"]


@pytest.mark.parametrize(
    "body", ["", "<x", "<x/>", f'<OTA_HotelAvailNotifRQ xmlns="{OTA}"/>', "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"]
)
def test_what_is_not_the_message_is_refused(caller: Caller, body: str):
    assert caller.post(AVAIL, body).status_code == 400


# -- rates


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": 'NumberOfGuests="3" AmountAfterTax="99.00"'}, "OCCUPANCY_INVALID"),
        ({"amount": 'AmountAfterTax="99.00"'}, "NUMBER_OF_GUESTS_MISSING"),
        ({"amount": 'NumberOfGuests="2" AmountAfterTax="99.005"'}, "PRICE_INVALID"),
        ({"amount": 'NumberOfGuests="2" AmountAfterTax="4.99"'}, "PRICE_INVALID"),
        ({"amount": 'NumberOfGuests="2" AmountAfterTax="50000.01"'}, "PRICE_INVALID"),
        ({"amount": 'NumberOfGuests="2" AmountAfterTax="0"'}, "SCHEMA_VALIDATION_ERROR"),
        ({"amount": 'NumberOfGuests="2" AmountAfterTax="NaN"'}, "SCHEMA_VALIDATION_ERROR"),
        ({"amount": 'NumberOfGuests="2"'}, "SCHEMA_VALIDATION_ERROR"),
        ({"rate": "1"}, "RATE_ID_INVALID"),
        ({"last": 70}, "SEVERAL_MONTHS"),
    ],
)
def test_a_wrong_price_is_refused_by_its_code(caller: Caller, change: dict[str, Any], code: str):
    answer = caller.rates(caller.price(**change))
    assert answer.status_code == 400
    assert caller.code(answer) == code
    assert all(line["amount"] is None for line in caller.world.calendar("seaside", caller.day(1), caller.day(2)))


def test_whole_numbers_count_the_smallest_units(caller: Caller):
    caller.rates(caller.price(amount='NumberOfGuests="2" AmountAfterTax="9950"'))
    assert caller.world.calendar("seaside", caller.day(1), caller.day(1))[0]["amount"] == "99.50"


def test_a_derived_rate_takes_no_prices(caller: Caller):
    line = caller.price(rate=DERIVED).replace(ROOM, "900100102")
    assert caller.code(caller.rates(line)) == "RATE_NOT_EDITABLE"


def test_another_currency_is_refused(caller: Caller):
    answer = caller.rates(caller.price().replace("EUR", "USD"))
    assert caller.code(answer) == "CURRENCY_CODE_DONT_MATCH_HOTEL_CURRENCY"


@pytest.mark.parametrize("written", ["5.00", "50000.00"])
def test_the_lowest_and_the_highest_price_are_taken(caller: Caller, written: str):
    assert caller.rates(caller.price(amount=f'NumberOfGuests="2" AmountAfterTax="{written}"')).status_code == 200


# -- reading back


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("<request/>", 400),
        ("<request><hotel_id>1</hotel_id></request>", 403),
        ("<request><hotel_id>9001001</hotel_id><number_of_days>32</number_of_days></request>", 400),
        ("<request><hotel_id>9001001</hotel_id><number_of_days>0</number_of_days></request>", 400),
        ("<request><hotel_id>9001001</hotel_id><start_date>2019-01-01</start_date></request>", 400),
        ("<request><hotel_id>9001001</hotel_id><surprise/></request>", 400),
        ("<request><hotel_id>9001001</hotel_id></request>", 200),
    ],
)
def test_reading_back_checks_what_it_is_asked(caller: Caller, body: str, status: int):
    answer = caller.post(READ, body)
    assert answer.status_code == status
    if status == 200:
        dates = [element.get("value") for element in etree.fromstring(answer.content).iter("date")]
        assert dates[0] == caller.day(1).isoformat()
        assert len(dates) == 62
