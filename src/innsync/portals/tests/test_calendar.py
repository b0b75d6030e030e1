"""The calendar: what it shows to whom, and what it tells of what others change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.inventory.models import OutOfOrder
from innsync.apps.reservations.services.rooms import put_out_of_order
from innsync.portals.admin.calendar import chart
from innsync.portals.admin.calendar.window import ZOOMS
from innsync.portals.static_files import load
from innsync.portals.tests.calendar_steps import (
    act,
    add_room,
    cancel,
    day,
    put_into,
    rows,
    stay_named,
    stay_of,
    text,
)
from innsync.portals.tests.conftest import signed_in
from innsync.portals.tests.counting import count
from innsync.portals.tests.house import House


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


class TestLive:
    def look(self, client: Any, house: House, page: Any) -> Any:
        have = ",".join(f"{one.key}.{one.mark}" for one in page.context["slices"] if not one.missing)
        return client.get(f"/calendar/of/{house.property.id}/live?{page.context['window'].query}&have={have}")

    def test_nothing_is_answered_while_nothing_differs(self, enter, house):
        put_into(house, house.book(2), "double-0")
        client = enter()
        page = client.get("/calendar?zoom=month")
        answer = self.look(client, house, page)
        assert (answer.status_code, answer.content) == (204, b"")

    def test_only_the_rows_that_differ_come_as_they_are_now(self, enter, house):
        booked, client = house.book(2), enter()
        page = client.get("/calendar")
        put_into(house, booked, "double-0")
        answer = self.look(client, house, page)
        assert [one.type.code for one in answer.context["slices"]] == ["double"]
        assert [bar.guest for bar in rows(answer)["double-0"].bars] == ["Ada Example"]
        assert self.look(client, house, answer).status_code == 204

    def test_a_pin_and_a_room_out_of_order_are_seen_too(self, enter, house):
        booked, client = house.book(2), enter()
        put_into(house, booked, "double-0")
        page = client.get("/calendar")
        act(enter(), f"/calendar/stays/{stay_of(house, booked).id}/pin", pinned="1")
        house.take_out_of_order(3)
        assert {one.type.code for one in self.look(client, house, page).context["slices"]} == {"double", "suite"}

    @pytest.mark.parametrize("have", ["", "x", "a.b.c", ",,,", "%00", "9.9.9" * 500])
    def test_nonsense_is_answered_with_nothing(self, enter, house, have):
        assert enter().get(f"/calendar/of/{house.property.id}/live?have={have}").status_code == 204


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
            f"/calendar/stays/{stay.id}/split",
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
            f"/calendar/stays/{stay.id}/split",
            f"/calendar/stays/{stay.id}/pin",
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

    def test_what_is_live_of_another_house_is_not_there(self, enter, house, other):
        path = f"/calendar/of/{house.property.id}/live"
        assert {one.get(path).status_code for one in (signed_in(other.person()), enter(properties=[uuid4()]))} == {404}

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

    def test_who_may_close_nights_is_led_there_from_the_calendar(self, enter, house):
        led = f'href="/rates/bulk?property={house.property.code}&amp;do=close"'
        assert led in text(enter("front_desk").get("/calendar"))
        assert "do=close" not in text(enter("staff").get("/calendar"))

    def test_another_property_is_chosen_by_its_code(self, enter, house):
        answer = enter().get(f"/calendar?property={house.property.code}")
        assert answer.context["property"].id == house.property.id
        assert enter().get("/calendar?property=nowhere").status_code == 404
