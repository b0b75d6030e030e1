"""What is begun on empty nights of the calendar: bookings, and rooms out of order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.inventory.models import OutOfOrder
from innsync.apps.reservations.models import Booking
from innsync.portals.tests.calendar_steps import HX, act, add_room, day, put_into, room, stay_named, text
from innsync.portals.tests.house import House


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
