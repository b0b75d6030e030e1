"""Expedia's soft launch: the scenarios of availability, rates and bookings, driven through the hub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from lxml import etree

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution.access import open_session
from innsync.apps.distribution.audit import audit
from innsync.apps.distribution.health import Health, list_health
from innsync.apps.distribution.selectors import load_linked
from innsync.apps.distribution.services import RateLink, RoomLink
from innsync.apps.properties.models import Property
from tests.flows.certification import certified_house, day, vary
from tests.flows.checks import check_all, check_connection
from tests.flows.stack import Stack

VENDOR = "expedia"
PRODUCTS = (("twin", "bar"), ("twin", "bb"), ("double", "bar"), ("double", "bb"))


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    made = make_stack(plan=certified_house(), days=60, vendors=[VENDOR])
    made.settle()
    return made


class Launch:
    """What was sent since the fixture was made."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.before = stack.seen(VENDOR)

    def the_message(self) -> etree._Element:
        self.stack.settle()
        check_connection(self.stack, VENDOR)
        (request,) = self.stack.pushes(VENDOR, self.before)
        assert request["status"] == 200
        return etree.fromstring(request["body"].encode())


@pytest.fixture
def launch(stack: Stack) -> Launch:
    return Launch(stack)


def found(root: etree._Element, name: str) -> list[etree._Element]:
    return root.findall(f".//{{*}}{name}")


def test_1_prices_of_several_rooms_and_plans_on_one_date_are_one_message(stack: Stack, launch: Launch) -> None:
    stack.set_rates(*((*product, 5, 5, {"price": 20_000 + 1_000 * step}) for step, product in enumerate(PRODUCTS)))
    root = launch.the_message()
    assert len(found(root, "RatePlan")) == 4
    assert {one.get("from") for one in found(root, "DateRange")} == {day(stack, 5)}
    assert "21000.00" not in {one.get("rate") for one in found(root, "PerOccupancy")}
    assert {one.get("rate") for one in found(root, "PerOccupancy")} == {"200.00", "210.00", "220.00", "230.00"}


def test_2_minimum_and_maximum_stays(stack: Stack, launch: Launch) -> None:
    stack.set_rates((*PRODUCTS[0], 5, 9, {"min_stay_arrival": 3, "max_stay": 9}))
    (rules,) = found(launch.the_message(), "Restrictions")
    assert (rules.get("minLOS"), rules.get("maxLOS")) == ("3", "9")


def test_3_a_rate_plan_is_closed_on_a_date(stack: Stack, launch: Launch) -> None:
    stack.set_rates((*PRODUCTS[0], 5, 5, {"stop_sell": 1}))
    (plan,) = found(launch.the_message(), "RatePlan")
    assert plan.get("closed") == "true"
    assert stack.sold_at(VENDOR, 5, room="twin", rate="bar")["closed"]
    assert not stack.sold_at(VENDOR, 5, room="twin", rate="bb")["closed"]


@pytest.mark.parametrize(
    ("field", "attribute"), [("closed_to_arrival", "closedToArrival"), ("closed_to_departure", "closedToDeparture")]
)
def test_4_arrivals_and_departures_are_closed(stack: Stack, launch: Launch, field: str, attribute: str) -> None:
    stack.set_rates((*PRODUCTS[0], 5, 5, {field: 1}))
    (rules,) = found(launch.the_message(), "Restrictions")
    assert rules.get(attribute) == "true"


def test_5_the_allocation_changes_with_a_sale(stack: Stack, launch: Launch) -> None:
    stack.book(5, 2, room="twin")
    root = launch.the_message()
    (room,) = found(root, "RoomType")
    (inventory,) = found(root, "Inventory")
    assert inventory.get("totalInventoryAvailable") == "7"
    assert found(room, "RatePlan") == []


def test_6_bookings_with_children_come_are_changed_cancelled_and_confirmed(stack: Stack) -> None:
    reference = stack.guest_books(VENDOR, 10, 2, room="twin", child_ages=[4, 11])
    stack.pull(VENDOR)
    assert stack.rows("SELECT child_ages FROM reservations_roomstay") == [([4, 11],)]
    stack.change(VENDOR, reference, check_out=day(stack, 14))
    stack.pull(VENDOR)
    stack.cancel_at(VENDOR, reference)
    stack.pull(VENDOR)
    stack.settle()
    check_all(stack)
    assert stack.rows("SELECT state, acknowledged_at IS NOT NULL FROM inbox_message") == [("applied", True)] * 3
    (item,) = stack.sandbox.call("GET", f"{VENDOR}/bookings?property={stack.built.property.code}")["items"]
    assert item["acknowledged"]


def test_6_the_confirmation_number_is_ours_and_the_same_for_all_of_a_bookings_messages(stack: Stack) -> None:
    reference = stack.guest_books(VENDOR, 10, 2, room="twin")
    stack.pull(VENDOR)
    stack.change(VENDOR, reference, check_out=day(stack, 14))
    stack.pull(VENDOR)
    ((code,),) = stack.rows("SELECT code FROM reservations_booking")
    confirmations = [one["body"] for one in stack.requests(VENDOR) if one["path"].endswith("/eqc/bc")]
    assert len(confirmations) == 2
    assert all(f'="{code}"' in body for body in confirmations)


def test_7_the_mapping_is_what_expedia_lists_and_twins_are_not_to_be_told(stack: Stack) -> None:
    with tenant(stack.organization_id):
        linked = load_linked(connection_id=stack.connections[VENDOR])
    adapter, session = open_session(linked.account)
    listed = adapter.implementation.list_rooms(session, linked.ref)
    assert {room.id for room in listed} == {one.external_room for one in linked.rooms}
    rates = {(room.id, rate.id): rate for room in listed for rate in room.rates}
    mapped = {(one.external_room, one.external_rate) for one in linked.rates}
    assert mapped == {key for key, rate in rates.items() if not rate.read_only}
    assert all(rates[key].occupancies == (1, 2) for key in mapped)
    assert len(rates) == 2 * len(mapped)


def test_8_a_full_refresh_tells_every_room_plan_and_date_once(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(plan=certified_house(), days=365, vendors=[VENDOR])
    vary(stack, 365)
    plan = stack.reconcile(VENDOR, full=True, dry_run=True).plan
    before = stack.seen(VENDOR)
    stack.settle()
    check_all(stack)
    pushed = stack.pushes(VENDOR, before)
    assert len(pushed) == len(plan)
    assert all(request["size"] <= 100_000 for request in pushed)
    told = Counter(
        (update.target, update.first + timedelta(days=offset), field)
        for push in plan
        for update in push.updates
        for offset in range(update.nights)
        for field in update.values
    )
    assert set(told.values()) == {1}
    assert len({(target, night) for target, night, _ in told}) == (2 + 4) * 365


def test_9_a_hotel_priced_per_day_gets_one_price_a_room_and_keeps_it(stack: Stack) -> None:
    own = stack.built.property
    per_day = Property(code="per-day", name=own.name, time_zone=own.time_zone, currency=own.currency)
    settings = {"pricing_model": "per_day"}
    listed = stack.sandbox.add_property(VENDOR, replace(stack.built, property=per_day), settings)
    before = stack.seen(VENDOR)
    with tenant(stack.organization_id):
        link = distribution.connect(
            account=stack.link(VENDOR).account,
            prop=own,
            external_id=listed["id"],
            rooms=[RoomLink(stack.built.room_types["twin"].id, listed["rooms"]["twin"]["id"])],
            rates=[
                RateLink(
                    stack.built.products["twin", "bar"].id,
                    listed["rooms"]["twin"]["id"],
                    listed["rooms"]["twin"]["rates"]["bar"],
                    occupancies=(),
                )
            ],
            now=datetime.now(UTC),
            settings=settings,
            horizon_days=30,
        )
    stack.settle()
    (message,) = stack.pushes(VENDOR, before)
    prices = [etree.QName(one).localname for one in found(etree.fromstring(message["body"].encode()), "Rate")[0]]
    assert prices == ["PerDay"]
    night = day(stack, 5)
    days = stack.sandbox.call("GET", f"{VENDOR}/calendar?property=per-day&from={night}&to={night}")["days"]
    assert [one["amount"] for one in days if (one["room"], one["rate"]) == ("twin", "bar")] == ["100.00"]
    looked = audit(organization_id=stack.organization_id, connection_id=link.id)
    assert looked.cells > 0
    assert (looked.drift, looked.against_wanted) == ([], [])


def test_10_an_alarm_is_raised_when_a_tenth_of_the_messages_goes_wrong(stack: Stack) -> None:
    def health() -> Health:
        with tenant(stack.organization_id):
            return list_health(now=datetime.now(UTC), connection_id=stack.connections[VENDOR])[0]

    cents = count(20_000, 100)
    while health().messages < 9:
        stack.set_rates((*PRODUCTS[0], 5, 5, {"price": next(cents)}))
        stack.settle()
    stack.faults(VENDOR, error_rate=1.0)
    stack.set_rates((*PRODUCTS[0], 5, 5, {"price": next(cents)}))
    stack.settle()
    stack.faults(VENDOR)
    alarmed = health()
    assert (alarmed.messages, alarmed.faulty_messages, alarmed.alarming) == (10, 1, True)
    stack.advance(minutes=2)
    check_connection(stack, VENDOR)
    assert (health().messages, health().alarming) == (11, False)


def test_11_every_source_is_accepted(stack: Stack, worlds: dict[str, Any]) -> None:
    hotel = next(iter(worlds[VENDOR].state.hotels.values()))
    for step, brand in enumerate(("Expedia", "Hotels.com", "Somebody Nobody Knows")):
        hotel.settings["brand"] = brand
        hotel.settings["collect"] = "expedia" if step % 2 else "hotel"
        stack.guest_books(VENDOR, 5 + step, 1, room="twin")
    stack.pull(VENDOR)
    stack.settle()
    check_all(stack)
    sources = {row[0] for row in stack.rows("SELECT source FROM reservations_booking")}
    assert sources == {"Expedia", "Hotels.com", "Somebody Nobody Knows"}


def test_12_a_booking_without_a_card_is_as_good(stack: Stack) -> None:
    stack.guest_books(VENDOR, 5, 1, room="twin", card=False)
    stack.pull(VENDOR)
    stack.settle()
    check_all(stack)
    assert [row[1] for row in stack.bookings()] == ["confirmed"]


def test_13_guests_names_keep_their_letters(stack: Stack) -> None:
    stack.guest_books(VENDOR, 5, 1, room="twin", guest={"name": "Łukasz Żółć 山田", "email": "l@guest.example"})
    stack.pull(VENDOR)
    assert stack.rows("SELECT guest_name FROM reservations_booking") == [("Łukasz Żółć 山田",)]
