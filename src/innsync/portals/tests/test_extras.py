"""Extras at the desk: made, changed, ended, taken up again; booked from the calendar; and done for a channel's guests too."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.automation.extras import choose, order_extras
from innsync.apps.automation.models import ServiceOrder
from innsync.apps.inbox import tasks  # noqa: F401  # registers what the relay calls
from innsync.apps.rates import extras as services
from innsync.apps.rates.models import Extra
from innsync.apps.rates.selectors import get_house
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.models import Booking
from innsync.apps.reservations.records import Record
from innsync.domain.extras import Per, Wish
from innsync.domain.occupancy import Occupancy
from innsync.portals.folios import folio_of
from innsync.portals.tests.answers import text_of
from innsync.portals.tests.calendar_steps import day, stay_of


@pytest.fixture
def client(enter):
    return enter()


def add(house, code="breakfast", per=Per.PERSON_NIGHT, price=1_500, *, plans=(), **more: Any) -> Extra:
    with tenant(house.organization.id):
        return services.add_extra(
            prop=house.property,
            facts=services.ExtraFacts(
                code, code.title(), per, price, {"ja": "朝食"}, plan_ids=frozenset(plans), **more
            ),
            now=datetime.now(UTC),
            actor="Grace",
        )


def found(house) -> list[Extra]:
    with tenant(house.organization.id):
        return list(Extra.objects.filter(property=house.property))


def orders(house) -> list[tuple[str, int | None, str]]:
    with tenant(house.organization.id):
        return [(one.what, one.price_minor, one.state) for one in ServiceOrder.objects.all()]


def book_with(house, code: str) -> Record:
    """A booking for two nights, ten days ahead, with that extra."""
    record = house.book(10)
    with tenant(house.organization.id):
        facts = get_house(organization_id=house.organization.id, key=house.property.id)
        rooms = [reservations.RoomRequest(house.types["double"].id, house.plan_id, Occupancy(2))]
        taken = choose(house=facts, stay=house.stay(10, 2), rooms=rooms, wishes=[Wish(code)])
        order_extras(house=facts, record=record, taken=taken, now=datetime.now(UTC), actor="Grace")
    return record


def sent(house, **more):
    return {
        "name": "Breakfast  buffet",
        "code": "Breakfast",
        "price": "12.50",
        "per": "person_night",
        "most": "1",
        "position": "2",
        "offered": "on",
        "description": "From seven",
        "name-es": "Desayuno",
        "plan_ids": [str(house.plan_id)],
    } | more


def test_it_is_added_and_listed_in_words(client, house):
    assert "No extra is sold." in text_of(client.get("/rates/extras"))
    answer = client.post("/rates/extras/new", sent(house), follow=True)
    assert [str(one) for one in answer.context["messages"]] == ["Breakfast buffet is saved."]
    (made,) = found(house)
    assert (made.code, made.names, made.price_minor, made.per, made.position) == (
        "breakfast",
        {"es": "Desayuno"},
        1_250,
        "person_night",
        2,
    )
    assert made.plan_ids == [house.plan_id]
    text = text_of(answer)
    for words in ("Breakfast buffet", "12.50 EUR for a night of a guest", "From seven", "Included in ", "on sale"):
        assert words in text


@pytest.mark.parametrize(
    ("fields", "where", "words"),
    [
        ({"name": ""}, "name", "required"),
        ({"code": "a b"}, "code", "letters from a to z"),
        ({"code": "taken"}, "code", "is the code of another extra"),
        ({"price": "-1"}, "price", ""),
        ({"price": "much"}, "price", ""),
        ({"per": "moon"}, "per", "Select a valid choice"),
        ({"most": "0"}, "most", "greater than or equal to 1"),
        ({"position": "-1"}, "position", "greater than or equal to 0"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_what_was_typed_stays(client, house, fields, where, words):
    add(house, "taken")
    answer = client.post("/rates/extras/new", sent(house, **fields))
    assert answer.status_code == 422
    text = answer.content.decode()
    assert words in text.split(f'id="x-{where}_error"', 1)[1].split("</div>", 1)[0]
    assert 'value="Desayuno"' in text
    assert len(found(house)) == 1


def test_it_is_changed_unless_somebody_else_did_meanwhile(client, house):
    made = add(house)
    page = client.get(f"/rates/extras/{made.id}").content.decode()
    seen = page.split('name="seen" value="', 1)[1].split('"', 1)[0]
    assert 'value="15.00"' in page
    fields = sent(house, price="20", code="breakfast", seen=seen)
    assert client.post(f"/rates/extras/{made.id}", fields).status_code == 303
    assert found(house)[0].price_minor == 2_000
    again = client.post(f"/rates/extras/{made.id}", fields | {"price": "30"})
    assert again.status_code == 422
    assert "somebody else changed this extra" in again.content.decode()
    assert found(house)[0].price_minor == 2_000


def test_it_is_ended_and_taken_up_again(client, house):
    made = add(house)
    assert client.post(f"/rates/extras/{made.id}/end").status_code == 303
    assert found(house)[0].ended_at is not None
    assert "Sell it again" in text_of(client.get("/rates/extras"))
    client.post(f"/rates/extras/{made.id}/resume")
    assert found(house)[0].ended_at is None


def test_who_may_only_look_is_shown_no_buttons(enter, house):
    made = add(house)
    text = text_of(enter("front_desk").get("/rates/extras"))
    assert "Breakfast" in text
    assert "End it" not in text
    assert enter("front_desk").post(f"/rates/extras/{made.id}/end").status_code == 403


def test_the_desk_books_with_extras_from_the_calendar_and_changes_the_dates(client, house):
    add(house)
    add(house, "wine", Per.PIECE, 2_000, most=3)
    add(house, "spa", Per.STAY, 5_000, plans=[house.plan_id])
    first = house.today + timedelta(days=10)
    path = f"/calendar/of/{house.property.id}/new"
    asked = {
        "place": str(house.types["double"].id),
        "check_in": first.isoformat(),
        "check_out": (first + timedelta(days=2)).isoformat(),
        "adults": "2",
    }
    shown = client.get(path, asked)
    assert "15.00 EUR for a night of a guest" in text_of(shown)
    offer = shown.context["offers"][0]
    form = asked | {
        "name": "Ada",
        "plan": f"{offer['plan'].id}:{offer['total'].minor}",
        "extra": ["breakfast", "wine", "spa"],
        "pieces-wine": "2",
    }
    too_many = client.post(path, form | {"pieces-wine": "4"}, follow=True)
    assert "1 to 3" in text_of(too_many)
    assert orders(house) == []
    assert "is booked" in str(next(iter(client.post(path, form, follow=True).context["messages"])))
    assert orders(house) == [
        ("Spa", None, "open"),
        ("Breakfast × 4", 6_000, "open"),
        ("Wine × 2", 4_000, "open"),
    ]
    with tenant(house.organization.id):
        booking = ServiceOrder.objects.all()[0].booking
    text = text_of(client.get(f"/bookings/{booking.id}"))
    assert "Breakfast × 4" in text
    fields = {
        "check_in": first.isoformat(),
        "check_out": (first + timedelta(days=3)).isoformat(),
        "version": str(booking.version),
        **{
            name: value
            for name, value in _rows(client, booking.id).items()
            if name not in ("check_in", "check_out", "total")
        },
    }
    client.post(f"/bookings/{booking.id}/change", fields)
    assert ("Breakfast × 6", 9_000, "open") in orders(house)


def _rows(client, booking_id) -> dict[str, str]:
    """The rooms as the form of changing a booking has them."""
    page = client.get(f"/bookings/{booking_id}/change").content.decode()
    found = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.search(r'value="([^"]*)"[^>]* selected', options)
        found[name] = chosen[1] if chosen else ""
    found.pop("csrfmiddlewaretoken", None)
    return found


def test_other_dates_on_the_calendar_count_it_anew_and_taken_back_it_is_as_it_was(client, house):
    add(house)
    stay = stay_of(house, book_with(house, "breakfast"))
    fields = {"check_in": day(house, 12), "check_out": day(house, 15)}
    answer = client.post(f"/calendar/stays/{stay.id}/dates", fields, follow=True)
    with tenant(house.organization.id):
        order = ServiceOrder.objects.get()
    assert (order.what, order.price_minor, order.due_on) == ("Breakfast × 6", 9_000, house.today + timedelta(days=12))
    client.post(f"/calendar/undo?{answer.context['window'].query}", {"id": answer.context["undo"]})
    with tenant(house.organization.id):
        order = ServiceOrder.objects.get()
    assert (order.what, order.price_minor, order.due_on) == ("Breakfast × 4", 6_000, house.today + timedelta(days=10))


def test_a_cancelled_bookings_extras_are_neither_to_be_done_nor_owed(client, house):
    add(house)
    record, now = book_with(house, "breakfast"), datetime.now(UTC)
    with tenant(house.organization.id):
        facts = get_house(organization_id=house.organization.id, key=house.property.id)
        assert folio_of(Booking.objects.get(id=record.id)).balance.minor == record.total_minor + 6_000
        reservations.cancel(house=facts, booking_id=record.id, now=now, actor="Grace", waive_fee=True)
        assert folio_of(Booking.objects.get(id=record.id)).balance.minor == 0
    page = client.get(f"/bookings/{record.id}")
    line = page.content.decode().split('id="order-', 1)[1].split("</li>", 1)[0]
    assert "Cancelled" in line
    assert "Open again" not in line
    assert "Cancel it" not in line


def test_a_confirmation_names_what_is_included_and_what_is_paid(client, house):
    add(house, plans=[house.plan_id])
    add(house, "wine", Per.PIECE, 2_000)
    record = book_with(house, "wine")
    text = text_of(client.get(f"/bookings/{record.id}/confirmation"))
    assert "Breakfast × 4" in text.split("Included in the price", 1)[1]
    assert "20.00" in text.split("Wine", 1)[1]
    assert "朝食 × 4" in text_of(client.get(f"/bookings/{record.id}/confirmation?language=ja"))


def test_what_a_channels_package_includes_is_to_be_done_for_its_guests(house):
    """And nothing of what is only sold."""
    add(house, plans=[house.plan_id])
    add(house, "wine", Per.PIECE, 2_000)
    house.channel_sells(20, 2)
    assert orders(house) == [("Breakfast × 4", None, "open")]
