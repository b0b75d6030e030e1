"""The simulated vendor is as strict as the real one, whoever calls it."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from lxml import etree

from innsync.channels.booking_com.simulator.world import BookingComWorld
from innsync.channels.booking_com.tests.conftest import HOTEL
from innsync.integrations.conformance.server import serve
from innsync.integrations.simulation.world import Refused, Stay

OTA = "http://www.opentravel.org/OTA/2003/05"
AVAIL = "/booking_com/hotels/ota/OTA_HotelAvailNotif"
RATES = "/booking_com/hotels/ota/OTA_HotelRateAmountNotif"
NEW = "/booking_com/hotels/ota/OTA_HotelResNotif"
MODIFIED = "/booking_com/hotels/ota/OTA_HotelResModifyNotif"
READ = "/booking_com/hotels/xml/roomrateavailability"
EXCHANGE = "/booking_com/token-based-authentication/exchange"
ROOM, RATE, DERIVED = "900100101", "7700001", "7700003"


class Caller:
    """A partner that writes its requests by hand."""

    def __init__(self, world: BookingComWorld, http: httpx.Client) -> None:
        self.world = world
        self.http = http
        self.token = self.http.post(EXCHANGE, json=world.accounts()[0]).json()["jwt"]

    def headers(self, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/xml", **more}

    def post(self, path: str, body: str, **more: str) -> Any:
        return self.http.post(path, content=body.encode(), headers=self.headers(**more))

    def get(self, path: str, **params: str) -> Any:
        return self.http.get(path, params=params, headers={"Authorization": f"Bearer {self.token}"})

    def avail(self, *lines: str, attributes: str = "") -> Any:
        return self.post(
            AVAIL,
            f'<OTA_HotelAvailNotifRQ xmlns="{OTA}" TimeStamp="2027-02-01T09:00:00" Target="Test" Version="1.005">'
            f"<AvailStatusMessages {attributes}>{''.join(lines)}</AvailStatusMessages></OTA_HotelAvailNotifRQ>",
        )

    def rates(self, *lines: str, hotel: str = "9001001") -> Any:
        return self.post(
            RATES,
            f'<OTA_HotelRateAmountNotifRQ xmlns="{OTA}" TimeStamp="2027-02-01T09:00:00" Target="Test" Version="1.1">'
            f'<RateAmountMessages HotelCode="{hotel}">{"".join(lines)}</RateAmountMessages></OTA_HotelRateAmountNotifRQ>',
        )

    def day(self, offset: int) -> date:
        return self.world.clock.today() + timedelta(days=offset)

    def line(
        self, *, room: str = ROOM, rate: str = "", first: int = 1, last: int = 1, limit: str = "3", inside: str = ""
    ) -> str:
        rate_code = f' RatePlanCode="{rate}"' if rate else ""
        count = f' BookingLimit="{limit}"' if limit else ""
        return (
            f'<AvailStatusMessage LocatorID="1"{count}><StatusApplicationControl Start="{self.day(first)}"'
            f' End="{self.day(last)}" InvTypeCode="{room}"{rate_code}/>{inside}</AvailStatusMessage>'
        )

    def price(
        self,
        *,
        rate: str = RATE,
        first: int = 1,
        last: int = 1,
        amount: str = 'NumberOfGuests="2" AmountAfterTax="99.00"',
    ) -> str:
        return (
            f'<RateAmountMessage><StatusApplicationControl Start="{self.day(first)}" End="{self.day(last)}"'
            f' InvTypeCode="{ROOM}" RatePlanCode="{rate}"/><Rates><Rate><BaseByGuestAmts>'
            f'<BaseByGuestAmt {amount} DecimalPlaces="2" CurrencyCode="EUR"/></BaseByGuestAmts></Rate></Rates>'
            "</RateAmountMessage>"
        )

    def code(self, response: Any) -> str:
        found = etree.fromstring(response.content).find(".//{*}Error")
        return "" if found is None else found.get("Code")


@pytest.fixture
def caller(world: BookingComWorld) -> Iterator[Caller]:
    world.add_property(HOTEL)
    world.limits_per_min = dict.fromkeys(world.limits_per_min, 1000)
    with serve(world) as url, httpx.Client(base_url=url) as http:
        yield Caller(world, http)


def stay(caller: Caller, **changes: Any) -> Stay:
    return replace(Stay("seaside", "dbl", "flex", caller.day(5), caller.day(7)), **changes)


# -- doors


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x.y.z", "Basic dXNlcjpwYXNz"])
def test_no_call_without_a_token(caller: Caller, header: str):
    assert caller.http.get(NEW, headers={"Authorization": header}).status_code == 401


def test_a_token_is_good_for_an_hour_and_can_not_be_made_up(caller: Caller):
    assert caller.get(NEW).status_code == 200
    head, claims, signature = caller.token.split(".")
    caller.token = f"{head}.{claims}.{signature[:-2]}AA"
    assert caller.get(MODIFIED).status_code == 401
    caller.token = f"{head}.{claims}.{signature}"
    caller.world.clock.shift_s += 3601
    assert caller.get(NEW).status_code == 401


def test_30_tokens_an_hour_and_no_more(caller: Caller):
    account = caller.world.accounts()[0]
    statuses = [caller.http.post(EXCHANGE, json=account).status_code for _ in range(30)]
    assert statuses == [200] * 29 + [429]  # the caller has one already
    assert caller.http.post(EXCHANGE, json={"client_id": "x", "client_secret": "y"}).status_code == 401
    assert caller.http.post(EXCHANGE, content=b"{").status_code == 400
    caller.world.clock.shift_s += 3600
    assert caller.http.post(EXCHANGE, json=account).status_code == 200


def test_calls_a_minute_are_counted_and_the_wait_is_told(caller: Caller):
    caller.world.limits_per_min["OTA_HotelAvailNotif"] = 2
    statuses = [caller.avail(caller.line()).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert 1 <= int(caller.avail(caller.line()).headers["retry-after"]) <= 60
    caller.world.clock.shift_s += 61
    assert caller.avail(caller.line()).status_code == 200


def test_an_old_version_and_another_media_type_are_refused(caller: Caller):
    assert caller.post(AVAIL, "<x/>", **{"Accept-Version": "1.0"}).status_code == 400
    assert caller.post(AVAIL, "<x/>", **{"Content-Type": "application/json"}).status_code == 415


def test_every_answer_ends_with_its_ruid(caller: Caller):
    one, two = caller.avail(caller.line()).text, caller.avail(caller.line()).text
    assert one.rstrip().endswith("] -->")
    assert one.rpartition("RUID")[2] != two.rpartition("RUID")[2]


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


# -- queues


def ack(queue: str, *references: str, words: str = "<Success/>", extra: str = "") -> str:
    group, single = (
        ("HotelReservations", "HotelReservation") if queue == NEW else ("HotelResModifies", "HotelResModify")
    )
    name = queue.rpartition("/")[2]
    items = "".join(
        f"<{single}><ResGlobalInfo><HotelReservationIDs><HotelReservationID ResID_Value='{reference}'"
        f" ResID_Source='BOOKING.COM'/>{extra}</HotelReservationIDs></ResGlobalInfo></{single}>"
        for reference in references
    )
    return (
        f'<{name}RS xmlns="{OTA}" TimeStamp="2027-02-01T09:00:00" Target="Test" Version="2.001">{words}'
        f"<{group}>{items}</{group}></{name}RS>"
    )


def references(answer: Any) -> list[str]:
    assert answer.status_code == 200
    return [element.get("ResID_Value") for element in etree.fromstring(answer.content).iter("{*}HotelReservationID")]


def poll(caller: Caller, queue: str = NEW) -> list[str]:
    caller.world.clock.shift_s += 20
    return references(caller.get(queue))


def test_polls_closer_than_20_seconds_or_5_after_an_acknowledgement_are_refused_queue_by_queue(caller: Caller):
    assert caller.get(NEW).status_code == 200
    assert caller.get(MODIFIED).status_code == 200
    caller.world.clock.shift_s += 19
    answer = caller.get(NEW)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    caller.world.clock.shift_s += 1
    assert caller.get(NEW).status_code == 200


def test_a_refused_poll_does_not_start_the_wait_again(caller: Caller):
    caller.get(NEW)
    for _ in range(4):
        caller.world.clock.shift_s += 4.9
        assert caller.get(NEW).status_code == 429
    caller.world.clock.shift_s += 0.5
    assert caller.get(NEW).status_code == 200


def test_an_acknowledgement_takes_all_or_none(caller: Caller):
    one, two = (caller.world.book(stay(caller), force=True, notify=True) for _ in range(2))
    assert poll(caller) == [one, two]
    assert caller.post(NEW, ack(NEW, one, "999")).status_code == 404
    assert poll(caller) == [one, two]
    assert caller.post(NEW, ack(NEW, one, two)).status_code == 200
    assert poll(caller) == []


def test_a_message_can_not_be_acknowledged_before_it_was_fetched_nor_at_the_other_queue(caller: Caller):
    reference = caller.world.book(stay(caller), force=True, notify=True)
    assert caller.post(NEW, ack(NEW, reference)).status_code == 400
    poll(caller)
    assert caller.post(MODIFIED, ack(MODIFIED, reference)).status_code == 400
    assert caller.post(NEW, ack(NEW, reference)).status_code == 200


@pytest.mark.parametrize("words", ["", "<Success/><Errors/>"])
def test_an_acknowledgement_says_success_or_errors(caller: Caller, words: str):
    assert caller.post(NEW, ack(NEW, "1", words=words)).status_code == 400


def test_a_refused_reservation_stays_in_the_queue_until_it_is_mailed(caller: Caller):
    reference = caller.world.book(stay(caller), force=True, notify=True)
    poll(caller)
    assert (
        caller.post(NEW, ack(NEW, reference, words="<Errors><Error Type='3' Code='450'/></Errors>")).status_code == 200
    )
    assert poll(caller) == [reference]
    caller.world.clock.shift_s += 1800
    caller.world.tick()
    assert caller.world.state.mails == [reference]
    assert not caller.world.state.bookings[reference].missed


def test_what_nobody_acknowledges_in_half_an_hour_is_mailed_and_leaves_the_queue(caller: Caller):
    reference = caller.world.book(stay(caller), force=True, notify=True)
    caller.world.clock.shift_s += 1799
    caller.world.tick()
    assert caller.world.state.mails == []
    caller.world.clock.shift_s += 2
    caller.world.tick()
    assert caller.world.state.mails == [reference]
    assert poll(caller) == []


def test_a_card_is_sent_with_the_first_delivery_only(caller: Caller):
    caller.world.book(stay(caller), force=True, notify=True)
    caller.world.book(stay(caller, card=False), force=True, notify=True)
    caller.world.clock.shift_s += 20
    assert caller.get(NEW).text.count("4111111111111111") == 1
    caller.world.clock.shift_s += 20
    assert "4111111111111111" not in caller.get(NEW).text


def test_what_a_limit_leaves_out_was_not_delivered(caller: Caller):
    made = [caller.world.book(stay(caller), force=True, notify=True) for _ in range(11)]
    caller.world.clock.shift_s += 20
    assert references(caller.get(NEW, limit="10")) == made[:10]
    assert caller.post(NEW, ack(NEW, made[10])).status_code == 400
    caller.world.clock.shift_s += 20
    answer = caller.get(NEW)
    assert references(answer) == made
    assert answer.text.count("4111111111111111") == 1


def test_queries_are_checked(caller: Caller):
    assert caller.get(NEW, colour="red").status_code == 400
    assert caller.get(NEW, hotel_ids="1").status_code == 403
    assert caller.get(NEW, last_change="yesterday").status_code == 400
    caller.world.clock.shift_s += 20
    assert caller.get(NEW, limit="5").status_code == 400
    assert caller.get("/booking_com/reservations-flow-control/missed-reservations").status_code == 403


# -- the world


def test_a_stay_is_sold_only_as_the_calendar_allows(caller: Caller):
    world = caller.world
    wanted = stay(caller)
    with pytest.raises(Refused, match="no room") as refused:
        world.book(wanted, force=False, notify=True)
    assert refused.value.status == 409
    caller.avail(caller.line(last=9, limit="1"))
    with pytest.raises(Refused, match="no price"):
        world.book(wanted, force=False, notify=True)
    for month_first, month_last in months(caller, 1, 9):
        caller.rates(caller.price(first=month_first, last=month_last))
    for inside, reason in (
        ('<RestrictionStatus Status="{}" Restriction="Master"/>', "closed"),
        ('<RestrictionStatus Status="{}" Restriction="Arrival"/>', "arrival"),
    ):
        caller.avail(caller.line(rate=RATE, limit="", first=5, last=5, inside=inside.format("Close")))
        with pytest.raises(Refused, match=reason):
            world.book(wanted, force=False, notify=True)
        caller.avail(caller.line(rate=RATE, limit="", first=5, last=5, inside=inside.format("Open")))
    departure = '<RestrictionStatus Status="{}" Restriction="Departure"/>'
    caller.avail(caller.line(rate=RATE, limit="", first=7, last=7, inside=departure.format("Close")))
    with pytest.raises(Refused, match="departure"):
        world.book(wanted, force=False, notify=True)
    caller.avail(caller.line(rate=RATE, limit="", first=7, last=7, inside=departure.format("Open")))
    for word, night in (("SetMinLOS", 6), ("SetForwardMinStay", 5)):
        length = f'<LengthsOfStay><LengthOfStay Time="{{}}" MinMaxMessageType="{word}"/></LengthsOfStay>'
        caller.avail(caller.line(rate=RATE, limit="", first=night, last=night, inside=length.format(3)))
        with pytest.raises(Refused, match="length"):
            world.book(wanted, force=False, notify=True)
        caller.avail(caller.line(rate=RATE, limit="", first=night, last=night, inside=length.format(1)))
    world.book(wanted, force=False, notify=True)
    with pytest.raises(Refused, match="no room"):
        world.book(wanted, force=False, notify=True)
    world.book(wanted, force=True, notify=True)


@pytest.mark.parametrize("written", ["5.00", "50000.00"])
def test_the_lowest_and_the_highest_price_are_taken(caller: Caller, written: str):
    assert caller.rates(caller.price(amount=f'NumberOfGuests="2" AmountAfterTax="{written}"')).status_code == 200


@pytest.mark.parametrize(
    ("offsets", "sold"),
    [
        ('MinAdvancedBookingOffset="4D"', True),
        ('MinAdvancedBookingOffset="6D"', False),
        ('MaxAdvancedBookingOffset="6D"', True),
        ('MaxAdvancedBookingOffset="3D"', False),
        ('MinAdvancedBookingOffset="2D" MaxAdvancedBookingOffset="9D"', True),
        ('MinAdvancedBookingOffset="0D" MaxAdvancedBookingOffset="0D"', True),
    ],
)
def test_a_stay_is_sold_within_its_advance_booking_window_only(caller: Caller, offsets: str, sold: bool):
    caller.avail(caller.line(last=9))
    for month_first, month_last in months(caller, 1, 9):
        caller.rates(caller.price(first=month_first, last=month_last))
    window = f'<RestrictionStatus Status="Open" {offsets}/>'
    assert caller.avail(caller.line(rate=RATE, limit="", first=5, last=5, inside=window)).status_code == 200
    if sold:
        caller.world.book(stay(caller), force=False, notify=True)
    else:
        with pytest.raises(Refused, match="advance-booking window"):
            caller.world.book(stay(caller), force=False, notify=True)


def test_a_world_that_an_older_version_saved_can_still_be_used(caller: Caller):
    caller.avail(caller.line(rate=RATE, limit="", inside='<RestrictionStatus Status="Close"/>'))
    night = caller.world.state.hotels["9001001"].rooms[ROOM].rates[RATE].night(caller.day(1))
    older = {name: getattr(night, name) for name in night.__slots__ if not name.endswith("_ahead")}
    found = object.__new__(type(night))
    found.__setstate__((None, older))
    assert found == night


def months(caller: Caller, first: int, last: int) -> Iterator[tuple[int, int]]:
    start = first
    for offset in range(first, last + 1):
        if offset == last or caller.day(offset).month != caller.day(offset + 1).month:
            yield start, offset
            start = offset + 1


def test_a_sale_lowers_the_count_and_a_cancellation_raises_it_again(caller: Caller):
    caller.avail(caller.line(last=9, limit="2"))

    def counts() -> list[int]:
        lines = caller.world.calendar("seaside", caller.day(5), caller.day(8))
        return [line["available"] for line in lines if (line["room"], line["rate"]) == ("dbl", "flex")]

    reference = caller.world.book(stay(caller), force=True, notify=True)
    assert counts() == [1, 1, 2, 2]
    caller.world.change(reference, {"check_in": caller.day(7), "check_out": caller.day(9)}, notify=True)
    assert counts() == [2, 2, 1, 1]
    caller.avail(caller.line(last=9, limit="0"))
    caller.world.cancel(reference, notify=True)
    assert counts() == [0, 0, 1, 1]


def test_without_auto_replenishment_a_cancellation_changes_no_count(caller: Caller):
    caller.world.add_property(replace(HOTEL, settings={"auto_replenishment": False}))
    reference = caller.world.book(stay(caller), force=True, notify=True)
    caller.world.cancel(reference, notify=True)
    assert caller.world.calendar("seaside", caller.day(5), caller.day(5))[0]["available"] == 0


def test_unknown_names_are_refused(caller: Caller):
    for wrong in ({"property": "x"}, {"room": "x"}, {"rate": "web"}):
        with pytest.raises(Refused) as refused:
            caller.world.book(stay(caller, **wrong), force=True, notify=True)
        assert refused.value.status == 404
    for call in (lambda: caller.world.change("1", {}, notify=True), lambda: caller.world.cancel("1", notify=True)):
        with pytest.raises(Refused):
            call()


def test_adding_a_property_again_answers_the_same_ids(caller: Caller):
    first = caller.world.add_property(HOTEL)
    assert caller.world.add_property(HOTEL) == first
    assert len(caller.world.properties()) == 1
    assert next((p["room_id"], p["rate_id"]) for p in caller.world.properties()[0]["products"]) == (ROOM, RATE)


def test_the_world_survives_being_stored(caller: Caller):
    caller.avail(caller.line())
    caller.world.book(stay(caller), force=True, notify=True)
    caller.world.state = pickle.loads(pickle.dumps(caller.world.state))
    assert len(poll(caller)) == 1


def test_two_worlds_told_the_same_are_the_same(caller: Caller):
    other = BookingComWorld(caller.world.clock)
    other.add_property(HOTEL)
    for world in (caller.world, other):
        world.book(stay(caller), force=True, notify=True)
    assert [b["reference"] for b in caller.world.bookings("seaside")] == [
        b["reference"] for b in other.bookings("seaside")
    ]
    assert caller.world.properties() == other.properties()


def test_a_reset_world_is_empty(caller: Caller):
    caller.world.reset()
    assert caller.world.properties() == []
