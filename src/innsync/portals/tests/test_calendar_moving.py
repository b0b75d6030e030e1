"""Stays on the calendar: into other rooms, on other dates, in two rooms, kept in one; and taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.inventory.models import OutOfOrder
from innsync.apps.properties.models import Room
from innsync.apps.rates.services import RateEdit, set_rates
from innsync.apps.reservations.models import HeldRoom
from innsync.portals.tests.calendar_steps import (
    HX,
    act,
    add_room,
    cancel,
    day,
    put_into,
    room,
    rows,
    stay_named,
    stay_of,
    text,
)
from innsync.portals.tests.house import House


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


def nights_in(house: House) -> list[tuple[str, int]]:
    """(room, nights) of all that is held, in order of time."""
    with tenant(house.organization.id):
        return [
            (one.room.name, (one.nights.upper - one.nights.lower).days)
            for one in HeldRoom.objects.select_related("room").order_by("nights")
        ]


class TestTwoRooms:
    def split(self, client: Client, house: House, stay: Any, after: int, first: str, second: str) -> str:
        return act(
            client,
            f"/calendar/stays/{stay.id}/split",
            on=day(house, after),
            first=room(house, first).id,
            second=room(house, second).id,
        )

    def begun(self, house: House) -> Any:
        add_room(house, "double", "double-9")
        booked = house.book(2, 4)
        put_into(house, booked, "double-0")
        return stay_of(house, booked)

    def test_the_guest_changes_rooms_and_the_chart_shows_both_parts(self, enter, house):
        stay, client = self.begun(house), enter()
        asked = client.get(f"/calendar/stays/{stay.id}/split?on={day(house, 4)}", **HX)
        assert [one.name for one in asked.context["first"]] == ["double-0", "double-9"]
        words = self.split(client, house, stay, 4, "double-0", "double-9")
        assert words.startswith("Ada Example is in room double-0, and from ")
        assert nights_in(house) == [("double-0", 2), ("double-9", 2)]
        found = rows(client.get(f"/calendar?from={day(house, 0)}&zoom=week"))
        (first,), (second,) = found["double-0"].bars, found["double-9"].bars
        assert (first.part, first.other, first.css.split()[2:]) == (1, "double-9", ["s6", "w4", "part1"])
        assert (second.part, second.other, second.css.split()[2:4]) == (2, "double-0", ["s10", "w4"])
        assert "in room double-9" in first.words
        assert "in room double-0" in second.words

    def test_who_has_no_room_gets_two_at_once(self, enter, house):
        add_room(house, "double", "double-9")
        put_into(house, house.book(2, 2, guest="Left Guest"), "double-0")
        put_into(house, house.book(4, 2, guest="Right Guest"), "double-9")
        booked = stay_of(house, house.book(2, 4))
        asked = enter().get(f"/calendar/stays/{booked.id}/split?on={day(house, 4)}", **HX).context
        assert ([one.name for one in asked["first"]], [one.name for one in asked["second"]]) == (
            ["double-9"],
            ["double-0"],
        )
        self.split(enter(), house, booked, 4, "double-9", "double-0")
        assert stay_named(house, "Ada Example").next_room_id == room(house, "double-0").id

    def test_one_part_is_moved_and_both_in_one_room_are_one_stay(self, enter, house):
        stay, client = self.begun(house), enter()
        add_room(house, "double", "double-7")
        self.split(client, house, stay, 4, "double-0", "double-9")
        act(client, f"/calendar/stays/{stay.id}/room", room=room(house, "double-7").id, part="2")
        assert nights_in(house) == [("double-0", 2), ("double-7", 2)]
        act(client, f"/calendar/stays/{stay.id}/room", room=room(house, "double-7").id, part="1")
        assert nights_in(house) == [("double-7", 4)]

    def test_another_type_in_mid_stay_is_refused_in_words(self, enter, house):
        stay, client = self.begun(house), enter()
        assert "of another type" in self.split(client, house, stay, 4, "double-0", "suite-0")
        self.split(client, house, stay, 4, "double-0", "double-9")
        words = act(client, f"/calendar/stays/{stay.id}/room", room=room(house, "suite-0").id, part="2")
        assert words.endswith("moves only within the type. Nothing was changed.")

    @pytest.mark.parametrize("on", ["", "2026-13-01", "1999-01-01", "2150-01-01"])
    def test_a_day_that_is_none_of_the_stay_is_refused(self, enter, house, on):
        stay = self.begun(house)
        fields = {"first": room(house, "double-0").id, "second": room(house, "double-9").id}
        words = act(enter(), f"/calendar/stays/{stay.id}/split", on=on, **fields)
        assert words.endswith("Nothing was changed.")
        assert enter().get(f"/calendar/stays/{stay.id}/split?on={on}", **HX).status_code == 200

    def test_a_single_night_has_no_middle(self, enter, house):
        stay = stay_of(house, house.book(2, 1))
        assert "two nights or more" in text(enter().get(f"/calendar/stays/{stay.id}/split", **HX))


class TestPin:
    def test_a_pinned_stay_is_not_moved_by_assigning_rooms(self, enter, house):
        add_room(house, "double", "double-9")
        left, right = house.book(2, 2, guest="Left Guest"), house.book(4, 2, guest="Right Guest")
        put_into(house, left, "double-0")
        put_into(house, right, "double-9")
        client = enter()
        for one in (left, right):
            act(client, f"/calendar/stays/{stay_of(house, one).id}/pin", pinned="1")
        house.book(2, 4, guest="Long Guest")
        assert act(client, f"/calendar/of/{house.property.id}/assign") == "0 stays were given rooms."
        shown = text(client.get("/calendar"))
        assert shown.count("kept in its room") == 2
        act(client, f"/calendar/stays/{stay_of(house, right).id}/pin", pinned="0")
        assert act(client, f"/calendar/of/{house.property.id}/assign") == "2 stays were given rooms."
        assert stay_named(house, "Left Guest").room.name == "double-0"

    def test_who_has_no_room_is_not_pinned(self, enter, house):
        stay = stay_of(house, house.book(2))
        words = act(enter(), f"/calendar/stays/{stay.id}/pin", pinned="1")
        assert words == "Choose a room first. Nothing was changed."


class TestUndo:
    def undo(self, client: Client, answer: Any) -> str:
        return act(client, f"/calendar/undo?{answer.context['window'].query}", id=answer.context["undo"])

    def done(self, client: Client, path: str, **fields: Any) -> Any:
        return client.post(path, fields, follow=True)

    def test_a_move_is_taken_back_also_into_another_type(self, enter, house):
        booked, client = house.book(2), enter()
        put_into(house, booked, "double-0")
        answer = self.done(client, f"/calendar/stays/{stay_of(house, booked).id}/room", room=room(house, "suite-0").id)
        assert answer.context["undo"]
        assert self.undo(client, answer) == "It is taken back."
        after = stay_of(house, booked)
        assert (after.room.name, after.room_type_id) == ("double-0", house.types["double"].id)

    def test_it_is_offered_once_and_by_its_page_only(self, enter, house):
        booked, client = house.book(2), enter()
        answer = self.done(client, f"/calendar/stays/{stay_of(house, booked).id}/room", room=room(house, "double-0").id)
        assert client.get("/calendar").context["undo"] == ""
        gone = "It was taken back already, or something else was done since."
        assert act(client, "/calendar/undo", id="another") == gone
        assert self.undo(enter(), answer) == gone
        assert stay_of(house, booked).room.name == "double-0"
        self.undo(client, answer)
        again = client.post(f"/calendar/undo?from={day(house, 1)}", {"id": answer.context["undo"]}, follow=True)
        assert [str(one) for one in again.context["messages"]] == [gone]
        assert again.context["window"].first == house.today + timedelta(days=1)

    def test_other_dates_are_taken_back_at_the_price_agreed_then(self, enter, house):
        booked, client = house.book(2, 2), enter()
        put_into(house, booked, "double-0")
        with tenant(house.organization.id):
            set_rates(
                organization_id=house.organization.id,
                property_id=house.property.id,
                edits=[
                    RateEdit(
                        house.products["double"].id,
                        house.today,
                        house.today + timedelta(days=20),
                        {"price": 15_000},
                    )
                ],
                now=stay_of(house, booked).booking.created_at,
                actor="test",
            )
        fields = {"check_in": day(house, 2), "check_out": day(house, 5)}
        answer = self.done(client, f"/calendar/stays/{stay_of(house, booked).id}/dates", **fields)
        assert stay_of(house, booked).booking.total_minor == 45_000
        self.undo(client, answer)
        after = stay_of(house, booked)
        assert (after.check_out, after.booking.total_minor, after.nightly_minor, after.room.name) == (
            booked.check_out,
            20_000,
            [10_000, 10_000],
            "double-0",
        )
        assert house_left(house, 4) == 1
        history = client.get(f"/bookings/{booked.id}").context["history"]
        assert history[0].title == "Taken back"

    def test_after_something_else_happened_it_is_refused(self, enter, house):
        booked, client = house.book(2, 2), enter()
        stay = stay_of(house, booked)
        answer = self.done(client, f"/calendar/stays/{stay.id}/room", room=room(house, "double-0").id)
        act(enter(), f"/calendar/stays/{stay.id}/pin", pinned="1")
        assert "Somebody changed this booking meanwhile" in self.undo(client, answer)
        assert stay_of(house, booked).room.name == "double-0"

    def test_a_room_that_was_given_away_since_is_not_taken_back(self, enter, house):
        add_room(house, "double", "double-9")
        booked, client = house.book(2, 2), enter()
        put_into(house, booked, "double-0")
        answer = self.done(client, f"/calendar/stays/{stay_of(house, booked).id}/room", room=room(house, "double-9").id)
        put_into(house, house.book(2, 2, guest="Quick Guest"), "double-0")
        assert "taken by Quick Guest" in self.undo(client, answer)

    def test_an_assignment_is_taken_back_whole_or_not_at_all(self, enter, house):
        one, two, client = house.book(2), house.book(2, room="suite", guest="Nora Nilsen"), enter()
        path = f"/calendar/of/{house.property.id}/assign"
        answer = self.done(client, path)
        self.undo(client, answer)
        assert (stay_of(house, one).room, stay_of(house, two).room) == (None, None)
        answer = self.done(client, path)
        cancel(house, two)
        assert "Nothing was changed." in self.undo(client, answer)
        assert stay_of(house, one).room.name == "double-0"

    def assigned(self, house: House, client: Client) -> Any:
        """An assignment that had to move Left out of double-0, so that Long finds one room for all its nights."""
        add_room(house, "double", "double-9")
        left, right = house.book(2, 2, guest="Left"), house.book(4, 2, guest="Right")
        put_into(house, left, "double-0")
        put_into(house, right, "double-9")
        house.book(3, 3, guest="Long")
        answer = self.done(client, f"/calendar/of/{house.property.id}/assign")
        assert self.rooms(house) == {"Left": "double-9", "Right": "double-9", "Long": "double-0"}
        return answer

    def rooms(self, house: House) -> dict[str, str | None]:
        found = {name: stay_named(house, name).room for name in ("Left", "Right", "Long")}
        return {name: one.name if one else None for name, one in found.items()}

    def test_an_assignment_is_taken_back(self, enter, house):
        client = enter()
        assert self.undo(client, self.assigned(house, client)) == "It is taken back."
        assert self.rooms(house) == {"Left": "double-0", "Right": "double-9", "Long": None}

    def test_an_assignment_is_not_taken_back_into_a_room_given_away_since(self, enter, house):
        client = enter()
        answer, before = self.assigned(house, client), self.rooms(house)
        put_into(house, house.book(2, 1, guest="Third"), "double-0")
        words = self.undo(client, answer)
        assert "Room double-0 is taken by Third" in words
        assert words.endswith("Nothing was changed.")
        assert self.rooms(house) == before

    def test_an_assignment_is_not_taken_back_into_a_room_out_of_use_or_retired_since(self, enter, house):
        client = enter()
        answer, before = self.assigned(house, client), self.rooms(house)
        night = house.today + timedelta(days=2)
        with tenant(house.organization.id):
            block = OutOfOrder.objects.create(
                organization=house.organization,
                property=house.property,
                room_type=house.types["double"],
                room=room(house, "double-0"),
                first=night,
                last=night,
                reason="a leak",
            )
        assert "Room double-0 is out of order" in self.undo(client, answer)
        with tenant(house.organization.id):
            block.delete()
            Room.objects.filter(name="double-0", property=house.property).update(retired_from=night)
        assert "not let on these nights" in self.undo(client, answer)
        assert self.rooms(house) == before

    def test_two_rooms_and_a_pin_are_taken_back(self, enter, house):
        add_room(house, "double", "double-9")
        booked, client = house.book(2, 4), enter()
        put_into(house, booked, "double-0")
        path = f"/calendar/stays/{stay_of(house, booked).id}"
        fields = {"on": day(house, 4), "first": room(house, "double-0").id, "second": room(house, "double-9").id}
        self.undo(client, self.done(client, f"{path}/split", **fields))
        assert nights_in(house) == [("double-0", 4)]
        self.undo(client, self.done(client, f"{path}/pin", pinned="1"))
        assert not stay_of(house, booked).pinned


def house_left(house: House, offset: int) -> int:
    """How many doubles are left to sell on that night."""
    from innsync.apps.inventory.models import StockDay

    with tenant(house.organization.id):
        one = StockDay.objects.get(room_type_id=house.types["double"].id, day=house.today + timedelta(days=offset))
    return one.rooms - one.out_of_order - one.sold - one.held
