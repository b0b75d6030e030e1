"""Today and the list of bookings: what the desk sees first, and what it does in passing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.models import Booking
from innsync.apps.reservations.search import Wanted, find_bookings
from innsync.domain.booking_state import BookingAction
from innsync.portals.folios import owed_minor
from innsync.portals.tests.answers import text_of


def moved_on(house, record, *steps: str) -> None:
    with tenant(house.organization.id):
        for step in steps:
            reservations.change_state(
                organization_id=house.organization.id,
                booking_id=record.id,
                action=BookingAction(step),
                now=datetime.now(UTC),
                actor="test",
            )


def shifted(house, record, days: int) -> None:
    """As if it had been booked for other nights; the past can't be booked."""
    with tenant(house.organization.id):
        one = Booking.objects.get(id=record.id)
        Booking.objects.filter(id=record.id).update(
            check_in=one.check_in + timedelta(days=days), check_out=one.check_out + timedelta(days=days)
        )


def status(house, record) -> str:
    with tenant(house.organization.id):
        return Booking.objects.get(id=record.id).status


def names(lines) -> list[str]:
    return [one.booking.guest_name for one in lines]


def number(answer, key: str) -> str:
    return next(one.number for one in answer.context["tiles"] if one.key == key)


class TestToday:
    def test_who_arrives_leaves_and_stays_is_listed_those_to_be_seen_to_first(self, enter, house):
        moved_on(house, house.book(0, room="double", guest="Ada Arrived"), "check_in")
        house.book(0, room="suite", guest="Zoe Awaited")
        leaving = house.book(0, 2, room="attic", guest="Lea Leaving")
        moved_on(house, leaving, "check_in")
        shifted(house, leaving, -2)
        answer = enter("front_desk").get("/today")
        assert names(answer.context["arrivals"]) == ["Zoe Awaited", "Ada Arrived"]
        assert names(answer.context["departures"]) == ["Lea Leaving"]
        assert [number(answer, key) for key in ("arrivals", "departures", "in-house")] == ["2", "1", "2"]
        assert number(answer, "tonight") == "100 %"

    def test_who_has_not_come_and_who_has_not_left_stay_in_sight(self, enter, house):
        late, staying = house.book(0, 4, guest="Lou Late"), house.book(0, 1, room="suite", guest="Sam Staying")
        moved_on(house, staying, "check_in")
        shifted(house, late, -1)
        shifted(house, staying, -3)
        answer = enter().get("/today")
        assert [(one.booking.guest_name, one.late) for one in answer.context["arrivals"]] == [("Lou Late", True)]
        assert [(one.booking.guest_name, one.late) for one in answer.context["departures"]] == [("Sam Staying", True)]
        text = answer.content.decode()
        assert "expected " in text
        assert "should have left " in text

    def test_every_number_opens_the_list_behind_it(self, enter, house):
        house.book(0, guest="Ada Arriving")
        moved_on(house, house.book(0, room="suite", guest="Ida Inside"), "check_in")
        house.book(20, guest="Nora Notyet")
        client = enter()
        found = {
            tile.key: {one["booking"].guest_name for one in client.get(tile.to).context["found"]}
            for tile in client.get("/today").context["tiles"]
            if tile.key not in ("tasks", "channels")  # whose lists are not of bookings
        }
        assert found == {
            "arrivals": {"Ada Arriving", "Ida Inside"},
            "departures": set(),
            "in-house": {"Ida Inside"},
            "tonight": {"Ada Arriving", "Ida Inside"},
        }

    def test_what_asks_for_a_person_is_told_and_leads_there(self, enter, house):
        house.channel_sells(3, room="attic")
        house.oversell()
        house.show_trouble()
        found = {one.key: (one.number, one.to) for one in enter().get("/today").context["warnings"]}
        assert found == {
            "conflicts": ("1", "/conflicts"),
            "attention": ("1", "/inbox"),
            "channels": ("2", "/connections"),
        }

    def test_that_all_channels_work_is_told_to_who_may_see_them(self, enter, house):
        answer = enter().get("/today")
        assert answer.context["warnings"] == []
        (tile,) = (one for one in answer.context["tiles"] if one.key == "channels")
        assert (tile.number, tile.words, tile.to) == (str(len(house.connections)), "all working", "/connections")
        assert 'id="t-channels"' not in enter("staff").get("/today").content.decode()
        house.show_trouble()
        assert "channels" not in [one.key for one in enter().get("/today").context["tiles"]]

    def test_staff_see_who_comes_without_prices_addresses_or_anything_to_open(self, enter, house):
        house.book(0, guest="Ada Arriving")
        text = enter("staff").get("/today").content.decode()
        assert "Ada Arriving" in text
        assert "/bookings" not in text
        assert "formaction" not in text

    def test_another_organizations_and_other_properties_guests_are_not_there(self, enter, house, other):
        other.book(0, guest="Eve Elsewhere")
        house.book(0, guest="Ada Arriving")
        assert "Eve Elsewhere" not in enter().get("/today").content.decode()
        answer = enter("manager", [other.property.id]).get("/today")
        assert names(answer.context["arrivals"]) == []
        assert enter().get(f"/today?property={other.property.code}").status_code == 404

    def test_it_asks_the_database_no_more_often_for_many_guests(self, enter, house):
        client = enter()
        client.get("/today")
        with CaptureQueriesContext(
            connection,
        ) as few:
            client.get("/today/live")
        for room in ("double", "suite", "attic"):
            house.book(0, room=room)
        with CaptureQueriesContext(connection) as many:
            client.get("/today/live")
        assert len(many) <= len(few) + 2  # the rooms of the bookings found, once a list


class TestActions:
    def test_checking_in_leads_back_to_the_list_and_can_be_taken_back(self, enter, house):
        record = house.book(0)
        client = enter("front_desk")
        answer = client.post(f"/bookings/{record.id}/do/check_in", {"next": "/today"})
        assert (answer.status_code, answer["Location"]) == (303, "/today")
        assert status(house, record) == "checked_in"
        client.post(f"/bookings/{record.id}/do/undo_check_in")
        assert status(house, record) == "confirmed"

    @pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
    def test_it_never_leads_to_another_site(self, enter, house, to):
        record = house.book(0)
        answer = enter().post(f"/bookings/{record.id}/do/check_in", {"next": to})
        assert answer["Location"] == f"/bookings/{record.id}"

    def test_what_is_not_possible_is_said_and_changes_nothing(self, enter, house):
        record = house.book(0)
        answer = enter().post(f"/bookings/{record.id}/do/check_out", follow=True)
        assert "Nothing was changed" in str(next(iter(answer.context["messages"])))
        assert status(house, record) == "confirmed"

    def test_pressed_twice_it_is_done_once_and_said_to_be_done(self, enter, house):
        record = house.book(0)
        client = enter()
        client.post(f"/bookings/{record.id}/do/check_in")
        answer = client.post(f"/bookings/{record.id}/do/check_in", {"next": "/today"}, follow=True)
        assert answer.redirect_chain[-1][0] == "/today"
        assert [(one.level_tag, str(one)) for one in answer.context["messages"]][-1] == (
            "success",
            "Ada Example: Checked in already.",
        )

    @pytest.mark.parametrize("action", ["check_in", "mark_no_show"])
    def test_nobody_comes_or_fails_to_come_before_their_day(self, enter, house, action):
        record = house.book(5)
        enter().post(f"/bookings/{record.id}/do/{action}")
        assert status(house, record) == "confirmed"

    def test_what_a_channel_cancelled_is_not_reinstated_here(self, enter, house):
        house.channel_sells(0)
        with tenant(house.organization.id):
            Booking.objects.filter(channel="channex").update(status="cancelled")
            record = Booking.objects.get(channel="channex")
        answer = enter().post(f"/bookings/{record.id}/do/reinstate", follow=True)
        assert "is not possible for this booking" in str(next(iter(answer.context["messages"])))
        assert status(house, record) == "cancelled"

    @pytest.mark.parametrize("action", ["cancel", "nonsense"])
    def test_cancelling_is_no_step_in_passing(self, enter, house, action):
        record = house.book(0)
        assert enter().post(f"/bookings/{record.id}/do/{action}").status_code == 404
        assert status(house, record) == "confirmed"

    def test_a_cancellation_shows_its_cost_first_and_then_frees_the_room(self, enter, house):
        record = house.book(4)
        client = enter("front_desk")
        text = client.get(f"/bookings/{record.id}/cancel").content.decode()
        assert "cancelling now costs" in text
        answer = client.post(f"/bookings/{record.id}/cancel", {"version": record.version}, follow=True)
        assert "is cancelled" in str(next(iter(answer.context["messages"])))
        assert status(house, record) == "cancelled"
        house.book(4, guest="Next Guest")

    def test_a_cancellation_of_what_changed_meanwhile_is_refused(self, enter, house):
        record = house.book(4)
        moved_on(house, record, "check_in", "undo_check_in")
        answer = enter().post(f"/bookings/{record.id}/cancel", {"version": record.version}, follow=True)
        assert "meanwhile" in str(next(iter(answer.context["messages"])))
        assert status(house, record) == "confirmed"

    def test_a_channels_booking_is_cancelled_at_the_channel(self, enter, house):
        house.channel_sells(4)
        with tenant(house.organization.id):
            record = Booking.objects.get(channel="channex")
        client = enter()
        assert "extranet" in client.get(f"/bookings/{record.id}/cancel").content.decode()
        client.post(f"/bookings/{record.id}/cancel")
        assert status(house, record) == "confirmed"


class TestFinding:
    @pytest.fixture
    def three(self, house):
        house.book(3, guest="Ada Direct")
        house.channel_sells(8, guest="Zoe Channel")
        moved_on(house, house.book(14, room="suite", guest="Ida Gone"), "mark_no_show")
        return house

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", ["Ada Direct", "Ida Gone", "Zoe Channel"]),
            ("q=DIR", ["Ada Direct"]),
            ("channel=channex", ["Zoe Channel"]),
            ("state=no_show", ["Ida Gone"]),
            ("arrives_from={7}&arrives_to={9}", ["Zoe Channel"]),
            ("leaves_from={5}&leaves_to={5}", ["Ada Direct"]),
            ("leaves_from={6}", ["Ida Gone", "Zoe Channel"]),
            ("leaves_to={4}", []),
            ("stays_on={4}", ["Ada Direct"]),
            ("stays_on={5}", []),
            ("booked_to={-2}", []),
            ("channel=direct&state=confirmed", ["Ada Direct"]),
        ],
    )
    def test_each_filter_narrows_the_list_and_its_address_says_it_all(self, enter, three, query, expected):
        days = {str(offset): (three.today + timedelta(days=offset)).isoformat() for offset in range(-2, 15)}
        for key, day in days.items():
            query = query.replace("{" + key + "}", day)
        answer = enter().get(f"/bookings?{query}")
        assert sorted(one["booking"].guest_name for one in answer.context["found"]) == expected

    @pytest.mark.parametrize("order", ["check_in", "check_out", "guest_name", "-created_at"])
    def test_they_come_in_the_order_asked_for(self, enter, three, order):
        found = [one["booking"] for one in enter().get(f"/bookings?order={order}").context["found"]]
        key = order.lstrip("-")
        values = [getattr(one, key) for one in found]
        assert values == sorted(values, reverse=order.startswith("-"))

    @pytest.mark.parametrize("query", ["arrives_from=tomorrow", "state=dead", "channel=%00", "order=id;drop", "day=x"])
    def test_what_cannot_be_read_is_named_at_its_field_and_finds_nothing(self, enter, three, query):
        answer = enter().get(f"/bookings?{query}")
        assert answer.status_code == 200
        assert answer.context["found"] == []
        assert list(answer.context["form"].errors) == [query.split("=")[0]]

    def test_what_is_asked_is_said_beside_what_is_found_each_part_with_a_way_to_ask_without_it(self, enter, three):
        day = three.today + timedelta(days=7)
        query = {"property": three.property.code, "state": "confirmed", "arrives_from": day.isoformat(), "page": "1"}
        answer = enter().get("/bookings", {**query, "order": "check_in", "q": "zoe"})
        assert dict(answer.context["asked"]) == {
            "Property: Harbour Hotel": f"?state=confirmed&arrives_from={day}&order=check_in&q=zoe",
            "State: Confirmed": f"?property={three.property.code}&arrives_from={day}&order=check_in&q=zoe",
            f"Arrives from: {day.day} {day:%b %Y}": f"?property={three.property.code}&state=confirmed&order=check_in&q=zoe",
            "Order: By arrival": f"?property={three.property.code}&state=confirmed&arrives_from={day}&q=zoe",
        }
        assert "State: Confirmed" in text_of(answer)
        assert enter().get("/bookings", {"order": "-created_at", "q": "zoe"}).context["asked"] == []

    def test_the_long_form_is_open_where_something_in_it_is_wrong(self, enter, three):
        assert "<details>" in text_of(enter().get("/bookings?state=confirmed"))
        wrong = enter().get("/bookings?state=dead&channel=channex")
        assert "<details open>" in text_of(wrong)
        assert [words for words, _ in wrong.context["asked"]] == ["Channel: Channex"]

    def test_long_lists_come_page_by_page_each_booking_once(self, enter, three, monkeypatch):
        from innsync.portals.admin import bookings

        monkeypatch.setattr(bookings, "MOST_FOUND", 2)
        client, address, seen = enter(), "/bookings?order=check_in", []
        while address:
            page = client.get(address)
            seen += [one["booking"].guest_name for one in page.context["found"]]
            address = page.context["later"] and f"/bookings{page.context['later']}"
        assert seen == ["Ada Direct", "Zoe Channel", "Ida Gone"]

    def test_only_ones_own_properties_bookings_are_found(self, three, other):
        with tenant(three.organization.id):
            wanted = Wanted(property_ids=[other.property.id])
            found = find_bookings(
                organization_id=three.organization.id, wanted=wanted, owed=owed_minor(), now=datetime.now(UTC)
            )
        assert found == []
