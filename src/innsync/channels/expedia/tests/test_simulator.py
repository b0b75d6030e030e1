"""Expedia's world is as strict as Expedia: raw requests, no adapter."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from lxml import etree

from innsync.channels.expedia.simulator import WORLD
from innsync.integrations.simulation.world import Refused

from .conftest import SPEC, Place

AR_NS = "http://www.expediaconnect.com/EQC/AR/2011/06"
BR_NS = "http://www.expediaconnect.com/EQC/BR/2014/01"
BC_NS = "http://www.expediaconnect.com/EQC/BC/2007/09"
PARR_NS = "http://www.expediaconnect.com/EQC/PAR/2013/07"
ACCOUNT = '<Authentication username="EQCdemo001" password="secret-demo"/>'


def post(place: Place, path: str, body: str | bytes) -> etree._Element:
    url = f"{place.session.base_urls['eqc']}/eqc/{path}"
    response = httpx.post(url, content=body, headers={"content-type": "text/xml"})
    assert response.status_code == 200
    return etree.fromstring(response.content)


def codes(root: etree._Element) -> list[str]:
    return [item.attrib["code"] for item in root.iter("{*}Error", "{*}Warning")]


class Ar:
    """AR requests with one thing changed."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.room = place.room().room
        self.plan = place.product().rate

    def body(
        self,
        *,
        inside: str | None = None,
        room: str = "",
        first: int = 0,
        last: int = 3,
        account: str = ACCOUNT,
        hotel: str = "",
        dates: str = "",
        blocks: int = 1,
    ) -> str:
        content = '<Inventory totalInventoryAvailable="3"/>' if inside is None else inside
        dates = dates or f'<DateRange from="{self.place.day(first)}" to="{self.place.day(last)}"/>'
        block = (
            f'<AvailRateUpdate>{dates}<RoomType id="{room or self.room}" closed="false">{content}</RoomType>'
            "</AvailRateUpdate>"
        )
        return (
            f'<AvailRateUpdateRQ xmlns="{AR_NS}">{account}<Hotel id="{hotel or self.place.prop.id}"/>'
            f"{block * blocks}</AvailRateUpdateRQ>"
        )

    def rate(self, inside: str, plan: str = "") -> str:
        return f'<RatePlan id="{plan or self.plan}">{inside}</RatePlan>'

    def send(self, **about: object) -> list[str]:
        return codes(post(self.place, "ar", self.body(**about)))  # type: ignore[arg-type]


@pytest.fixture
def ar(place: Place) -> Ar:
    return Ar(place)


class TestUpdates:
    def test_a_good_update_is_a_bare_success(self, ar: Ar) -> None:
        root = post(ar.place, "ar", ar.body())
        assert root.tag == "{http://www.expediaconnect.com/EQC/AR/2007/02}AvailRateUpdateRS"
        assert [etree.QName(item).localname for item in root] == ["Success"]
        assert ar.place.line(3)["available"] == 3
        assert ar.place.line(4)["available"] == 0

    @pytest.mark.parametrize(
        ("account", "code"),
        [
            ('<Authentication username="EQCdemo001" password="wrong-one"/>', "1001"),
            ('<Authentication username="eqcdemo001" password="secret-demo"/>', "1001"),
            ('<Authentication username="EQCdemo001" password="short"/>', "3010"),
            ("", "3010"),
        ],
    )
    def test_credentials(self, ar: Ar, account: str, code: str) -> None:
        assert ar.send(account=account) == [code]

    @pytest.mark.parametrize(
        ("about", "code"),
        [
            ({"hotel": "999"}, "3202"),
            ({"hotel": "abc"}, "3010"),
            ({"room": "999"}, "3203"),
            ({"first": -2}, "3020"),
            ({"first": 4, "last": 3}, "3021"),
            ({"first": 0, "last": 740}, "3022"),
            ({"inside": ""}, ""),
            ({"inside": '<Inventory totalInventoryAvailable="1" flexibleAllocation="1"/>'}, "3026"),
            ({"inside": '<Inventory totalInventoryAvailable="5000"/>'}, "3010"),
            ({"inside": '<Inventory totalInventoryAvailable="-1"/>'}, "3010"),
            ({"inside": '<Inventory rooms="1"/>'}, "3010"),
            ({"inside": "<Stock/>"}, "3010"),
            ({"inside": "three rooms"}, "3010"),
            ({"dates": '<DateRange from="2027-02-30" to="2027-03-01"/>'}, "3010"),
            ({"dates": " "}, "3010"),
            ({"last": 600, "blocks": 300}, "3107"),
        ],
        ids=str,
    )
    def test_what_is_wrong_with_rooms_and_dates(self, ar: Ar, about: dict[str, object], code: str) -> None:
        assert ar.send(**about) == ([code] if code else [])

    @pytest.mark.parametrize(
        ("inside", "code"),
        [
            ('<Rate currency="EUR"><PerDay rate="1"/></Rate>', "3090"),
            ('<Rate currency="EUR"><PerPerson rate="1"/></Rate>', "3090"),
            ('<Rate currency="USD"><PerOccupancy rate="1" occupancy="1"/></Rate>', "3103"),
            ('<Rate currency="EUR" lengthOfStay="1"><PerOccupancy rate="1" occupancy="1"/></Rate>', "3124"),
            ('<Rate currency="EUR" rateChangeIndicator="true"/>', "3125"),
            ('<Rate currency="EUR"><PerOccupancy rate="1,5" occupancy="1"/></Rate>', "3010"),
            ('<Rate currency="EUR"><PerOccupancy rate="1.2345" occupancy="1"/></Rate>', "3010"),
            ('<Rate currency="EUR"><PerOccupancy rate="1" occupancy="0"/></Rate>', "3010"),
            ('<Rate currency="EUR"><PerOccupancy rate="1" occupancy="21"/></Rate>', "3010"),
            ('<Restrictions minLOS="0"/>', "3010"),
            ('<Restrictions minLOS="29"/>', "3010"),
            ('<Restrictions minLOS="5" maxLOS="4"/>', "3015"),
            ('<Restrictions closedToArrival="yes"/>', "3010"),
            ('<Restrictions minLOS="2"/><Rate currency="EUR"/>', "3010"),
            ('<Rate currency="EUR"><PerOccupancy rate="0" occupancy="1"/></Rate>', "7021"),
            ('<Rate currency="EUR"><PerOccupancy rate="9" occupancy="5"/></Rate>', "7009"),
        ],
    )
    def test_what_is_wrong_with_prices_and_rules(self, ar: Ar, inside: str, code: str) -> None:
        assert set(ar.send(inside=ar.rate(inside))) == {code}

    def test_rate_plans_that_are_not_there_or_not_ours(self, ar: Ar) -> None:
        twin = (ar.plan or "").removesuffix("A")
        closed = '<Restrictions minLOS="1"/>'
        suite = ar.place.product("SUI").rate or ""
        linked = ar.place.product(rate="MEMBER").rate or ""
        assert ar.send(inside=ar.rate(closed, plan="999A")) == ["3204"]
        assert ar.send(inside=ar.rate(closed, plan=suite)) == ["3204"], "of another room"
        assert ar.send(inside=ar.rate(closed, plan=twin)) == ["3142"], "derived: bookings only"
        assert set(ar.send(inside=ar.rate(closed, plan=linked))) == {"7023"}

    def test_a_message_without_an_update(self, ar: Ar) -> None:
        body = ar.body(inside="").replace(' closed="false"', "")
        assert codes(post(ar.place, "ar", body)) == ["3015"]

    def test_one_error_and_nothing_is_applied(self, ar: Ar) -> None:
        assert ar.send(inside='<Inventory totalInventoryAvailable="9"/>' + ar.rate("", plan="999A")) == ["3204"]
        assert ar.place.line(0)["available"] == 0

    def test_contradicting_updates_in_one_message(self, ar: Ar) -> None:
        one = ar.body()
        block = one[one.index("<AvailRateUpdate>") : one.index("</AvailRateUpdateRQ>")]
        twice = one.replace(block, block + block.replace('"3"', '"4"'))
        assert codes(post(ar.place, "ar", twice)) == ["3108"]
        assert codes(post(ar.place, "ar", one.replace(block, block * 2))) == []

    def test_weekdays_that_are_not_named_are_false_once_one_is(self, ar: Ar) -> None:
        day = ar.place.day(1)
        word = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[day.weekday()]
        dates = f'<DateRange from="{ar.place.day(0)}" to="{ar.place.day(6)}" {word}="true"/>'
        assert ar.send(dates=dates) == []
        assert [ar.place.line(ahead)["available"] for ahead in range(7)] == [0, 3, 0, 0, 0, 0, 0]

    def test_a_minimum_above_the_maximum_that_is_stored(self, ar: Ar) -> None:
        assert ar.send(inside=ar.rate('<Restrictions minLOS="2" maxLOS="4"/>'), last=0) == []
        assert ar.send(inside=ar.rate('<Restrictions minLOS="5"/>'), last=0) == ["7016"]
        assert ar.send(inside=ar.rate('<Restrictions minLOS="5" maxLOS="9"/>'), last=0) == []
        assert ar.place.line(0)["min_stay"] == 5

    def test_twenty_warnings_of_a_kind_are_listed(self, ar: Ar) -> None:
        bad = ar.rate('<Rate currency="EUR"><PerOccupancy rate="0" occupancy="1"/></Rate>')
        root = post(ar.place, "ar", ar.body(inside=bad, last=99))
        words = [item.text or "" for item in root.iter("{*}Warning")]
        assert len(words) == 20
        assert words[19].startswith("Warning 20 out of 100 for this cause. Remaining 80 warnings will not be returned.")

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"", "2002"),
            (b"not xml", "2002"),
            (b"<Other/>", "2002"),
            (b'<!DOCTYPE a [<!ENTITY b "c">]><AvailRateUpdateRQ/>', "2002"),
            (b"<AvailRateUpdateRQ xmlns='http://www.expediaconnect.com/EQC/AR/2007/02'/>", "2010"),
            (b"<AvailRateUpdateRQ xmlns='" + AR_NS.encode() + b"'>" + b" " * 102_400 + b"</AvailRateUpdateRQ>", "3405"),
        ],
        ids=["empty", "text", "root", "doctype", "namespace", "size"],
    )
    def test_documents(self, place: Place, body: bytes, code: str) -> None:
        assert codes(post(place, "ar", body)) == [code]

    def test_base_allocation_can_not_be_taken_back(self, make_place: Callable[..., Place]) -> None:
        place = make_place(settings={"base_allocation": {"DBL": 2}})
        ar = Ar(place)
        root = post(place, "ar", ar.body(inside='<Inventory totalInventoryAvailable="1"/>', last=0))
        assert codes(root) == ["7013"]
        assert place.line(0)["available"] == 2
        closing = ar.body(inside="", last=0).replace('closed="false"', 'closed="true"')
        assert codes(post(place, "ar", closing)) == ["7010"]

    def test_a_minimum_above_the_hotels_threshold(self, make_place: Callable[..., Place]) -> None:
        ar = Ar(make_place(settings={"min_stay_threshold": 7}))
        assert ar.send(inside=ar.rate('<Restrictions minLOS="8"/>')) == ["3135"]


class TestConnections:
    def test_a_second_connection_to_a_hotel_is_refused(self, ar: Ar) -> None:
        ar.place.world.pace["processing_s"] = 0.3
        found: list[str] = []
        first = threading.Thread(target=lambda: found.extend(ar.send()))
        first.start()
        time.sleep(0.1)
        assert ar.send() == ["3210"]
        first.join()
        assert found == []
        assert ar.send() == []

    def test_another_hotel_is_free_meanwhile(self, ar: Ar) -> None:
        place = ar.place
        other = place.world.add_property(type(SPEC)("other", "Other", "EUR", "UTC", SPEC.rooms))
        place.world.pace["processing_s"] = 0.3
        first = threading.Thread(target=ar.send)
        first.start()
        time.sleep(0.1)
        assert ar.send(hotel=other["id"], room=other["rooms"]["DBL"]["id"]) == []
        first.join()

    def test_too_many_calls_a_minute(self, ar: Ar) -> None:
        ar.place.world.limits_per_min["hotel"] = 2
        ar.send()
        ar.send()
        url = f"{ar.place.session.base_urls['eqc']}/eqc/ar"
        response = httpx.post(url, content=ar.body())
        assert response.status_code == 429
        assert 0 < int(response.headers["retry-after"]) <= 61

    def test_the_vendors_own_limits_are_in_force_from_the_start(self, ar: Ar) -> None:
        fresh = WORLD(ar.place.clock)
        assert fresh.limits_per_min == {"hotel": 300, "retrieval": 60}


def br(place: Place, *parameters: str, hotel: bool = False) -> list[etree._Element]:
    inside = f"<ParamSet>{''.join(parameters)}</ParamSet>" if parameters else ""
    named = f'<Hotel id="{place.prop.id}"/>' if hotel else ""
    body = f'<BookingRetrievalRQ xmlns="{BR_NS}">{ACCOUNT}{named}{inside}</BookingRetrievalRQ>'
    return list(post(place, "br", body).iter("{*}Booking"))


def status(value: str) -> str:
    return f'<Status value="{value}"/>'


def bc(place: Place, *items: tuple[str, str, str], hotel: str = "") -> list[str]:
    numbers = "".join(
        f'<BookingConfirmNumber bookingID="{reference}" bookingType="{kind}" confirmNumber="{number}" '
        f'confirmTime="{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"/>'
        for reference, kind, number in items
    )
    body = (
        f'<BookingConfirmRQ xmlns="{BC_NS}">{ACCOUNT}<Hotel id="{hotel or place.prop.id}"/>'
        f"<BookingConfirmNumbers>{numbers}</BookingConfirmNumbers></BookingConfirmRQ>"
    )
    return codes(post(place, "bc", body))


class TestRetrieval:
    def test_pending_once_then_retrieved_until_it_is_confirmed(self, place: Place) -> None:
        reference = place.book(force=True)
        assert [item.attrib["status"] for item in br(place)] == ["pending"]
        assert br(place) == []
        assert [item.attrib["status"] for item in br(place, status("retrieved"))] == ["retrieved"]
        assert bc(place, (reference, "Book", "N1")) == []
        assert br(place, status("pending"), status("retrieved")) == []
        (confirmed,) = br(place, status("confirmed"))
        assert (confirmed.attrib["status"], confirmed.attrib["confirmNumber"]) == ("confirmed", "N1")

    def test_a_change_waits_for_the_confirmation_of_what_it_changes(self, place: Place) -> None:
        reference = place.book(force=True)
        place.world.change(reference, {"adults": 1}, notify=True)
        place.world.cancel(reference, notify=True)
        seen = []
        for _ in range(3):
            (item,) = br(place)
            assert br(place) == []
            seen.append(item.attrib["type"])
            assert bc(place, (reference, item.attrib["type"], "N1")) == []
        assert seen == ["Book", "Modify", "Cancel"]
        assert br(place) == []

    def test_a_cancellation_is_all_zeros_and_has_no_card(self, place: Place) -> None:
        reference = place.book(force=True, special_requests="sea view")
        bc(place, (reference, "Book", "N1"))
        place.world.cancel(reference, notify=True)
        (item,) = br(place)
        stay = item.find("{*}RoomStay")
        assert stay is not None
        assert (stay.attrib["roomTypeID"], stay.attrib["ratePlanID"]) == ("0", "0")
        assert {rate.attrib["baseRate"] for rate in item.iter("{*}PerDayRate")} == {"0.00"}
        assert item.attrib["confirmNumber"] == "N1"
        assert not list(item.iter("{*}PaymentCard", "{*}SpecialRequest"))

    def test_the_newest_125_come_first(self, place: Place) -> None:
        for _ in range(130):
            place.book(force=True)
        first, second = br(place), br(place)
        assert (len(first), len(second)) == (125, 5)
        assert int(first[0].attrib["id"]) > int(first[-1].attrib["id"]) > int(second[0].attrib["id"])

    def test_an_unconfirmed_booking_falls_back_to_e_mail(self, place: Place) -> None:
        """30 minutes for the same day, an hour for the next, else a day; by the hotel's own calendar."""
        noon = datetime.now(UTC).replace(hour=12, minute=0, second=0) + timedelta(days=1)
        place.clock.shift_s = (noon - datetime.now(UTC)).total_seconds()
        tonight, tomorrow, later = (place.book(first=ahead, force=True) for ahead in (0, 1, 9))
        left = []
        for minutes in (29, 31, 59, 61, 24 * 60 - 1, 24 * 60 + 1):
            place.clock.shift_s = (noon - datetime.now(UTC)).total_seconds() + minutes * 60
            place.world.tick()
            left.append({item.attrib["id"] for item in br(place, status("pending"), status("retrieved"))})
        everything = {tonight, tomorrow, later}
        assert left == [everything, {tomorrow, later}, {tomorrow, later}, {later}, {later}, set()]
        days = "<NbDaysInPast>2</NbDaysInPast>"
        assert {item.attrib["id"] for item in br(place, status("expired"), days)} == everything
        assert br(place, days) == []
        assert bc(place, (tonight, "Book", "N1")) == ["10080"]

    def test_a_lost_message_is_found_by_date_only(self, place: Place) -> None:
        reference = place.book(force=True, notify=False)
        assert br(place, status("pending"), status("retrieved")) == []
        assert [item.attrib["id"] for item in br(place, "<NbDaysInPast>1</NbDaysInPast>", hotel=True)] == [reference]

    def test_one_booking_by_its_id(self, place: Place) -> None:
        reference = place.book(force=True)
        place.book(force=True)
        assert [item.attrib["id"] for item in br(place, f'<Booking id="{reference}"/>')] == [reference]
        assert br(place, '<Booking id="1"/>') == []

    @pytest.mark.parametrize(
        "parameters",
        [
            "<NbDaysInPast>31</NbDaysInPast>",
            "<NbDaysInPast>0</NbDaysInPast>",
            '<NbDaysInPast>1</NbDaysInPast><Status value="pending"/>',
            '<Status value="new"/>',
            '<Booking id="x"/>',
        ],
    )
    def test_requests_the_schema_forbids(self, place: Place, parameters: str) -> None:
        body = f'<BookingRetrievalRQ xmlns="{BR_NS}">{ACCOUNT}<ParamSet>{parameters}</ParamSet></BookingRetrievalRQ>'
        assert codes(post(place, "br", body)) == ["3010"]


class TestConfirmation:
    def test_refusals(self, place: Place) -> None:
        reference = place.book(force=True)
        other = place.world.add_property(type(SPEC)("other", "Other", "EUR", "UTC", SPEC.rooms))["id"]
        assert bc(place, ("1", "Book", "N")) == ["10080"]
        assert bc(place, (reference, "Book", "N"), hotel=other) == ["10081"]
        assert bc(place, (reference, "Modify", "N")) == ["10100"]
        assert bc(place, (reference, "Book", "")) == ["3010"]
        assert bc(place, (reference, "Book", "N" * 51)) == ["3010"]
        assert bc(place, *[(reference, "Book", "N")] * 11) == ["3301"]

    def test_three_different_numbers_and_no_fourth(self, place: Place) -> None:
        reference = place.book(force=True)
        for number in ("A", "B", "A", "C", "B"):
            assert bc(place, (reference, "Book", number)) == []
        assert bc(place, (reference, "Book", "D")) == ["10103"]

    def test_a_confirmation_after_a_newer_version_came(self, place: Place) -> None:
        reference = place.book(force=True)
        assert bc(place, (reference, "Book", "A")) == []
        place.world.change(reference, {"adults": 1}, notify=True)
        assert bc(place, (reference, "Book", "B")) == ["10102"]

    def test_long_after_departure(self, place: Place) -> None:
        reference = place.book(force=True, first=1, nights=1)
        place.clock.shift_s = 11 * 86_400
        assert bc(place, (reference, "Book", "A")) == ["10101"]


class TestSales:
    def test_only_what_the_calendar_offers_is_sold(self, place: Place) -> None:
        with pytest.raises(Refused) as caught:
            place.book()
        assert caught.value.status == 409
        place.open()
        for _ in range(4):
            place.book()
        with pytest.raises(Refused):
            place.book()
        assert place.line(3)["available"] == 0
        assert place.line(5)["available"] == 4, "the check-out day is not sold"

    @pytest.mark.parametrize(
        ("values", "nights"),
        [
            ({"stop_sell": 1}, 2),
            ({"closed_to_arrival": 1}, 2),
            ({"closed_to_departure": 1}, 2),
            ({"min_stay_arrival": 3}, 2),
            ({"max_stay": 1}, 2),
        ],
    )
    def test_each_rule_forbids(self, place: Place, values: dict[str, int], nights: int) -> None:
        place.open()
        place.book(nights=nights)
        days = (5, 5) if "closed_to_departure" in values else (3, 3)
        place.push(place.update(place.product(), *days, **values))
        with pytest.raises(Refused):
            place.book(nights=nights)

    def test_a_closed_night_does_not_forbid_leaving_that_morning(self, place: Place) -> None:
        place.open()
        place.push(place.update(place.product(), 5, 5, stop_sell=1))
        assert place.book(first=3, nights=2)

    def test_a_minimum_through_the_stay_counts_every_night(self, make_place: Callable[..., Place]) -> None:
        place = make_place(settings={"min_stay_type": "through"}, min_stay_type="through")
        place.open()
        place.push(place.update(place.product(), 4, 4, min_stay_arrival=3))
        with pytest.raises(Refused):
            place.book(first=3, nights=2)
        assert place.book(first=3, nights=3)

    def test_a_cancellation_puts_the_room_back(self, place: Place) -> None:
        place.open()
        reference = place.book()
        assert place.line(3)["available"] == 3
        place.world.cancel(reference, notify=True)
        place.world.cancel(reference, notify=True)
        assert place.line(3)["available"] == 4

    def test_with_zero_alone_a_cancellation_reopens_and_closed_stays_closed(self, place: Place) -> None:
        place.open()
        first, second = place.book(first=3), place.book(first=8)
        ar = Ar(place)
        zero = ar.body(inside='<Inventory totalInventoryAvailable="0"/>', first=3, last=5)
        assert codes(post(place, "ar", zero.replace(' closed="false"', ""))) == []
        place.push(place.update(place.room(), 8, 10, availability=0))
        place.world.cancel(first, notify=True)
        place.world.cancel(second, notify=True)
        assert place.book(first=3)
        with pytest.raises(Refused):
            place.book(first=8)

    def test_several_rooms_are_several_bookings(self, place: Place) -> None:
        place.open()
        place.book(rooms=2)
        items = br(place)
        assert len(items) == 2
        assert {item.attrib["code"] for found in items for item in found.iter("{*}SpecialRequest")} == {"3", "5"}
        assert place.line(3)["available"] == 2

    def test_expedia_collect_is_net_and_names_the_twin(self, make_place: Callable[..., Place]) -> None:
        place = make_place(settings={"collect": "expedia", "tax_percent": 10})
        place.open()
        place.book(nights=1)
        (item,) = br(place)
        stay = item.find("{*}RoomStay")
        total = item.find("{*}RoomStay/{*}Total")
        assert stay is not None
        assert total is not None
        assert stay.attrib["ratePlanID"] == (place.product().rate or "").removesuffix("A")
        assert item.attrib["source"] == "Expedia"
        assert (total.attrib["amountAfterTaxes"], total.attrib["amountOfTaxes"]) == ("99.22", "9.02")

    def test_a_linked_plan_follows_its_parent(self, place: Place) -> None:
        place.open()
        assert place.line(3, rate="MEMBER")["amount"] == "99.00"
        assert place.book(rate="MEMBER")

    def test_unknown_codes(self, place: Place) -> None:
        for call in (
            lambda: place.book(room="X", force=True),
            lambda: place.world.calendar("x", place.today, place.today),
            lambda: place.world.cancel("1", notify=True),
            lambda: place.world.bookings("x"),
        ):
            with pytest.raises(Refused) as caught:
                call()
            assert caught.value.status == 404

    def test_a_change_moves_the_nights(self, place: Place) -> None:
        place.open()
        reference = place.book(first=3, nights=2)
        changes = {"check_in": place.day(4).isoformat(), "check_out": place.day(7).isoformat(), "adults": 1}
        place.world.change(reference, changes, notify=True)
        assert [place.line(ahead)["available"] for ahead in range(3, 8)] == [4, 3, 3, 3, 4]
        (line,) = place.world.bookings("seaside")
        assert (line["check_in"], line["status"]) == (place.day(4).isoformat(), "modified")
        with pytest.raises(Refused):
            place.world.change(reference, {"colour": "red"}, notify=True)


class TestWorld:
    def test_the_same_property_has_the_same_ids(self, place: Place) -> None:
        assert place.world.add_property(SPEC) == place.ids

    def test_it_survives_a_restart(self, place: Place) -> None:
        place.open()
        reference = place.book()
        revived = WORLD(place.clock)
        revived.state = pickle.loads(pickle.dumps(place.world.state))
        assert revived.bookings("seaside")[0]["reference"] == reference
        day = place.day(3)
        assert revived.calendar("seaside", day, day) == place.world.calendar("seaside", day, day)
        revived.cancel(reference, notify=True)
        assert revived.state.waiting[reference] is revived.state.bookings[reference]

    def test_reset_forgets_everything(self, place: Place) -> None:
        place.book(force=True)
        place.world.reset()
        assert place.world.properties() == []
        assert place.world.add_property(SPEC) == place.ids, "the same ids again"

    def test_products_are_listed_by_code_and_id(self, place: Place) -> None:
        (hotel,) = place.world.properties()
        assert hotel["products"][0] == {
            "room": "DBL",
            "rate": "FLEX",
            "room_id": place.room().room,
            "rate_id": place.product().rate,
        }


def test_calendars_end_after_a_month_or_a_year(place: Place) -> None:
    place.open(days=3)

    def days(inside: str) -> int:
        wanted = f'<AvailRateRetrieval from="{place.day(0)}" to="{place.day(700)}">{inside}</AvailRateRetrieval>'
        body = (
            f'<ProductAvailRateRetrievalRQ xmlns="{PARR_NS}">{ACCOUNT}<Hotel id="{place.prop.id}"/>'
            f"<ParamSet>{wanted}</ParamSet></ProductAvailRateRetrievalRQ>"
        )
        return len(list(post(place, "parr", body).iter("{*}AvailRate")))

    plan = f'<RatePlan id="{place.product().rate}"/>'
    other = f'<RatePlan id="{place.product(rate="NREF").rate}"/>'
    room = f'<RoomType id="{place.room().room}">'
    assert days("") == 31
    assert days(f"{room}</RoomType>") == 31
    assert days(f"{room}{plan}{other}</RoomType>") == 31
    assert days(f"{room}{plan}</RoomType>") == 365
