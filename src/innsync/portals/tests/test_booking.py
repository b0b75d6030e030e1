"""A booking’s page: what was booked and its money, changed by clicking."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.automation.models import ServiceOrder
from innsync.apps.reservations.models import Booking, RoomStay
from innsync.portals.tests.booking_page import DETAILS, booking, said, text
from innsync.portals.tests.conftest import signed_in
from innsync.portals.tests.counting import count
from innsync.portals.tests.house import House


class TestChanging:
    def ask(self, client: Client, record: Any, **fields: Any) -> Any:
        return client.get(f"/bookings/{record.id}/change", fields)

    def row(self, house: House, number: int, room: str = "double", **more: Any) -> dict[str, Any]:
        fields = {"product": f"{house.types[room].id}:{house.plan_id}", "adults": "2", "ages": "", "name": "", **more}
        return {f"{name}-{number}": value for name, value in fields.items()}

    def dates(self, house: House, offset: int, nights: int) -> dict[str, str]:
        stay = house.stay(offset, nights)
        return {"check_in": stay.check_in.isoformat(), "check_out": stay.check_out.isoformat()}

    def test_the_difference_is_shown_first_and_confirmed_as_shown(self, enter, house):
        record, client = house.book(3, 2), enter()
        wish = {"rooms": 2, **self.dates(house, 3, 3), **self.row(house, 0), **self.row(house, 1, "suite", ages="4")}
        asked = self.ask(client, record, **wish)
        assert "<b>400.00 EUR more</b> than before." in text(asked)
        assert booking(house, id=record.id).total_minor == 20_000
        shown = asked.context
        fields = {"version": shown["version"], "total": shown["arranged"].after.minor}
        answer = client.post(f"/bookings/{record.id}/change", wish | fields, follow=True)
        assert said(answer) == "Ada Example’s booking is changed: 600.00 EUR in all."
        after = booking(house, id=record.id)
        with tenant(house.organization.id):
            stays = [(one.room_type.code, one.child_ages) for one in after.room_stays.select_related("room_type")]
        assert (after.total_minor, stays) == (60_000, [("double", []), ("suite", [4])])

        again = self.ask(client, record, **{**wish, "gone-1": "1"})
        assert "<b>300.00 EUR less</b>" in text(again)
        fields = {"version": again.context["version"], "total": again.context["arranged"].after.minor, "gone-1": "1"}
        client.post(f"/bookings/{record.id}/change", wish | fields)
        assert booking(house, id=record.id).total_minor == 30_000

    def test_another_room_is_added_to_the_form(self, enter, house):
        record = house.book(3, 2)
        asked = self.ask(enter(), record, rooms=1, add=1, **self.dates(house, 3, 2), **self.row(house, 0))
        assert [one.booked for one in asked.context["wanted"].rows] == [True, False]

    def test_at_another_price_nothing_changes(self, enter, house):
        record = house.book(3, 2)
        wish = {"rooms": 1, **self.dates(house, 3, 3), **self.row(house, 0), "version": 1, "total": 1}
        assert "The price is" in said(enter().post(f"/bookings/{record.id}/change", wish, follow=True))
        assert booking(house, id=record.id).version == 1

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"gone-0": "1"}, "cancel the booking instead"),
            ({"adults-0": "0"}, "At least one adult"),
            ({"ages-0": "four"}, "whole years"),
            ({"product-0": "x"}, "must be chosen"),
        ],
    )
    def test_what_can_not_be_is_said(self, enter, house, wrong, words):
        record = house.book(3, 2)
        wish = {"rooms": 1, **self.dates(house, 3, 2), **self.row(house, 0), **wrong}
        assert words in text(self.ask(enter(), record, **wish))

    def test_what_a_channel_sold_is_changed_there_and_the_page_says_so(self, enter, house):
        house.channel_sells(3)
        one, client = booking(house, channel="channex"), enter()
        page = text(client.get(f"/bookings/{one.id}"))
        assert "Channex sold this booking" in page
        assert f"/bookings/{one.id}/change" not in page
        assert "Channex sold this booking" in text(client.get(f"/bookings/{one.id}/change"))
        wish = {"rooms": 1, **self.dates(house, 4, 2), **self.row(house, 0)}
        assert "changed there" in said(client.post(f"/bookings/{one.id}/change", wish, follow=True))
        assert booking(house, id=one.id).version == one.version


def test_as_many_queries_for_much_as_for_little(enter, house):
    client, record = enter(), house.book(0)
    paths = [f"/bookings/{record.id}", "/tasks", f"/bookings/{record.id}/confirmation"]
    for number in range(2):
        client.post(f"/bookings/{record.id}/orders", {"what": f"Thing {number}", "due_on": house.today.isoformat()})
    before = [count(client, path) for path in paths]
    for number in range(8):
        client.post(
            f"/bookings/{record.id}/orders",
            {"what": f"More {number}", "price": "5", "charged": "on", "due_on": house.today.isoformat()},
        )
        client.post(f"/bookings/{record.id}/details", DETAILS | {"notes": f"note {number}"})
    assert [count(client, path) for path in paths] == before


def test_nothing_of_another_organization_or_property_is_there(enter, house, other):
    record = house.book(0)
    enter().post(f"/bookings/{record.id}/orders", {"what": "Groceries"})
    with tenant(house.organization.id):
        order = ServiceOrder.objects.get()
    from uuid import uuid4

    for client in (signed_in(other.person()), enter(properties=[uuid4()])):
        for part in ("details", "change", "confirmation", "confirmation/send"):
            assert client.get(f"/bookings/{record.id}/{part}").status_code == 404
        for part in ("details", "change", "orders", "confirmation/send"):
            assert client.post(f"/bookings/{record.id}/{part}", {"what": "x"}).status_code == 404
        for step in ("done", "reopen", "withdraw", "assign"):
            assert client.post(f"/orders/{order.id}/{step}").status_code == 404
        assert client.get("/tasks").context["lines"] == []


@pytest.mark.parametrize("page", ["", "/confirmation"])
def test_what_stands_under_the_nights_is_what_they_come_to(enter, house, page):
    """Taxes and fees come below; a room's whole price holds them too."""
    record = house.book(3)
    with tenant(house.organization.id):
        RoomStay.objects.filter(booking_id=record.id).update(total_minor=25_000)
        Booking.objects.filter(id=record.id).update(total_minor=25_000)
    shown = text(enter().get(f"/bookings/{record.id}{page}"))
    assert "200.00 EUR" in shown[shown.index("Room total") :][:80]
