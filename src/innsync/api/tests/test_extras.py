"""Extras over HTTP: told with a stay's price, included by rate plans, booked, counted anew, and owed no more when nobody comes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from innsync.api.tests.asking import bookings_of, pointers, problem
from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.api.tests.serving import calling
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.automation import services as orders
from innsync.apps.automation.models import ServiceOrder
from innsync.apps.automation.selectors import charged_minor, charged_services, list_orders_of
from innsync.apps.events.models import Event
from innsync.apps.rates import extras as services
from innsync.apps.rates.models import Extra
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.models import Booking
from innsync.domain.booking_state import BookingAction
from innsync.domain.extras import Per


def add(
    house: SampleHouse,
    code: str,
    per: Per,
    price: int,
    *,
    plans: tuple[str, ...] = (),
    offered: bool = True,
    most: int = 1,
) -> Extra:
    with tenant(house.organization_id):
        return services.add_extra(
            prop=house.property,
            facts=services.ExtraFacts(
                code,
                code.title(),
                per,
                price,
                {"es": f"{code} es"},
                f"About {code}",
                most=most,
                offered=offered,
                plan_ids=frozenset(house.plans[one].id for one in plans),
            ),
            now=datetime.now(UTC),
            actor="test",
        )


@pytest.fixture
def stocked(house: SampleHouse) -> SampleHouse:
    """Breakfast, which the plan `nonref` includes, wine by the piece, a transfer, and a spa that only `nonref` has."""
    add(house, "breakfast", Per.PERSON_NIGHT, 1_500, plans=("nonref",))
    add(house, "spa", Per.STAY, 0, plans=("nonref",), offered=False)
    add(house, "transfer", Per.STAY, 4_000)
    add(house, "wine", Per.PIECE, 2_000, most=3)
    return house


def room(plan: str, adults: int = 2, **more: Any) -> dict[str, Any]:
    return {"room_type_id": "double", "rate_plan_id": plan, "adults": adults} | more


def shown(body: dict[str, Any]) -> list[tuple[object, ...]]:
    return [
        (
            one["code"],
            one["quantity"],
            one["unit_price"]["amount"],
            one["amount"]["amount"],
            one["included"],
            one["status"],
        )
        for one in body["extras"]
    ]


def orders_of(house: SampleHouse) -> list[ServiceOrder]:
    with tenant(house.organization_id):
        return list(ServiceOrder.objects.all())


def owed(house: SampleHouse, body: dict[str, Any]) -> int:
    """For services, as the folio of the booking has it; the query of many agrees."""
    with tenant(house.organization_id):
        found = Booking.objects.annotate(charged=charged_minor()).get(id=body["booking_id"])
        lines = charged_services(list_orders_of(booking_id=found.id), found.currency, found.status)
    assert (found.charged or 0) == sum(amount.minor for _, amount in lines)
    return sum(amount.minor for _, amount in lines)


def owner_requests(client: httpx.Client, house: SampleHouse, state: str) -> list[dict[str, Any]]:
    address = str(client.base_url).split("/api/")[0]
    path = f"{address}/api/owner/properties/{house.property.code}/service-requests"
    found = client.get(path, params={"state": state}).json()["requests"]
    assert {one["state"] for one in found} <= {state}
    return found


def test_what_may_be_added_is_told_with_its_price_for_the_stay(client: httpx.Client, stocked: SampleHouse):
    asked = {"check_in": stocked.day(10), "check_out": stocked.day(13), "adults": 3, "children": 1, "rooms": 2}
    answer = client.get(f"/hotels/{stocked.property.code}/extras", params=asked)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["nights"], body["currency"]) == (3, "EUR")
    assert [(one["code"], one["quantity"], one["amount"]["amount"], one["most"]) for one in body["items"]] == [
        ("breakfast", 12, "180.00", 1),
        ("transfer", 2, "80.00", 1),
        ("wine", 1, "20.00", 3),
    ]
    first = body["items"][0]
    assert (first["name"], first["names"], first["description"]) == (
        "Breakfast",
        {"es": "breakfast es"},
        "About breakfast",
    )
    assert (first["per"], first["unit_price"]["amount"], first["included_in"]) == ("person_night", "15.00", ["nonref"])


def test_a_stay_that_can_not_be_asked_about_is_refused(client: httpx.Client, house: SampleHouse):
    path = f"/hotels/{house.property.code}/extras"
    days = {"check_in": house.day(3), "check_out": house.day(3)}
    assert pointers(client.get(path, params=days)) == ["/check_out"]
    days["check_out"] = house.day(4)
    assert pointers(client.get(path, params=days | {"adults": 9})) == ["/adults"]
    assert pointers(client.get(path, params=days | {"child_ages": "99"})) == ["/child_ages"]
    assert client.get(path, params=days).json()["items"] == []
    assert client.get("/hotels/elsewhere/extras", params=days).status_code == 404


def test_offers_and_room_types_say_what_a_package_includes(client: httpx.Client, stocked: SampleHouse):
    asked = {"check_in": stocked.day(10), "check_out": stocked.day(12), "adults": 2}
    offers = client.get(f"/availability/{stocked.property.code}", params=asked).json()["offers"]
    included = {one["rate_plan_code"]: one["includes"] for one in offers}
    assert included["bar"] == []
    assert included["nonref"] == [
        {"code": "breakfast", "name": "Breakfast", "names": {"es": "breakfast es"}},
        {"code": "spa", "name": "Spa", "names": {"es": "spa es"}},
    ]
    for one in client.get(f"/room-types/{stocked.property.code}").json()["items"]:
        assert {plan["rate_plan_code"]: plan["includes"] for plan in one["rate_plans"]} == included


def test_extras_are_booked_beside_the_total_and_ordered(client: httpx.Client, stocked: SampleHouse):
    wishes = [{"code": "breakfast"}, {"code": "wine", "quantity": 2}]
    plain = client.post("/bookings", json=stocked.booking()).json()
    body = stocked.booking(
        extras=wishes, expected_total=plain["total"], expected_extras_total={"amount": "100.00", "currency": "EUR"}
    )
    answer = client.post("/bookings", json=body)
    assert answer.status_code == 201, answer.text
    booked = answer.json()
    assert shown(booked) == [
        ("breakfast", 4, "15.00", "60.00", False, "open"),
        ("wine", 2, "20.00", "40.00", False, "open"),
    ]
    assert booked["extras_total"] == {"amount": "100.00", "currency": "EUR"}
    assert booked["total"] == plain["total"]
    assert client.get(f"/bookings/{booked['booking_id']}").json() == booked
    made = orders_of(stocked)
    assert [(one.what, one.price_minor, one.charged, one.due_on.isoformat()) for one in made] == [  # type: ignore[union-attr]
        ("Breakfast × 4", 6_000, True, stocked.day(10)),
        ("Wine × 2", 4_000, True, stocked.day(10)),
    ]
    assert [str(one.id) for one in made] == [one["service_order_id"] for one in booked["extras"]]
    assert (plain["extras"], plain["extras_total"]["amount"]) == ([], "0.00")
    with tenant(stocked.organization_id):
        told = [one.data for one in Event.objects.filter(type="service_order.created")]
    assert sorted(one["what"] for one in told) == ["Breakfast × 4", "Wine × 2"]
    assert (owed(stocked, booked), owed(stocked, plain)) == (10_000, 0)


def test_what_a_package_includes_is_done_and_costs_nothing(client: httpx.Client, stocked: SampleHouse):
    booked = client.post(
        "/bookings", json=stocked.booking(rooms=[room("nonref"), room("bar", 1)], extras=[{"code": "breakfast"}])
    ).json()
    assert shown(booked) == [
        ("breakfast", 4, "0.00", "0.00", True, "open"),
        ("spa", 1, "0.00", "0.00", True, "open"),
        ("breakfast", 2, "15.00", "30.00", False, "open"),
    ]
    assert [(one.what, one.price_minor, one.charged, one.note) for one in orders_of(stocked)] == [
        ("Breakfast × 4", None, False, "Non-refundable"),
        ("Spa", None, False, "Non-refundable"),
        ("Breakfast × 2", 3_000, True, ""),
    ]
    assert booked["extras_total"]["amount"] == "30.00"


@pytest.mark.parametrize(
    ("wishes", "where"),
    [
        ([{"code": "beer"}], ["/extras/0/code"]),
        ([{"code": "spa"}], ["/extras/0/code"]),
        ([{"code": "transfer"}, {"code": "wine", "quantity": 4}], ["/extras/1/quantity"]),
        ([{"code": "transfer", "quantity": 2}], ["/extras/0/quantity"]),
        ([{"code": "wine", "quantity": 0}], ["/extras/0/quantity"]),
        ([{"code": "wine"}, {"code": "wine"}], ["/extras/1/code"]),
        ([{"code": "wine", "price": 1}], ["/extras/0/price"]),
    ],
)
def test_what_can_not_be_had_is_named_and_nothing_is_booked(
    client: httpx.Client, stocked: SampleHouse, wishes: list[dict[str, Any]], where: list[str]
):
    assert pointers(client.post("/bookings", json=stocked.booking(extras=wishes))) == where
    assert bookings_of(stocked) == 0
    assert orders_of(stocked) == []


def test_what_is_ended_or_included_already_is_not_sold(client: httpx.Client, stocked: SampleHouse):
    with tenant(stocked.organization_id):
        services.end_extra(extra=Extra.objects.get(code="wine"), now=datetime.now(UTC), actor="test")
    assert pointers(client.post("/bookings", json=stocked.booking(extras=[{"code": "wine"}]))) == ["/extras/0/code"]
    body = stocked.booking(rooms=[room("nonref")], extras=[{"code": "breakfast"}])
    assert pointers(client.post("/bookings", json=body)) == ["/extras/0/code"]
    assert bookings_of(stocked) == 0


def test_another_price_of_the_extras_is_refused(client: httpx.Client, stocked: SampleHouse):
    expected = {"amount": "59.00", "currency": "EUR"}
    refused = client.post(
        "/bookings", json=stocked.booking(extras=[{"code": "breakfast"}], expected_extras_total=expected)
    )
    assert pointers(refused, 409) == ["/expected_extras_total"]
    assert problem(refused)["type"] == "/problems/extras-price-changed"
    assert problem(refused)["extras_total"] == {"amount": "60.00", "currency": "EUR"}
    assert bookings_of(stocked) == 0


def test_a_repeat_orders_nothing_twice_and_a_refused_booking_nothing(client: httpx.Client, stocked: SampleHouse):
    body, key = stocked.booking(extras=[{"code": "wine"}]), {"Idempotency-Key": "once"}
    first, again = (client.post("/bookings", json=body, headers=key) for _ in range(2))
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.json() == again.json()
    assert len(orders_of(stocked)) == 1
    sold_out = stocked.booking(rooms=[room("bar")] * 3, extras=[{"code": "wine"}])
    assert client.post("/bookings", json=sold_out).status_code == 409
    assert len(orders_of(stocked)) == 1


def test_a_changed_stay_counts_what_is_open_anew_at_the_price_agreed(client: httpx.Client, stocked: SampleHouse):
    wishes = [{"code": "breakfast"}, {"code": "wine", "quantity": 2}, {"code": "transfer"}]
    booked = client.post("/bookings", json=stocked.booking(extras=wishes)).json()
    with tenant(stocked.organization_id):
        dear = Extra.objects.get(code="breakfast")
        dear.price_minor = 9_900
        dear.save()
        done = ServiceOrder.objects.get(what="Transfer")
        orders.finish(order_id=done.id, now=datetime.now(UTC), actor="desk")
    path = f"/bookings/{booked['booking_id']}"
    changed = client.put(path, json={"check_in": stocked.day(11), "check_out": stocked.day(15)}).json()
    assert shown(changed) == [
        ("breakfast", 8, "15.00", "120.00", False, "open"),
        ("wine", 2, "20.00", "40.00", False, "open"),
        ("transfer", 1, "40.00", "40.00", False, "done"),
    ]
    assert client.get(path).json() == changed
    assert {one.due_on.isoformat() for one in orders_of(stocked) if one.state == "open"} == {stocked.day(11)}  # type: ignore[union-attr]
    assert shown(client.put(path, json={"special_requests": "Quiet"}).json()) == shown(changed)


def test_a_booking_that_becomes_a_package_and_back_has_what_its_plan_includes(
    client: httpx.Client, stocked: SampleHouse
):
    booked = client.post("/bookings", json=stocked.booking(extras=[{"code": "breakfast"}])).json()
    path = f"/bookings/{booked['booking_id']}"
    package = client.put(path, json={"rooms": [room("nonref")]}).json()
    assert shown(package) == [
        ("breakfast", 0, "15.00", "0.00", False, "cancelled"),
        ("breakfast", 4, "0.00", "0.00", True, "open"),
        ("spa", 1, "0.00", "0.00", True, "open"),
    ]
    back = client.put(path, json={"rooms": [room("bar", 1)]}).json()
    assert shown(back) == [
        ("breakfast", 2, "15.00", "30.00", False, "open"),
        ("breakfast", 0, "0.00", "0.00", True, "cancelled"),
        ("spa", 0, "0.00", "0.00", True, "cancelled"),
    ]
    assert back["extras_total"]["amount"] == "30.00"
    again = client.put(path, json={"rooms": [room("nonref")]}).json()
    assert [one[-1] for one in shown(again)] == ["cancelled", "open", "open"]


def test_of_a_cancelled_booking_only_what_was_done_is_owed(client: httpx.Client, stocked: SampleHouse):
    booked = client.post("/bookings", json=stocked.booking(extras=[{"code": "breakfast"}, {"code": "wine"}])).json()
    with tenant(stocked.organization_id):
        orders.finish(order_id=ServiceOrder.objects.get(what="Wine").id, now=datetime.now(UTC), actor="desk")
    cancelled = client.delete(f"/bookings/{booked['booking_id']}").json()
    assert [(one["code"], one["status"]) for one in cancelled["extras"]] == [
        ("breakfast", "cancelled"),
        ("wine", "done"),
    ]
    assert cancelled["extras_total"]["amount"] == "20.00"
    assert owed(stocked, cancelled) == 2_000
    asked = {
        state: [one["what"] for one in owner_requests(client, stocked, state)]
        for state in ("open", "cancelled", "done")
    }
    assert asked == {"open": [], "cancelled": ["Breakfast × 4"], "done": ["Wine"]}
    with tenant(stocked.organization_id):
        reservations.change_state(
            organization_id=stocked.organization_id,
            booking_id=booked["booking_id"],
            action=BookingAction.REINSTATE,
            now=datetime.now(UTC),
            actor="desk",
        )
    back = client.get(f"/bookings/{booked['booking_id']}").json()
    assert shown(back)[0] == ("breakfast", 4, "15.00", "60.00", False, "open")
    assert back["extras_total"]["amount"] == "80.00"


def test_another_hotels_extras_are_not_this_ones(client: httpx.Client, stocked: SampleHouse, address: str):
    other = sample_house()
    with calling(address, other.secret) as theirs:
        asked = {"check_in": other.day(1), "check_out": other.day(2)}
        assert theirs.get(f"/hotels/{other.property.code}/extras", params=asked).json()["items"] == []
        assert theirs.get(f"/hotels/{stocked.property.code}/extras", params=asked).status_code == 404
        assert pointers(theirs.post("/bookings", json=other.booking(extras=[{"code": "wine"}]))) == ["/extras/0/code"]
