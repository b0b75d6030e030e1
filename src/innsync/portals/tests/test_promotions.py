"""Promotions at the desk: made, tried, changed, ended, taken up again; what they brought; and booked with from the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.rates import promotions as services
from innsync.apps.rates.models import Promotion
from innsync.apps.rates.selectors import get_house
from innsync.apps.reservations import services as reservations
from innsync.domain.channel import GuestDetails
from innsync.domain.occupancy import Occupancy
from innsync.domain.promotions import CutKind, PromotionRule
from innsync.domain.stay import StayDates
from innsync.portals.tests.answers import text_of


@pytest.fixture
def client(enter):
    return enter()


def promote(house, code="", value=10, name="Summer", most_uses=None, **conditions: Any) -> Promotion:
    with tenant(house.organization.id):
        return services.add_promotion(
            prop=house.property,
            facts=services.PromotionFacts(
                code, name, PromotionRule(CutKind.PERCENT, Decimal(value), **conditions), most_uses, {"ja": "夏"}
            ),
            now=datetime.now(UTC),
            actor="Grace",
        )


def book(house, promo="", nights=2, arrive=10):
    first = house.today + timedelta(days=arrive)
    with tenant(house.organization.id):
        return reservations.book(
            house=get_house(organization_id=house.organization.id, key=house.property.id),
            stay=StayDates(first, first + timedelta(days=nights)),
            rooms=[reservations.RoomRequest(house.types["double"].id, house.plan_id, Occupancy(2))],
            guest=GuestDetails("Ada Example", "ada@example.org"),
            now=datetime.now(UTC),
            actor="Grace",
            promo=promo,
        )


def found(house):
    with tenant(house.organization.id):
        return list(Promotion.objects.filter(property=house.property))


def sent(house, **more):
    return {
        "name": "Three for two",
        "code": "3for2",
        "kind": "free_night",
        "value": "3",
        "name-es": "Tres por dos",
        "min_nights": "3",
        "weekdays": ["0", "1", "2", "3", "4", "5", "6"],
        "room_type_ids": [str(house.types["double"].id)],
        "arrive": (house.today + timedelta(days=10)).isoformat(),
        "nights": "3",
        "adults": "2",
    } | more


def test_it_is_added_and_listed_in_words(client, house):
    answer = client.post("/rates/promotions/new", sent(house), follow=True)
    assert [str(one) for one in answer.context["messages"]] == ["Three for two is saved."]
    (made,) = found(house)
    assert (made.code, made.names) == ("3FOR2", {"es": "Tres por dos"})
    text = text_of(answer)
    for words in ("Three for two", "3FOR2", "one night in 3 free", "from 3 nights on", "Double", "No booking has it."):
        assert words in text


@pytest.mark.parametrize(
    ("fields", "where", "words"),
    [
        ({"name": ""}, "name", "required"),
        ({"code": "a b"}, "code", "letters from A to Z"),
        ({"value": "1"}, "value", "2 to 366"),
        ({"kind": "percent", "value": "101"}, "value", "more than 0 and at most 100"),
        ({"kind": "percent", "value": "ten"}, "value", "must be a number"),
        ({"kind": "per_night", "value": "1.234"}, "value", ""),
        ({"min_nights": "5", "max_nights": "4"}, "max_nights", "5 to 366"),
        ({"stay_from": "2027-02-02", "stay_to": "2027-02-01"}, "stay_to", "must not be before the first day"),
        ({"most_uses": "0"}, "most_uses", "greater than or equal to 1"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_what_was_typed_stays(client, house, fields, where, words):
    answer = client.post("/rates/promotions/new", sent(house, **fields))
    assert answer.status_code == 422
    text = answer.content.decode()
    assert words in text.split(f'id="p-{where}_error"', 1)[1].split("</div>", 1)[0]
    assert 'value="Tres por dos"' in text
    assert found(house) == []


def test_it_is_tried_on_a_stay_before_it_is_saved(client, house):
    answer = client.post("/rates/promotions/new", sent(house, **{"try": "1"}))
    assert answer.status_code == 200
    assert found(house) == []
    offers = {(room, after and str(after)) for room, _plan, before, after in answer.context["trial"]["offers"]}
    assert ("Suite", None) in offers
    before, after = next(
        (before, after) for room, _plan, before, after in answer.context["trial"]["offers"] if room == "Double"
    )
    assert after.minor < before.minor
    shorter = client.post("/rates/promotions/new", sent(house, nights="2", **{"try": "1"}))
    assert "It is not given for this stay: from 3 nights on." in text_of(shorter)


def test_it_is_changed_for_bookings_from_then_on(client, house):
    made = promote(house, "SUMMER", min_nights=2)
    record = book(house, "summer")
    text = text_of(client.get(f"/rates/promotions/{made.id}"))
    assert 'value="10"' in text
    seen = text.split('name="seen" value="', 1)[1].split('"', 1)[0]
    fields = sent(house, kind="percent", value="20", code="SUMMER", room_type_ids=[], seen=seen)
    assert client.post(f"/rates/promotions/{made.id}", fields).status_code == 303
    (changed,) = found(house)
    assert PromotionRule.from_json(changed.rule).value == 20
    assert changed.used == 1
    with tenant(house.organization.id):
        from innsync.apps.reservations.records import load

        assert load(booking_id=record.id).stays[0].terms["promotion"]["rule"]["value"] == "10"
    again = client.post(f"/rates/promotions/{made.id}", fields | {"value": "30"})
    assert again.status_code == 422
    assert "somebody else changed this promotion" in again.content.decode()
    assert PromotionRule.from_json(found(house)[0].rule).value == 20


def test_it_is_ended_and_taken_up_again_unless_its_code_is_taken(client, house):
    made = promote(house, "SUMMER")
    assert client.post(f"/rates/promotions/{made.id}/end").status_code == 303
    assert found(house)[0].ended_at is not None
    assert "Give it again" in text_of(client.get("/rates/promotions"))
    client.post(f"/rates/promotions/{made.id}/resume")
    assert found(house)[0].ended_at is None
    client.post(f"/rates/promotions/{made.id}/end")
    promote(house, "SUMMER", name="Another")
    answer = client.post(f"/rates/promotions/{made.id}/resume", follow=True)
    assert "stays ended" in str(list(answer.context["messages"])[-1])
    assert [one.ended_at is None for one in found(house)] == [False, True]


def test_the_list_says_how_often_it_was_given_and_what_it_brought(client, house):
    promote(house, "SUMMER", most_uses=5)
    first, second = book(house, "SUMMER"), book(house, "SUMMER", nights=3, arrive=20)
    with tenant(house.organization.id):
        reservations.cancel(
            house=get_house(organization_id=house.organization.id, key=house.property.id),
            booking_id=second.id,
            now=datetime.now(UTC),
            actor="Grace",
        )
    (line,) = client.get("/rates/promotions").context["present"]
    assert (line.brought.bookings, line.brought.nights) == (1, 2)
    assert line.total.minor == first.total_minor
    assert line.off.minor == sum(first.stays[0].cuts_minor) > 0
    assert line.promotion.used == 1
    assert "1 of 5 given" in text_of(client.get("/rates/promotions"))


def test_the_desk_books_with_it_from_the_calendar(client, house):
    promote(house, "SUMMER")
    first = house.today + timedelta(days=10)
    path = f"/calendar/of/{house.property.id}/new"
    asked = {
        "place": str(house.types["double"].id),
        "check_in": first.isoformat(),
        "check_out": (first + timedelta(days=2)).isoformat(),
        "adults": "2",
        "promo": "summer",
    }
    shown = client.get(path, asked)
    assert "instead of" in text_of(shown)
    offer = shown.context["offers"][0]
    form = asked | {"name": "Ada", "plan": f"{offer['plan'].id}:{offer['total'].minor}"}
    assert "is booked" in str(next(iter(client.post(path, form, follow=True).context["messages"])))
    refused = client.get(path, asked | {"promo": "winter"})
    assert "There is no promotion with the code winter." in text_of(refused)


def test_the_booking_and_its_confirmation_say_what_they_are_reduced_by(client, house):
    promote(house, "SUMMER")
    record = book(house, "SUMMER")
    for path in (f"/bookings/{record.id}", f"/bookings/{record.id}/confirmation"):
        assert "Summer: these prices are reduced by" in text_of(client.get(path))
    assert "夏" in text_of(client.get(f"/bookings/{record.id}/confirmation?language=ja"))


def test_who_may_only_look_is_shown_no_buttons(enter, house):
    made = promote(house)
    text = text_of(enter("front_desk").get("/rates/promotions"))
    assert "Summer" in text
    assert "End it" not in text
    assert enter("front_desk").post(f"/rates/promotions/{made.id}/end").status_code == 403
