"""The terms of a booking: each room goes by those of its own rate plan, and a change of plan changes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest

from innsync.api import rule_schemas, schemas
from innsync.api.tests.samples import SampleHouse, sample_house
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.properties.models import Property
from innsync.apps.rates.models import RatePlan
from innsync.apps.rates.selectors import get_house
from innsync.apps.reservations import services as reservations
from innsync.domain.booking_state import BookingAction
from innsync.domain.policies import (
    EVERYTHING,
    CancellationPolicy,
    CancellationTier,
    DueAt,
    PaymentPolicy,
    PaymentStep,
    Share,
    ShareKind,
)
from innsync.domain.pricing import ChildBand
from innsync.domain.taxes import ChargeKind, FeeRule, Season

FIRST_NIGHT = Share(ShareKind.NIGHTS, Decimal(1))


@pytest.fixture
def house(database: str) -> SampleHouse:
    """`bar`: the first night is lost within two days of arrival. `nonref`: all of it, always, and paid at booking."""
    made = sample_house(taxes=False)
    set_terms(
        made,
        "nonref",
        CancellationPolicy((CancellationTier(EVERYTHING),)),
        PaymentPolicy((PaymentStep(DueAt.BOOKING, EVERYTHING),)),
    )
    return made


def set_terms(house: SampleHouse, plan: str, cancelling: CancellationPolicy, paying: PaymentPolicy) -> None:
    with tenant(house.organization_id):
        RatePlan.objects.filter(id=house.plans[plan].id).update(
            cancellation_policy=cancelling.to_json(), payment_policy=paying.to_json()
        )


def room(plan: str, kind: str = "double") -> dict[str, Any]:
    return {"room_type_id": kind, "rate_plan_id": plan, "adults": 2}


def book(client: httpx.Client, house: SampleHouse, *plans: str, **more: Any) -> dict[str, Any]:
    made = client.post("/bookings", json=house.booking(rooms=[room(plan) for plan in plans], **more))
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def change(client: httpx.Client, booking: dict[str, Any], **changes: Any) -> dict[str, Any]:
    changed = client.put(f"/bookings/{booking['booking_id']}", json=changes)
    assert changed.status_code == 200, changed.text
    found: dict[str, Any] = changed.json()
    return found


def fee_of_cancelling(client: httpx.Client, booking: dict[str, Any]) -> str:
    answer = client.delete(f"/bookings/{booking['booking_id']}")
    assert answer.status_code == 200, answer.text
    fee: str = answer.json()["cancellation"]["fee"]["amount"]
    return fee


def act(house: SampleHouse, booking: dict[str, Any], action: BookingAction) -> None:
    with tenant(house.organization_id):
        reservations.change_state(
            organization_id=house.organization_id,
            booking_id=UUID(booking["booking_id"]),
            action=action,
            now=datetime.now(UTC),
            actor="desk",
        )


def schedule(shown: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["due_on"], one["amount"]["amount"]) for one in shown["payment_policy"]["schedule"]]


# --- a change of plan


def test_a_non_refundable_booking_that_becomes_flexible_is_cancelled_as_such(
    client: httpx.Client, house: SampleHouse
) -> None:
    booking = book(client, house, "nonref")
    assert booking["cancellation_policy"]["free_until"] is None
    changed = change(client, booking, rooms=[room("bar")])
    assert changed["total"]["amount"] == "200.00"
    assert changed["cancellation_policy"]["free_until"].startswith(house.day(8))
    assert schedule(changed) == [(house.day(10), "200.00")]
    assert fee_of_cancelling(client, changed) == "0.00"


def test_a_flexible_booking_that_becomes_non_refundable_is_lost_when_cancelled(
    client: httpx.Client, house: SampleHouse
) -> None:
    changed = change(client, book(client, house, "bar"), rooms=[room("nonref")])
    assert changed["cancellation_policy"]["free_until"] is None
    assert changed["rooms"][0]["cancellation_policy"] == changed["cancellation_policy"]
    assert schedule(changed) == [(house.day(0), "180.00")]
    assert fee_of_cancelling(client, changed) == "180.00"


def test_a_plan_that_is_kept_keeps_the_terms_agreed(client: httpx.Client, house: SampleHouse) -> None:
    booking = book(client, house, "bar")
    set_terms(house, "bar", CancellationPolicy((CancellationTier(EVERYTHING),)), PaymentPolicy())
    changed = change(client, booking, check_out=house.day(13))
    assert changed["cancellation_policy"] == booking["cancellation_policy"]
    assert fee_of_cancelling(client, changed) == "0.00"


# --- several plans in one booking


@pytest.mark.parametrize("plans", [("bar", "nonref"), ("nonref", "bar")])
def test_each_room_is_cancelled_by_its_own_terms(
    client: httpx.Client, house: SampleHouse, plans: tuple[str, str]
) -> None:
    booking = book(client, house, *plans)
    assert booking["cancellation_policy"]["free_until"] is None, "the whole may not be promised what one room is not"
    free = [one["cancellation_policy"]["free_until"] is not None for one in booking["rooms"]]
    assert free == [plan == "bar" for plan in plans]
    assert schedule(booking) == [(house.day(0), "180.00"), (house.day(10), "200.00")]
    assert fee_of_cancelling(client, booking) == "180.00"


def test_fees_of_several_terms_add_up(client: httpx.Client, house: SampleHouse) -> None:
    assert fee_of_cancelling(client, book(client, house, "bar", "nonref", arrive=1)) == "280.00"


def test_an_amount_that_a_policy_names_is_asked_once_of_rooms_that_share_it(
    client: httpx.Client, house: SampleHouse
) -> None:
    fixed = Share(ShareKind.AMOUNT, Decimal(5000))
    set_terms(house, "bar", CancellationPolicy((CancellationTier(fixed),)), PaymentPolicy())
    assert fee_of_cancelling(client, book(client, house, "bar", "bar")) == "50.00"


def test_one_room_of_two_changes_its_plan(client: httpx.Client, house: SampleHouse) -> None:
    booking = book(client, house, "nonref", "nonref")
    changed = change(client, booking, rooms=[room("bar"), room("nonref")])
    assert fee_of_cancelling(client, changed) == "180.00"


def test_a_booking_from_before_rooms_had_terms_goes_by_its_own(client: httpx.Client, house: SampleHouse) -> None:
    booking = book(client, house, "nonref")
    with tenant(house.organization_id), sql() as cursor:
        cursor.execute("UPDATE reservations_roomstay SET terms = DEFAULT")
    assert client.get(f"/bookings/{booking['booking_id']}").json() == booking
    changed = change(client, booking, check_out=house.day(13))
    assert changed["cancellation_policy"] == booking["cancellation_policy"]
    assert fee_of_cancelling(client, changed) == "270.00"


# --- guests who never came


def test_a_no_show_owes_what_each_rooms_terms_ask(client: httpx.Client, house: SampleHouse) -> None:
    set_terms(house, "bar", CancellationPolicy((), no_show=FIRST_NIGHT), PaymentPolicy())
    booking = book(client, house, "bar", "nonref", arrive=0)
    act(house, booking, BookingAction.MARK_NO_SHOW)
    shown = client.get(f"/bookings/{booking['booking_id']}").json()
    assert shown["status"] == "no_show"
    assert shown["cancellation"] is None
    assert {name: one["amount"] for name, one in shown["no_show"].items()} == {"fee": "280.00", "refund_due": "100.00"}
    assert shown["payment_policy"]["schedule"] == []


def test_a_no_show_that_is_cancelled_later_still_owes_it(client: httpx.Client, house: SampleHouse) -> None:
    set_terms(house, "bar", CancellationPolicy((), no_show=FIRST_NIGHT), PaymentPolicy())
    booking = book(client, house, "bar", arrive=0)
    act(house, booking, BookingAction.MARK_NO_SHOW)
    assert fee_of_cancelling(client, booking) == "100.00"


def stored(house: SampleHouse, booking: dict[str, Any], assignment: str) -> None:
    with tenant(house.organization_id), sql() as cursor:
        cursor.execute(f"UPDATE reservations_booking SET {assignment} WHERE id = %s", (booking["booking_id"],))


def test_a_no_show_that_an_earlier_release_marked_owes_it_too(client: httpx.Client, house: SampleHouse) -> None:
    set_terms(house, "bar", CancellationPolicy((CancellationTier(EVERYTHING),), no_show=FIRST_NIGHT), PaymentPolicy())
    booking = book(client, house, "bar", arrive=0)
    stored(house, booking, "status = 'no_show'")
    assert client.get(f"/bookings/{booking['booking_id']}").json()["no_show"] is None
    assert fee_of_cancelling(client, booking) == "100.00"


def test_what_only_the_channel_knows_a_guest_to_owe_is_not_told_as_nothing(
    client: httpx.Client, house: SampleHouse
) -> None:
    booking = book(client, house, "bar", arrive=0)
    stored(house, booking, "channel = 'booking_com'")
    act(house, booking, BookingAction.MARK_NO_SHOW)
    shown = client.get(f"/bookings/{booking['booking_id']}").json()
    assert (shown["status"], shown["no_show"]) == ("no_show", None)
    stored(house, booking, "status = 'cancelled', cancelled_at = now()")
    shown = client.get(f"/bookings/{booking['booking_id']}").json()
    assert shown["cancellation"]["cancelled_at"]
    assert (shown["cancellation"]["fee"], shown["cancellation"]["refund_due"]) == (None, None)


def test_a_guest_who_comes_after_all_owes_nothing_for_not_coming(client: httpx.Client, house: SampleHouse) -> None:
    booking = book(client, house, "bar", arrive=0)
    act(house, booking, BookingAction.MARK_NO_SHOW)
    act(house, booking, BookingAction.REINSTATE)
    shown = client.get(f"/bookings/{booking['booking_id']}").json()
    assert (shown["status"], shown["no_show"]) == ("confirmed", None)
    with tenant(house.organization_id), sql() as cursor:
        assert cursor.execute("SELECT cancellation_fee_minor FROM reservations_booking").fetchall() == [(None,)]


# --- what is due when


def test_an_offer_and_its_booking_tell_what_is_due_when(client: httpx.Client, house: SampleHouse) -> None:
    steps = (
        PaymentStep(DueAt.BOOKING, Share(ShareKind.PERCENT, Decimal(30))),
        PaymentStep(DueAt.DAYS_BEFORE, FIRST_NIGHT, 7),
    )
    set_terms(house, "bar", CancellationPolicy(), PaymentPolicy(steps))
    stay = {"check_in": house.day(10), "check_out": house.day(12), "adults": 4, "rooms": 2}
    offers = client.get(f"/availability/{house.property.code}", params=stay).json()["offers"]
    offer = next(one for one in offers if (one["room_type_code"], one["rate_plan_code"]) == ("double", "bar"))
    due = [(house.day(0), "120.00"), (house.day(3), "200.00"), (house.day(10), "80.00")]
    assert schedule(offer) == due
    booking = book(client, house, "bar", "bar")
    assert schedule(booking) == due
    assert booking["payment_policy"] == offer["payment_policy"]
    assert "schedule" not in booking["rooms"][0]["payment_policy"]


def test_a_booking_changed_later_keeps_the_day_of_booking_as_due(client: httpx.Client, house: SampleHouse) -> None:
    with tenant(house.organization_id):
        facts = get_house(organization_id=house.organization_id, key=house.property.id)
    booking = book(client, house, "nonref")
    with tenant(house.organization_id), sql() as cursor:
        cursor.execute("UPDATE reservations_booking SET created_at = created_at - interval '3 days'")
    changed = change(client, booking, check_out=house.day(13))
    assert schedule(changed) == [((facts.today(datetime.now(UTC)) - timedelta(days=3)).isoformat(), "270.00")]


# --- what the hotel says of its terms


def test_the_hotel_tells_fixed_taxes_fees_and_child_prices_as_money_and_percents_by_name(
    client: httpx.Client, database: str
) -> None:
    made = sample_house()
    band = ChildBand("small", 0, 5, 1250).to_json()
    summer = FeeRule(
        code="pool", name="Pool", kind=ChargeKind.PERCENT, amount=Decimal("2.50"), season=Season((6, 15), (9, 15))
    )
    with tenant(made.organization_id):
        Property.objects.filter(id=made.property.id).update(
            child_bands=[band], fees=[*made.property.fees, summer.to_json()]
        )
    told = client.get(f"/hotels/{made.property.code}", headers={"X-API-Key": made.secret}).json()
    always = {"min_age": 0, "max_nights": None, "season": None, "long_stay_exempt_from_nights": None}
    euros = {"currency": "EUR"}
    assert told["taxes"] == [
        always
        | {"code": "city", "name": "City tax", "kind": "per_person_per_night", "included": False}
        | {"amount": euros | {"amount": "2.00"}, "applies_to_fees": False},
        always
        | {"code": "vat", "name": "VAT", "kind": "percent", "included": True}
        | {"percent": "6", "applies_to_fees": False},
    ]
    assert told["fees"] == [
        always
        | {"code": "clean", "name": "Cleaning", "kind": "per_stay", "included": False}
        | {"amount": euros | {"amount": "30.00"}},
        always
        | {"code": "pool", "name": "Pool", "kind": "percent", "included": False}
        | {"percent": "2.50", "season": {"from": "06-15", "to": "09-15"}},
    ]
    assert told["child_bands"] == [
        {"name": "small", "min_age": 0, "max_age": 5, "amount": euros | {"amount": "12.50"}, "counts_as_adult": False}
    ]
    schemas.HotelOut.model_validate(told)


def test_policies_tell_amounts_as_money_and_percents_by_name(client: httpx.Client, house: SampleHouse) -> None:
    fixed, half = Share(ShareKind.AMOUNT, Decimal(5000)), Share(ShareKind.PERCENT, Decimal(50))
    tiers = (CancellationTier(fixed), CancellationTier(FIRST_NIGHT, 48), CancellationTier(EVERYTHING, 24))
    steps = (PaymentStep(DueAt.BOOKING, fixed), PaymentStep(DueAt.DAYS_BEFORE, half, 7))
    set_terms(house, "bar", CancellationPolicy(tiers, no_show=fixed), PaymentPolicy(steps))
    fifty = {"kind": "amount", "amount": {"amount": "50.00", "currency": "EUR"}}
    cancelling = {
        "tiers": [
            {"before": None, "unit": "hours", "fee": fifty},
            {"before": 48, "unit": "hours", "fee": {"kind": "nights", "nights": 1}},
            {"before": 24, "unit": "hours", "fee": {"kind": "percent", "percent": "100"}},
        ],
        "no_show": fifty,
    }
    paying = [
        {"due": "booking", "days": 0, "share": fifty},
        {"due": "days_before_arrival", "days": 7, "share": {"kind": "percent", "percent": "50"}},
    ]
    code = house.property.code
    plan = client.get(f"/room-types/{code}").json()["items"][0]["rate_plans"][0]
    stay = {"check_in": house.day(10), "check_out": house.day(12)}
    offers = client.get(f"/availability/{code}", params=stay).json()["offers"]
    booking = book(client, house, "bar")
    offer = next(one for one in offers if one["rate_plan_code"] == "bar")
    for shown in (plan, offer, booking, booking["rooms"][0]):
        assert {**cancelling, "free_until": None} == {"free_until": None, **shown["cancellation_policy"]}
        assert shown["payment_policy"]["steps"] == paying
        rule_schemas.CancellationPolicy.model_validate(shown["cancellation_policy"])
        rule_schemas.PaymentPolicy.model_validate(shown["payment_policy"])


def test_the_description_types_every_rule_of_the_hotel(address: str) -> None:
    kinds = httpx.get(f"{address}/api/openapi.json").json()["components"]["schemas"]
    for name, member in (
        *(("HotelOut", member) for member in ("taxes", "fees", "child_bands")),
        ("CancellationPolicy", "tiers"),
        ("PaymentPolicy", "steps"),
    ):
        items = kinds[name]["properties"][member]["items"]
        named = items.get("oneOf", [items])
        assert all("properties" in kinds[one["$ref"].rpartition("/")[2]] for one in named), (name, member)
    season = kinds["PercentFee"]["properties"]["season"]["anyOf"][0]
    assert set(season["properties"]) == {"from", "to"}
