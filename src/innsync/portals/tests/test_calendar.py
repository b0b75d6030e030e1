"""The calendar: what it shows to whom, what can be done on it, and what stands in the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.properties.models import Room
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.models import RoomStay
from innsync.apps.reservations.records import Record
from innsync.portals.admin.calendar import chart
from innsync.portals.tests.house import House

SERVER = {"HTTP_HX_REQUEST": "true"}


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
    from innsync.apps.reservations.services.rooms import add_rooms

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
        assert rows(answer)["double-0"].bars[0].css.endswith("s1 w14 past on")

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
            from innsync.apps.reservations.services.rooms import put_out_of_order

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
        with tenant(house.organization.id):
            from innsync.apps.rates.selectors import get_house

            reservations.cancel(
                house=get_house(organization_id=house.organization.id, key=house.property.id),
                booking_id=booking.id,
                now=datetime.now(UTC),
                actor="test",
            )
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
        from innsync.portals.static_files import load

        rules = load("portals/calendar-grid.css")
        assert rules is not None
        from innsync.portals.admin.calendar.window import ZOOMS

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

    def test_nobody(self, enter, house):
        assert "No stay of “nobody” on these dates." in text(enter().get("/calendar?q=nobody"))


def count(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as django, _CountedCursors() as plain:
        assert client.get(path).status_code == 200
    return len(django) + plain.count


class _CountedCursors:
    """Counts what goes past Django's own cursors."""

    def __enter__(self) -> _CountedCursors:
        import psycopg

        self.count, self.execute = 0, psycopg.Cursor.execute
        outer = self

        def execute(cursor: Any, *args: Any, **more: Any) -> Any:
            outer.count += type(cursor) is psycopg.Cursor
            return outer.execute(cursor, *args, **more)

        psycopg.Cursor.execute = execute  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        import psycopg

        psycopg.Cursor.execute = self.execute  # type: ignore[method-assign]


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
