"""Expedia's world gives out bookings and sells as Expedia does: raw requests, no adapter."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from innsync.channels.expedia.simulator import WORLD
from innsync.integrations.simulation.world import Refused

from .conftest import SPEC, Place
from .raw import ACCOUNT, BR_NS, PARR_NS, Ar, bc, br, codes, post, status


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

    def test_a_newer_version_of_the_same_kind_that_nobody_retrieved_is_not_confirmed(self, place: Place) -> None:
        reference = place.book(force=True)
        assert bc(place, (reference, "Book", "A")) == []
        place.world.change(reference, {"adults": 1}, notify=True)
        place.world.change(reference, {"special_requests": "quiet"}, notify=True)
        place.pull()
        assert bc(place, (reference, "Modify", "A")) == []
        assert bc(place, (reference, "Modify", "A")) == ["10102"], "repeated after a lost answer"

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
