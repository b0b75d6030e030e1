"""The calendar: what it shows to whom, what can be done on it, and what stands in the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.inventory.models import OutOfOrder
from innsync.apps.properties.models import Room
from innsync.apps.rates.selectors import get_house
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.models import Booking, RoomStay
from innsync.apps.reservations.records import Record
from innsync.apps.reservations.services.rooms import add_rooms, put_out_of_order
from innsync.portals.admin.calendar import chart
from innsync.portals.admin.calendar.window import ZOOMS
from innsync.portals.static_files import load
from innsync.portals.tests.conftest import signed_in
from innsync.portals.tests.counting import count
from innsync.portals.tests.house import House

HX = {"HTTP_HX_REQUEST": "true"}


def text(answer: Any) -> str:
    return answer.content.decode()


def stay_of(house: House, booking: Record) -> RoomStay:
    with tenant(house.organization.id):
        return RoomStay.objects.select_related("room", "booking").get(booking_id=booking.id)


def stay_named(house: House, guest: str) -> RoomStay:
    with tenant(house.organization.id):
        return RoomStay.objects.select_related("room", "booking").get(booking__guest_name=guest)


def room(house: House, name: str) -> Room:
    with tenant(house.organization.id):
        return Room.objects.get(name=name)


def add_room(house: House, kind: str, name: str) -> Room:

    with tenant(house.organization.id):
        return add_rooms(
            organization_id=house.organization.id,
            room_type_id=house.types[kind].id,
            names=[name],
            now=datetime.now(UTC),
        )[0]


def put_into(house: House, booking: Record, name: str) -> None:
    with tenant(house.organization.id):
        reservations.place_stay(
            organization_id=house.organization.id,
            booking_id=booking.id,
            room_stay_id=booking.stays[0].id,
            room_id=Room.objects.get(name=name).id,
            now=datetime.now(UTC),
            actor="test",
        )


def cancel(house: House, booking: Record) -> None:
    with tenant(house.organization.id):
        reservations.cancel(
            house=get_house(organization_id=house.organization.id, key=house.property.id),
            booking_id=booking.id,
            now=datetime.now(UTC),
            actor="test",
        )


def rows(answer: Any) -> dict[str, chart.Row]:
    """By the room's name; the stays without one by their type's."""
    return {
        row.room.name if row.room else f"waiting {one.type.code}": row
        for one in answer.context["slices"]
        for row in ([one.waiting] if one.waiting else []) + one.rows
    }


def day(house: House, offset: int) -> str:
    return (house.today + timedelta(days=offset)).isoformat()


class TestWhatItShows:
    def test_stays_lie_in_their_rooms_from_noon_to_noon(self, enter, house):
        booking = house.book(2, 3)
        put_into(house, booking, "double-0")
        answer = enter().get(f"/calendar?from={day(house, 0)}&zoom=week")
        (bar,) = rows(answer)["double-0"].bars
        assert (bar.guest, bar.css.split()[-2:]) == ("Ada Example", ["s6", "w6"])
        assert f"/calendar/stays/{bar.stay_id}" in text(answer)
        assert rows(answer)["suite-0"].bars == []

    def test_what_lies_over_the_border_of_the_window_is_cut_and_says_so(self, enter, house):
        put_into(house, house.book(0, 20), "double-0")
        answer = enter().get(f"/calendar?from={day(house, 5)}&zoom=week")
        assert rows(answer)["double-0"].bars[0].css.endswith("s1 w14 t-past t-on")

    def test_who_leaves_on_the_first_day_shows_and_who_left_before_does_not(self, enter, house):
        put_into(house, house.book(0, 2), "double-0")
        enter_ = enter()
        assert rows(enter_.get(f"/calendar?from={day(house, 2)}"))["double-0"].bars[0].css.split()[2:4] == ["s1", "w1"]
        assert rows(enter_.get(f"/calendar?from={day(house, 3)}"))["double-0"].bars == []

    def test_stays_without_a_room_wait_above_those_of_their_type(self, enter, house):
        house.channel_sells(3, guest="Zoë Müller")
        answer = enter().get(f"/calendar?from={day(house, 0)}")
        (bar,) = rows(answer)["waiting double"].bars
        assert bar.guest == "Zoë Müller"
        assert "Channex" in bar.words
        assert "sold-there" in bar.css

    def test_of_very_many_without_a_room_some_are_shown_until_one_asks_for_all(self, enter, house, monkeypatch):
        monkeypatch.setattr(chart, "LANES", 2)
        for number in range(4):
            house.channel_sells(3, guest=f"Guest {number}")
        client = enter()
        assert len(rows(client.get("/calendar"))["waiting double"].bars) == 2
        assert "and 2 more" in text(client.get("/calendar"))
        assert len(rows(client.get("/calendar?whole=1"))["waiting double"].bars) == 4
        at = stay_named(house, "Guest 3").id
        assert len(rows(client.get(f"/calendar?at={at}"))["waiting double"].bars) == 4

    def test_it_counts_what_is_left_and_what_is_oversold(self, enter, house):
        house.oversell(5, 1)
        answer = enter().get(f"/calendar?from={day(house, 4)}&zoom=week")
        first = answer.context["slices"][0]
        assert [night.text for night in first.nights][:3] == ["1", "−1", "1"]
        assert "1 oversold" in first.nights[1].words

    def test_rooms_out_of_order_and_those_of_just_a_type(self, enter, house):
        house.take_out_of_order(3, 2)
        with tenant(house.organization.id):
            put_out_of_order(
                organization_id=house.organization.id,
                room_type_id=house.types["double"].id,
                first=house.today,
                last=house.today,
                now=datetime.now(UTC),
                reason="painters",
            )
        found = rows(enter().get("/calendar"))
        assert [one.label for one in found["suite-0"].blocks] == ["new bathroom"]
        assert [one.label for one in found["waiting double"].blocks] == ["painters"]

    def test_cancelled_stays_are_gone(self, enter, house):
        booking = house.book(2)
        put_into(house, booking, "double-0")
        cancel(house, booking)
        assert rows(enter().get("/calendar"))["double-0"].bars == []

    def test_only_the_type_asked_for_is_shown(self, enter, house):
        found = rows(enter().get("/calendar?type=suite"))
        assert set(found) == {"waiting suite", "suite-0"}

    def test_nonsense_in_the_address_counts_as_not_said(self, enter, house):
        answer = enter().get("/calendar?from=9999-99-99&zoom=eon&at=me&q=%00")
        assert answer.status_code == 200
        assert answer.context["window"].first == house.today - timedelta(days=1)

    def test_the_address_holds_all_of_it(self, enter, house):
        window = enter().get(f"/calendar?from={day(house, 9)}&zoom=month&type=suite&q=ada").context["window"]
        assert f"from={day(house, 9)}&zoom=month&type=suite&q=ada" in window.query
        assert f"from={day(house, 37)}&" in window.later
        assert f"from={day(house, -19)}&" in window.earlier

    def test_rooms_far_below_come_when_they_are_asked_for(self, enter, house, monkeypatch):
        monkeypatch.setattr(chart, "SLICE", 1)
        monkeypatch.setattr(chart, "DRAWN_AT_FIRST", 1)
        put_into(house, house.book(2, room="suite"), "suite-0")
        client = enter()
        first = client.get("/calendar")
        assert [one.missing for one in first.context["slices"]] == [False, True, True]
        later = client.get(f"/calendar/rooms/{house.types['suite'].id}?offset=0&{first.context['window'].query}")
        assert "Ada Example" in text(later)
        assert client.get(f"/calendar/rooms/{house.types['suite'].id}?offset=7").status_code == 404
        at = stay_named(house, "Ada Example").id
        assert [one.missing for one in client.get(f"/calendar?at={at}").context["slices"]] == [False, False, True]

    def test_every_place_on_the_chart_has_its_rule(self):

        rules = load("portals/calendar-grid.css")
        assert rules is not None

        halves = 2 * max(zoom.days for zoom in ZOOMS.values())
        for number in range(1, halves + 1):
            assert f".s{number}{{".encode() in rules.content
            assert f".w{number}{{".encode() in rules.content
        assert f".r{chart.SLICE}{{".encode() in rules.content

    def test_who_sees_no_property_is_told_so(self, enter):
        assert "no property yet" in text(enter(properties=[uuid4()]).get("/calendar"))


class TestLookingForSomebody:
    def test_by_a_part_of_the_name_here_and_on_other_dates(self, enter, house):
        house.book(3, guest="Nora Nilsen")
        house.book(40, guest="Nora Later", room="suite")
        answer = enter().get(f"/calendar?from={day(house, 0)}&q=nora")
        assert [one["bar"].guest for one in answer.context["inside"]] == ["Nora Nilsen"]
        assert [one["bar"].guest for one in answer.context["elsewhere"]] == ["Nora Later"]
        there = enter().get("/calendar?" + answer.context["elsewhere"][0]["query"])
        assert [bar.guest for row in rows(there).values() for bar in row.bars if bar.found] == ["Nora Later"]

    def test_by_the_code(self, enter, house):
        booking = house.book(3)
        answer = enter().get(f"/calendar?q={booking.code.lower()}")
        assert [one["bar"].code for one in answer.context["inside"]] == [booking.code]

    def test_a_wildcard_is_just_a_letter(self, enter, house):
        house.book(3)
        answer = enter().get("/calendar?q=%25")
        assert answer.context["inside"] == []

    def test_who_cancelled_is_not_on_the_chart_to_be_found(self, enter, house):
        cancel(house, house.book(3, guest="Nora Nilsen"))
        cancel(house, house.book(40, guest="Nora Later"))
        context = enter().get(f"/calendar?from={day(house, 0)}&q=nora").context
        assert (context["inside"], context["elsewhere"]) == ([], [])

    def test_nobody(self, enter, house):
        assert "No stay of “nobody” on these dates." in text(enter().get("/calendar?q=nobody"))


def test_as_many_queries_for_much_as_for_little(enter, house):
    client = enter()
    paths = ["/calendar", "/calendar?zoom=2months&q=e", f"/calendar/rooms/{house.types['double'].id}?zoom=2months"]
    before = [count(client, path) for path in paths]
    for number in range(10):
        house.take_out_of_order(2 * number)
    for number in range(30):
        add_room(house, "double", f"d{number}")
        add_room(house, "suite", f"s{number}")
        house.channel_sells(number, guest=f"Guest {number}")
        house.book(2 * number, guest=f"Erna {number}", room="attic")
    assert [count(client, path) for path in paths] == before
    assert before[0] <= 22


def act(client: Client, path: str, **fields: Any) -> str:
    """Do it, and what is said about it on the calendar that one comes back to."""
    answer = client.post(path, fields, follow=True)
    assert answer.redirect_chain[0][1] == 303
    assert answer.request["PATH_INFO"] == "/calendar"
    (message,) = answer.context["messages"]
    return str(message)


class TestMovingAStay:
    def test_into_another_room_of_its_type(self, enter, house):
        add_room(house, "double", "double-9")
        stay = stay_of(house, house.book(2))
        words = act(enter(), f"/calendar/stays/{stay.id}/room", room=room(house, "double-9").id)
        assert words == "Ada Example is in room double-9 now."
        assert stay_named(house, "Ada Example").room.name == "double-9"

    def test_into_another_type_at_the_price_agreed(self, enter, house):
        stay = stay_of(house, house.book(2))
        asked = enter().get(f"/calendar/stays/{stay.id}/dates?room={room(house, 'suite-0').id}", **HX)
        assert "the guest moves there at the price agreed" in text(asked)
        words = act(enter(), f"/calendar/stays/{stay.id}/room", room=room(house, "suite-0").id)
        assert "at the price agreed" in words
        assert stay_named(house, "Ada Example").room_type_id == house.types["suite"].id

    def test_a_channels_booking_too(self, enter, house):
        house.channel_sells(2)
        stay = stay_named(house, "Zoë Müller")
        act(enter(), f"/calendar/stays/{stay.id}/room", room=room(house, "double-0").id)
        assert stay_named(house, "Zoë Müller").room.name == "double-0"

    def test_a_taken_room_is_refused_in_words_and_one_comes_back_to_the_same_dates(self, enter, house):
        put_into(house, house.book(2, room="suite", guest="Nora Nilsen"), "suite-0")
        stay = stay_of(house, house.book(2))
        answer = enter().post(
            f"/calendar/stays/{stay.id}/room?from={day(house, 1)}&zoom=week",
            {"room": room(house, "suite-0").id},
            follow=True,
        )
        (message,) = answer.context["messages"]
        assert "Room suite-0 is taken by Nora Nilsen" in str(message)
        assert str(message).endswith("Nothing was changed.")
        assert (answer.context["window"].first, answer.context["window"].zoom.key) == (
            house.today + timedelta(days=1),
            "week",
        )
        assert stay_named(house, "Ada Example").room is None

    def test_out_of_its_room(self, enter, house):
        booking = house.book(2)
        put_into(house, booking, "double-0")
        assert "has no room for now" in act(enter(), f"/calendar/stays/{stay_of(house, booking).id}/room", room="")
        assert stay_of(house, booking).room is None

    def test_rooms_of_another_house_are_not_there(self, enter, house, other):
        stay = stay_of(house, house.book(2))
        answer = enter().post(f"/calendar/stays/{stay.id}/room", {"room": room(other, "double-0").id})
        assert answer.status_code == 404

    def test_all_that_have_none_are_given_rooms_at_once(self, enter, house):
        house.channel_sells(2)
        house.book(2, room="suite")
        assert act(enter(), f"/calendar/of/{house.property.id}/assign") == "2 stays were given rooms."
        assert stay_named(house, "Zoë Müller").room.name == "double-0"


class TestOtherDates:
    def test_the_difference_is_shown_and_nothing_changes_until_it_is_confirmed(self, enter, house):
        booking = house.book(2, 2)
        put_into(house, booking, "double-0")
        stay, client = stay_of(house, booking), enter()
        asked = client.get(f"/calendar/stays/{stay.id}/dates?longer=2", **HX)
        assert "<b>200.00 EUR more</b> than before." in text(asked)
        assert stay_of(house, booking).check_out == stay.check_out
        shown = asked.context
        words = act(
            client,
            f"/calendar/stays/{stay.id}/dates",
            check_in=shown["check_in"].isoformat(),
            check_out=shown["check_out"].isoformat(),
            version=shown["version"],
            total=shown["arranged"].after.minor,
        )
        assert words == "Ada Example: 4 nights now, 400.00 EUR in all."
        after = stay_of(house, booking)
        assert (after.check_out, after.room.name) == (stay.check_out + timedelta(days=2), "double-0")

    def test_shorter_costs_less(self, enter, house):
        stay = stay_of(house, house.book(2, 3))
        assert "<b>100.00 EUR less</b>" in text(enter().get(f"/calendar/stays/{stay.id}/dates?longer=-1", **HX))

    def test_at_another_price_than_was_shown_nothing_changes(self, enter, house):
        stay = stay_of(house, house.book(2, 2))
        words = act(
            enter(),
            f"/calendar/stays/{stay.id}/dates",
            check_in=day(house, 2),
            check_out=day(house, 6),
            total="1",
        )
        assert words == "The price is 400.00 EUR by now. Look at it again. Nothing was changed."
        assert stay_named(house, "Ada Example").check_out == stay.check_out

    def test_after_another_change_nothing_changes(self, enter, house):
        stay = stay_of(house, house.book(2, 2))
        words = act(
            enter(), f"/calendar/stays/{stay.id}/dates", check_in=day(house, 2), check_out=day(house, 6), version="9"
        )
        assert "Somebody changed this booking meanwhile." in words

    def test_sold_out_nights_are_named(self, enter, house):
        stay = stay_of(house, house.book(2, 2))
        house.book(4, 2, guest="Nora Nilsen")
        asked = text(enter().get(f"/calendar/stays/{stay.id}/dates?longer=1", **HX))
        assert "No room of that type is left on" in asked
        assert "Change the dates" not in asked

    def test_a_channels_dates_are_changed_there(self, enter, house):
        house.channel_sells(2)
        stay = stay_named(house, "Zoë Müller")
        asked = text(enter().get(f"/calendar/stays/{stay.id}/dates?later=1", **HX))
        assert "Channex sold this booking: dates are changed there" in asked

    @pytest.mark.parametrize("dates", ["check_in=2026-13-01", "later=x", "later=999999999999", "longer=-99999"])
    def test_nonsense_is_answered(self, enter, house, dates):
        stay = stay_of(house, house.book(2))
        assert enter().get(f"/calendar/stays/{stay.id}/dates?{dates}", **HX).status_code == 200

    @pytest.mark.parametrize("wrong", [{"check_out": "2206-12-01"}, {"check_in": ""}])
    def test_a_date_that_can_not_be_read_moves_nobody_to_another(self, enter, house, wrong):
        stay = stay_of(house, house.book(2, 2))
        fields = {"check_in": day(house, 3), "check_out": day(house, 6), **wrong}
        assert "as a date that can be booked" in act(enter(), f"/calendar/stays/{stay.id}/dates", **fields)
        after = stay_named(house, "Ada Example")
        assert (after.check_in, after.check_out) == (stay.check_in, stay.check_out)


class TestBeginningSomething:
    def ask(self, client: Client, house: House, **fields: Any) -> Any:
        return client.get(f"/calendar/of/{house.property.id}/new", fields, **HX)

    def test_a_booking_into_the_room_that_was_dragged_over(self, enter, house):
        client, place = enter(), room(house, "suite-0")
        asked = self.ask(client, house, place=place.id, check_in=day(house, 3), check_out=day(house, 5))
        assert "200.00 EUR" in text(asked)
        words = act(
            client,
            f"/calendar/of/{house.property.id}/new",
            place=place.id,
            check_in=day(house, 3),
            check_out=day(house, 5),
            adults="2",
            ages="4",
            plan=f"{house.plan_id}:{asked.context['offers'][0]['total'].minor}",
            name="Nora Nilsen",
            email="nora@example.org",
        )
        stay = stay_named(house, "Nora Nilsen")
        assert words == f"Nora Nilsen is booked: {stay.booking.code}, 200.00 EUR."
        assert (stay.room.name, stay.child_ages, stay.booking.guest_email) == ("suite-0", [4], "nora@example.org")

    def test_where_no_room_was_chosen_any_of_the_type_will_do(self, enter, house):
        act(
            enter(),
            f"/calendar/of/{house.property.id}/new",
            place=house.types["suite"].id,
            check_in=day(house, 3),
            check_out=day(house, 5),
            adults="1",
            plan=f"{house.plan_id}:20000",
            name="Nora Nilsen",
        )
        assert stay_named(house, "Nora Nilsen").room is None

    def test_a_room_that_was_taken_meanwhile_is_refused_and_nothing_is_booked(self, enter, house):
        add_room(house, "double", "double-9")
        put_into(house, house.book(3), "double-0")
        place = room(house, "double-0")
        assert "The room is taken" in text(
            self.ask(enter(), house, place=place.id, check_in=day(house, 3), check_out=day(house, 5))
        )
        words = act(
            enter(),
            f"/calendar/of/{house.property.id}/new",
            place=place.id,
            check_in=day(house, 3),
            check_out=day(house, 5),
            adults="2",
            plan=f"{house.plan_id}:20000",
            name="Nora Nilsen",
        )
        assert "Room double-0 is taken by Ada Example" in words
        with tenant(house.organization.id):
            assert not Booking.objects.filter(guest_name="Nora Nilsen").exists()

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"check_out": "2026-01-01"}, "The departure must be after the arrival."),
            ({"adults": "0"}, "At least one adult stays in the room."),
            ({"ages": "four"}, "Write the children’s ages as whole years"),
        ],
    )
    def test_what_is_written_wrongly_is_said_before_anything_is_booked(self, enter, house, fields, words):
        assert words in text(self.ask(enter(), house, place=house.types["double"].id, **fields))

    def test_rules_that_forbid_it_are_said_in_words(self, enter, house):
        asked = text(self.ask(enter(), house, place=house.types["double"].id, adults="9"))
        assert "the room type does not take so many guests" in asked
        house.book(3, 1)
        asked = text(
            self.ask(enter(), house, place=house.types["double"].id, check_in=day(house, 3), check_out=day(house, 4))
        )
        assert "no room of the type is left on" in asked

    def test_without_a_name_nothing_is_booked(self, enter, house):
        words = act(
            enter(),
            f"/calendar/of/{house.property.id}/new",
            check_in=day(house, 3),
            check_out=day(house, 4),
            plan=f"{house.plan_id}:10000",
            name=" ",
        )
        assert words == "Write the guest’s name. Nothing was changed."

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"check_in": "2206-12-01"}, "Give the arrival as a date that can be booked. Nothing was changed."),
            ({"check_in": ""}, "Give the arrival as a date that can be booked. Nothing was changed."),
            ({"check_out": "2026-13-01"}, "Give the departure as a date that can be booked. Nothing was changed."),
            ({"check_out": ""}, "Give the departure as a date that can be booked. Nothing was changed."),
        ],
    )
    def test_a_date_that_can_not_be_read_books_no_other(self, enter, house, wrong, words):
        fields = {"check_in": day(house, 3), "check_out": day(house, 4), "name": "Nora Nilsen"}
        plan = f"{house.plan_id}:10000"
        assert act(enter(), f"/calendar/of/{house.property.id}/new", plan=plan, **{**fields, **wrong}) == words
        with tenant(house.organization.id):
            assert not Booking.objects.exists()

    def test_only_the_price_is_answered_to_who_asks_for_that(self, enter, house):
        answer = enter().get(f"/calendar/of/{house.property.id}/new", **HX, HTTP_HX_TARGET="price")
        assert "<h2" not in text(answer)
        assert "100.00 EUR" in text(answer)

    def test_without_a_script_it_is_a_page(self, enter, house):
        assert "<html" in text(enter().get(f"/calendar/of/{house.property.id}/new"))


class TestOutOfOrder:
    def put_out(self, client: Client, house: House, place: Any, first: int, last: int) -> str:
        return act(
            client,
            f"/calendar/of/{house.property.id}/out-of-order",
            place=place,
            first=day(house, first),
            last=day(house, last),
            reason="painters",
        )

    def test_a_room_goes_out_of_order_and_comes_back(self, enter, house):
        client = enter()
        assert "suite-0 is out of order from" in self.put_out(client, house, room(house, "suite-0").id, 2, 4)
        with tenant(house.organization.id):
            block = OutOfOrder.objects.get()
        assert (block.first, block.last, block.reason) == (
            house.today + timedelta(days=2),
            house.today + timedelta(days=4),
            "painters",
        )
        assert "painters" in text(client.get(f"/calendar/blocks/{block.id}"))
        assert act(client, f"/calendar/blocks/{block.id}") == "suite-0 is back in order, and sold again."
        assert client.get(f"/calendar/blocks/{block.id}").status_code == 404

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"first": ""}, "Give the first night as a date. Nothing was changed."),
            ({"last": "2206-12-01"}, "Give the last night as a date. Nothing was changed."),
        ],
    )
    def test_nights_that_can_not_be_read_put_out_no_others(self, enter, house, wrong, words):
        fields = {"place": house.types["suite"].id, "first": day(house, 2), "last": day(house, 3), **wrong}
        assert act(enter(), f"/calendar/of/{house.property.id}/out-of-order", **fields) == words
        with tenant(house.organization.id):
            assert not OutOfOrder.objects.exists()

    def test_any_room_of_a_type(self, enter, house):
        self.put_out(enter(), house, house.types["suite"].id, 2, 2)
        with tenant(house.organization.id):
            assert OutOfOrder.objects.get().room is None

    def test_nights_that_are_past_or_out_of_order_already_are_refused(self, enter, house):
        client, place = enter(), room(house, "suite-0").id
        assert "must be today or later" in self.put_out(client, house, place, -3, 1)
        self.put_out(client, house, place, 2, 4)
        assert "suite-0 is out of order from" in (words := self.put_out(client, house, place, 4, 6))
        assert words.endswith("Nothing was changed.")
        with tenant(house.organization.id):
            assert OutOfOrder.objects.count() == 1


class TestWhoMaySeeIt:
    def places(self, house: House) -> list[str]:
        booking = house.book(2)
        block = house.take_out_of_order(4)
        stay = stay_of(house, booking)
        return [
            f"/calendar?property={house.property.code}",
            f"/calendar/rooms/{house.types['double'].id}",
            f"/calendar/stays/{stay.id}",
            f"/calendar/stays/{stay.id}/dates?later=1",
            f"/calendar/of/{house.property.id}/new",
            f"/calendar/blocks/{block.id}",
        ]

    def deeds(self, house: House) -> list[str]:
        stay = stay_named(house, "Ada Example")
        with tenant(house.organization.id):
            block = OutOfOrder.objects.get()
        return [
            f"/calendar/stays/{stay.id}/room",
            f"/calendar/stays/{stay.id}/dates",
            f"/calendar/of/{house.property.id}/new",
            f"/calendar/of/{house.property.id}/assign",
            f"/calendar/of/{house.property.id}/out-of-order",
            f"/calendar/blocks/{block.id}",
        ]

    def test_its_own_people_reach_all_of_it(self, enter, house):
        client = enter()
        assert {client.get(path).status_code for path in self.places(house)} == {200}

    def test_nothing_of_another_organization_is_there(self, house, other):
        client = signed_in(other.person())
        assert {client.get(path).status_code for path in self.places(house)} == {404}
        assert {client.post(path, {"room": ""}).status_code for path in self.deeds(house)} == {404}

    def test_nothing_of_a_property_that_is_not_ones_own_is_there(self, enter, house):
        client = enter(properties=[uuid4()])
        assert {client.get(path).status_code for path in self.places(house)} == {404}
        assert {client.post(path, {"room": ""}).status_code for path in self.deeds(house)} == {404}

    def test_staff_see_who_sleeps_where_and_are_led_nowhere(self, enter, house):
        put_into(house, house.book(2), "double-0")
        shown = text(enter("staff").get("/calendar"))
        assert "Ada Example" in shown
        assert "/calendar/stays/" not in shown
        assert "/bookings/" not in shown
        assert "ada@example.org" not in shown

    def test_who_may_look_at_bookings_is_led_to_them_and_offered_nothing_to_do(self, enter, house):
        booking = house.book(2)
        shown = text(enter("read_only").get("/calendar"))
        assert f"/bookings/{booking.id}" in shown
        assert "/calendar/stays/" not in shown
        assert "/new" not in shown

    def test_another_property_is_chosen_by_its_code(self, enter, house):
        answer = enter().get(f"/calendar?property={house.property.code}")
        assert answer.context["property"].id == house.property.id
        assert enter().get("/calendar?property=nowhere").status_code == 404
