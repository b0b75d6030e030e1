"""Changing a stay that has begun: what is over stays as it was, what is to come is sold anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest

from innsync.api.tests.samples import PRICES, SampleHouse, sample_house
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.inventory.services import SoldOut, open_stock
from innsync.apps.rates.models import RatePlan
from innsync.apps.rates.selectors import get_house
from innsync.apps.rates.services import RateEdit, set_rates
from innsync.apps.reservations import records
from innsync.apps.reservations import services as reservations
from innsync.domain.booking_state import BookingAction
from innsync.domain.channel import GuestDetails
from innsync.domain.occupancy import Occupancy
from innsync.domain.policies import CancellationPolicy, CancellationTier, Share, ShareKind
from innsync.domain.stay import StayDates

NIGHTS_BEHIND = 20


@pytest.fixture
def house(database: str) -> SampleHouse:
    """Open since three weeks, without city tax or cleaning to count along."""
    return opened_before(sample_house(taxes=False))


def opened_before(house: SampleHouse) -> SampleHouse:
    with tenant(house.organization_id):
        for room_type in house.room_types.values():
            open_stock(
                property_id=house.property.id,
                room_type_id=room_type.id,
                first=house.today - timedelta(days=NIGHTS_BEHIND),
                last=house.today - timedelta(days=1),
            )
    for room, price in PRICES.items():
        set_days(house, -NIGHTS_BEHIND, -1, room=room, price=price)
    return house


def set_days(house: SampleHouse, first: int, last: int, *, room: str = "double", **values: int) -> None:
    day = house.today
    with tenant(house.organization_id):
        set_rates(
            organization_id=house.organization_id,
            property_id=house.property.id,
            edits=[
                RateEdit(
                    house.products[room, "bar"].id, day + timedelta(days=first), day + timedelta(days=last), values
                )
            ],
            now=datetime.now(UTC),
            actor="test",
        )


def in_house(
    house: SampleHouse,
    *,
    arrived: int = 2,
    nights: int = 4,
    booked: int = 10,
    rooms: Sequence[tuple[str, str]] = (("double", "bar"),),
    check_in: bool = True,
) -> str:
    """The path of a booking made `booked` days ago by guests who came `arrived` days ago."""
    now = datetime.now(UTC)
    arrival = house.today - timedelta(days=arrived)
    with tenant(house.organization_id):
        record = reservations.book(
            house=get_house(organization_id=house.organization_id, key=house.property.id),
            stay=StayDates(arrival, arrival + timedelta(days=nights)),
            rooms=[
                reservations.RoomRequest(house.room_types[room].id, house.plans[plan].id, Occupancy(2), "Sarah Johnson")
                for room, plan in rooms
            ],
            guest=GuestDetails("Sarah Johnson", "sarah@example.com"),
            now=now - timedelta(days=booked),
            actor="desk",
        )
        if check_in:
            reservations.change_state(
                organization_id=house.organization_id,
                booking_id=record.id,
                action=BookingAction.CHECK_IN,
                now=now - timedelta(days=arrived),
                actor="desk",
            )
    return f"/bookings/{record.id}"


def sold(house: SampleHouse, first: int, last: int, room: str = "double") -> list[int]:
    """Rooms sold on the nights from first to last, counted from today."""
    with tenant(house.organization_id), sql() as cursor:
        return [
            row[0]
            for row in cursor.execute(
                "SELECT sold FROM inventory_stockday WHERE property_id = %s AND room_type_id = %s"
                " AND day BETWEEN %s AND %s ORDER BY day",
                (
                    house.property.id,
                    house.room_types[room].id,
                    house.today + timedelta(days=first),
                    house.today + timedelta(days=last),
                ),
            )
        ]


def nightly(answer: httpx.Response, room: int = 0) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [night["amount"] for night in answer.json()["rooms"][room]["nightly"]]


def reasons(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 409, answer.text
    found: list[str] = answer.json()["reasons"]
    return found


def room(plan: str = "bar", kind: str = "double", **guests: Any) -> dict[str, Any]:
    return {"room_type_id": kind, "rate_plan_id": plan, "adults": 2, "guest_name": "Sarah Johnson"} | guests


def test_a_guest_in_house_stays_a_night_longer(client: httpx.Client, house: SampleHouse) -> None:
    path = in_house(house)
    set_days(house, 2, 2, price=13000)
    extended = client.put(path, json={"check_out": house.day(3)})
    assert nightly(extended) == ["100.00"] * 4 + ["130.00"]
    assert extended.json()["total"]["amount"] == "530.00"
    assert extended.json()["status"] == "checked_in"
    assert sold(house, -3, 3) == [0, 1, 1, 1, 1, 1, 0]


def test_a_guest_in_house_leaves_earlier(client: httpx.Client, house: SampleHouse) -> None:
    path = in_house(house)
    assert nightly(client.put(path, json={"check_out": house.day(1)})) == ["100.00"] * 3
    assert nightly(client.put(path, json={"check_out": house.day(0)})) == ["100.00"] * 2
    assert sold(house, -3, 3) == [0, 1, 1, 0, 0, 0, 0]


def test_nights_that_are_over_are_not_given_back(client: httpx.Client, house: SampleHouse) -> None:
    path = in_house(house, rooms=(("double", "bar"), ("family", "bar")))
    before = client.get(path).json()
    assert reasons(client.put(path, json={"check_out": house.day(-1)})) == [f"in_the_past:{house.day(-1)}"]
    for change in ({"rooms": [room()]}, {"check_in": house.day(1)}):
        refused = client.put(path, json=change)
        assert refused.status_code == 409, refused.text
        assert refused.json()["type"] == "/problems/not-changeable"
    assert client.get(path).json() == before


def test_guests_in_house_change_and_nights_that_are_over_keep_what_they_cost(client: httpx.Client) -> None:
    house = opened_before(sample_house())
    path = in_house(house)
    set_days(house, -NIGHTS_BEHIND, 60, price=20000)
    changed = client.put(path, json={"rooms": [room(adults=1)]}, headers={"X-API-Key": house.secret})
    assert nightly(changed) == ["100.00", "100.00", "200.00", "200.00"]
    (tax,) = (one for one in changed.json()["taxes"] if one["code"] == "city")
    assert tax["amount"] == "12.00"  # 2.00 a person and night: two persons twice, then one twice
    assert changed.json()["total"]["amount"] == "642.00"
    assert changed.json()["rooms"][0]["adults"] == 1


def test_what_closed_behind_a_guest_keeps_nobody_from_staying(client: httpx.Client, house: SampleHouse) -> None:
    path = in_house(house)
    set_days(house, -NIGHTS_BEHIND, -1, stop_sell=1, closed_to_arrival=1)
    assert client.put(path, json={"check_out": house.day(3)}).status_code == 200
    set_days(house, 3, 3, stop_sell=1)
    assert reasons(client.put(path, json={"check_out": house.day(4)})) == [f"stop_sell:{house.day(3)}"]


def test_a_room_in_house_changes_its_rate_plan_for_the_nights_to_come(client: httpx.Client, house: SampleHouse) -> None:
    path = in_house(house, rooms=(("double", "bar"), ("family", "bar")))
    before = client.get(path).json()["rooms"]
    changed = client.put(path, json={"rooms": [room(kind="family"), room("nonref")]})
    assert nightly(changed, 0) == ["180.00"] * 4
    assert nightly(changed, 1) == ["100.00", "100.00", "90.00", "90.00"]
    assert [one["room_stay_id"] for one in changed.json()["rooms"]] == [one["room_stay_id"] for one in before[::-1]]


def test_a_room_can_not_be_added_to_nights_that_are_over(client: httpx.Client, house: SampleHouse) -> None:
    path = in_house(house)
    assert f"in_the_past:{house.day(-2)}" in reasons(client.put(path, json={"rooms": [room(), room(kind="family")]}))


def test_a_new_check_in_in_the_past_stays_refused(client: httpx.Client, house: SampleHouse) -> None:
    begun, later = in_house(house), in_house(house, arrived=-5, check_in=False)
    for path, check_in in ((begun, -3), (begun, -1), (later, -1)):
        refused = client.put(path, json={"check_in": house.day(check_in)})
        assert refused.status_code == 422, refused.text
        assert [one["pointer"] for one in refused.json()["errors"]] == ["/check_in"]


def test_a_guest_who_has_not_come_yet_may_come_later(client: httpx.Client, house: SampleHouse) -> None:
    path = in_house(house, check_in=False)
    moved = client.put(path, json={"check_in": house.day(1)})
    assert moved.status_code == 200, moved.text
    assert moved.json()["check_in"] == house.day(1)
    assert sold(house, -3, 3) == [0, 0, 0, 0, 1, 0, 0]


def test_a_guest_in_house_never_came_later(client: httpx.Client, house: SampleHouse) -> None:
    path = in_house(house, arrived=0)
    refused = client.put(path, json={"check_in": house.day(2)})
    assert refused.status_code == 409, refused.text
    assert refused.json()["type"] == "/problems/not-changeable"
    assert nightly(client.put(path, json={"check_in": house.day(0), "check_out": house.day(5)})) == ["100.00"] * 5


def full(house: SampleHouse, first: int, last: int, room: str) -> list[int]:
    """Nothing left on the nights from first to last; how many rooms are sold on each then."""
    with tenant(house.organization_id), sql() as cursor:
        cursor.execute(
            "UPDATE inventory_stockday SET sold = rooms WHERE room_type_id = %s AND day BETWEEN %s AND %s",
            (house.room_types[room].id, house.day(first), house.day(last)),
        )
    return sold(house, first, last, room)


def move(house: SampleHouse, path: str, to: str) -> None:
    with tenant(house.organization_id):
        record = records.load(booking_id=UUID(path.rsplit("/", 1)[1]))
        reservations.move_room_stay(
            organization_id=house.organization_id,
            booking_id=record.id,
            room_stay_id=record.stays[0].id,
            room_type_id=house.room_types[to].id,
            now=datetime.now(UTC),
            actor="desk",
        )


@pytest.mark.parametrize("at_the_desk", [False, True], ids=["changed", "moved"])
def test_a_type_that_was_full_before_today_takes_a_guest_in_house(
    client: httpx.Client, house: SampleHouse, at_the_desk: bool
) -> None:
    """A stay counts in one type on all its nights, so that whatever ends it frees what it holds."""
    path = in_house(house)
    behind = full(house, -2, -1, "family")
    if at_the_desk:
        move(house, path, "family")
    else:
        assert client.put(path, json={"rooms": [room(kind="family")]}).status_code == 200
    assert sold(house, -2, 2) == [0, 0, 0, 0, 0]
    assert sold(house, -2, 2, "family") == [*(count + 1 for count in behind), 1, 1, 0]
    assert client.put(path, json={"check_out": house.day(1)}).status_code == 200
    assert sold(house, -2, 2, "family") == [*(count + 1 for count in behind), 1, 0, 0]


@pytest.mark.parametrize("at_the_desk", [False, True], ids=["changed", "moved"])
def test_a_type_that_is_full_from_today_on_takes_nobody(
    client: httpx.Client, house: SampleHouse, at_the_desk: bool
) -> None:
    path = in_house(house)
    full(house, 1, 1, "family")
    if at_the_desk:
        with pytest.raises(SoldOut) as refused:
            move(house, path, "family")
        assert refused.value.nights == [(house.room_types["family"].id, house.today + timedelta(days=1))]
    else:
        answer = client.put(path, json={"rooms": [room(kind="family")]})
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/sold-out")
    assert sold(house, -2, 2) == [1, 1, 1, 1, 0]


def windowed(house: SampleHouse, plan: str, **days: int) -> None:
    with tenant(house.organization_id):
        RatePlan.objects.filter(id=house.plans[plan].id).update(**days)


@pytest.mark.parametrize("arrived", [2, -3])
def test_an_advance_purchase_that_was_early_enough_may_be_changed_late(
    client: httpx.Client, house: SampleHouse, arrived: int
) -> None:
    windowed(house, "nonref", min_advance_days=7)
    path = in_house(house, arrived=arrived, check_in=arrived >= 0, rooms=(("double", "nonref"),))
    assert nightly(client.put(path, json={"check_out": house.day(5 - arrived)})) == ["90.00"] * 5


@pytest.mark.parametrize("arrived", [2, -3])
def test_a_plan_that_is_new_to_a_booking_is_judged_by_today(
    client: httpx.Client, house: SampleHouse, arrived: int
) -> None:
    windowed(house, "nonref", min_advance_days=7)
    path = in_house(house, arrived=arrived, check_in=arrived >= 0)
    assert reasons(client.put(path, json={"rooms": [room("nonref")]})) == ["advance_purchase:7"]


def test_a_last_minute_plan_is_judged_by_the_day_of_booking(client: httpx.Client, house: SampleHouse) -> None:
    path = in_house(house, arrived=-3, booked=0, check_in=False)
    windowed(house, "bar", max_advance_days=4)
    assert client.put(path, json={"check_out": house.day(8)}).status_code == 200
    assert reasons(client.put(path, json={"check_in": house.day(6), "check_out": house.day(8)})) == ["last_minute:4"]


def test_a_plan_that_is_kept_is_judged_by_the_day_on_which_it_was_taken(
    client: httpx.Client, house: SampleHouse
) -> None:
    path = in_house(house, arrived=-3, booked=60, check_in=False, rooms=(("double", "bar"), ("family", "bar")))
    windowed(house, "nonref", max_advance_days=5)
    assert client.put(path, json={"rooms": [room("nonref"), room(kind="family")]}).status_code == 200
    assert client.put(path, json={"check_out": house.day(8)}).status_code == 200
    windowed(house, "bar", max_advance_days=4)
    assert reasons(client.put(path, json={"check_out": house.day(9)})) == ["last_minute:4"]


def test_rooms_whose_plans_were_taken_on_different_days_owe_an_amount_once(
    client: httpx.Client, house: SampleHouse
) -> None:
    amount = CancellationPolicy((CancellationTier(Share(ShareKind.AMOUNT, Decimal(5000))),))
    with tenant(house.organization_id):
        RatePlan.objects.filter(property_id=house.property.id).update(cancellation_policy=amount.to_json())
    path = in_house(house, arrived=-3, booked=60, check_in=False, rooms=(("double", "bar"), ("family", "nonref")))
    changed = client.put(path, json={"rooms": [room("nonref"), room("nonref", kind="family")]})
    assert changed.status_code == 200, changed.text
    assert "taken_on" not in changed.text
    assert client.delete(path).json()["cancellation"]["fee"]["amount"] == "50.00"
