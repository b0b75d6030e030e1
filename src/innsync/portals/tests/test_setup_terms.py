"""Taxes, fees and the terms of rate plans: what is typed is what new bookings are asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.properties.models import Property, RoomType
from innsync.apps.rates.models import RatePlan
from innsync.apps.rates.selectors import get_house
from innsync.apps.rates.services import add_rate_plan, sell
from innsync.domain.derivation import Derivation
from innsync.domain.policies import CancellationPolicy, PaymentPolicy
from innsync.portals.tests.counting import count
from innsync.portals.tests.test_setup import told

CITY_TAX = {
    "name": "City tax",
    "kind": "per_person_per_night",
    "amount": "2.50",
    "min_age": "13",
    "max_nights": "2",
    "season_from": "",
    "season_to": "",
    "long_stay_exempt_from_nights": "",
}


def charges(house, **kind):
    with tenant(house.organization.id):
        prop = Property.objects.get(id=house.property.id)
        return prop.taxes if "taxes" in kind else prop.fees


@pytest.fixture
def path(house):
    return f"/properties/{house.property.id}"


def test_a_tax_is_added_changed_and_removed_and_asked_of_new_bookings(enter, house, path):
    client = enter()
    answer = client.post(f"{path}/charges/taxes", CITY_TAX, follow=True)
    assert "City tax is asked of new bookings" in told(answer)
    text = answer.content.decode()
    assert "2.50 EUR for each person and night" in text
    assert "from age 13 · for the first 2 nights" in text
    assert house.book(1, 3).total_minor == 3 * 10_000 + 2 * 2 * 250
    assert 'value="2.50"' in client.get(f"{path}/charges/taxes/city-tax").content.decode()
    client.post(f"{path}/charges/taxes/city-tax", CITY_TAX | {"amount": "3", "max_nights": ""})
    assert house.book(10, 3).total_minor == 3 * 10_000 + 3 * 2 * 300
    assert "Stays that are booked keep" in client.get(f"{path}/charges/taxes/city-tax/remove").content.decode()
    assert "removed" in told(client.post(f"{path}/charges/taxes/city-tax/remove", follow=True))
    assert "removed already" in told(client.post(f"{path}/charges/taxes/city-tax/remove", follow=True))
    assert house.book(20, 3).total_minor == 3 * 10_000


def test_a_fee_that_is_taxed_and_a_tax_in_the_price_are_shown_as_such(enter, house, path):
    client = enter()
    client.post(f"{path}/charges/fees", {"name": "Cleaning", "kind": "per_stay", "amount": "40"})
    vat = {"name": "VAT", "kind": "percent", "amount": "10", "applies_to_fees": "on"}
    client.post(f"{path}/charges/taxes", vat)
    client.post(f"{path}/charges/taxes", vat | {"name": "VAT", "included": "on", "applies_to_fees": ""})
    text = client.get(f"{path}/charges").content.decode()
    assert "in the room price already" in text
    assert "also of fees" in text
    assert [one["code"] for one in charges(house, taxes=1)] == ["vat", "vat-2"]
    assert house.book(1, 1).total_minor == 10_000 + 4_000 + 1_400


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "This field is required"),
        ("amount", "2.5055", "no amount in EUR"),
        ("amount", "-1", "too much or too little"),
        ("kind", "per_cat", "not one of the available choices"),
        ("season_from", "13-01", "must be a month and day"),
        ("season_to", "summer", "at most 5 characters"),
        ("max_nights", "0", "greater than or equal to 1"),
        ("min_age", "121", "less than or equal to 120"),
    ],
)
def test_a_tax_that_cannot_be_is_said_beside_the_field_and_nothing_is_kept(enter, house, path, field, value, words):
    season = {"season_from": "06-01", "season_to": "09-30"}
    answer = enter().post(f"{path}/charges/taxes", CITY_TAX | season | {field: value})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert f'id="c-{field}_error"' in answer.content.decode()
    assert charges(house, taxes=1) == []


@pytest.mark.parametrize("percent", ["101", "-1", "many", "NaN", "12.34567"])
def test_a_percentage_is_from_nothing_to_everything(enter, house, path, percent):
    answer = enter().post(f"{path}/charges/fees", {"name": "Service", "kind": "percent", "amount": percent})
    assert answer.status_code == 422
    assert charges(house, fees=1) == []


def test_the_example_follows_what_is_typed_and_nothing_is_saved(enter, house, path):
    client = enter()
    text = client.get(f"{path}/charge-example/taxes", CITY_TAX).content.decode()
    assert "2 adults" in text
    assert "3 nights" in text
    assert "310.00 EUR" in text
    text = client.get(f"{path}/charge-example/taxes", CITY_TAX | {"amount": ""}).content.decode()
    assert "when what you typed is complete" in text
    assert charges(house, taxes=1) == []


def test_the_example_is_of_a_room_for_two_where_there_is_one(enter, house, path):
    with tenant(house.organization.id):
        RoomType.objects.filter(id=house.types["double"].id).update(max_adults=1, max_occupancy=1, max_children=0)
    assert '<small class="under">Suite</small>' in enter().get(f"{path}/charges").content.decode()
    with tenant(house.organization.id):
        RoomType.objects.update(max_adults=1, max_occupancy=1, max_children=0)
    assert "<b>1 adult, 3 nights" in enter().get(f"{path}/charges").content.decode()


def test_the_tax_that_is_changed_is_counted_once_in_the_example(enter, path):
    client = enter()
    client.post(f"{path}/charges/taxes", CITY_TAX)
    text = client.get(f"{path}/charge-example/taxes", CITY_TAX | {"code": "city-tax", "amount": "5"}).content.decode()
    assert "320.00 EUR" in text


def test_a_charge_whose_form_is_sent_twice_is_added_once(enter, house, path):
    client = enter()
    for _ in range(2):
        client.post(f"{path}/charges/taxes", CITY_TAX | {"once": "twice"})
    assert len(charges(house, taxes=1)) == 1


PLAN = {
    "plan-name": "Flexible",
    "plan-meal_plan": "breakfast",
    "plan-min_advance_days": "",
    "plan-max_advance_days": "",
    "tier0-before": "7",
    "tier0-when": "days",
    "tier0-value": "1",
    "tier0-share": "nights",
    "tier1-before": "48",
    "tier1-when": "hours",
    "tier1-value": "100",
    "tier1-share": "percent",
    "tier2-when": "",
    "tier2-share": "percent",
    "no-show-value": "100",
    "no-show-share": "percent",
    "step0-value": "50.00",
    "step0-share": "amount",
    "step0-due": "booking",
    "step1-due": "",
    "step1-share": "percent",
    "step2-due": "",
    "step2-share": "percent",
}


def plan_of(house) -> RatePlan:
    with tenant(house.organization.id):
        return RatePlan.objects.get(id=house.plan_id)


def test_terms_of_a_plan_are_saved_and_go_with_new_bookings(enter, house, path):
    client = enter()
    old = house.book(1)
    answer = client.post(f"{path}/plans/{house.plan_id}", PLAN, follow=True)
    assert "Flexible is saved" in told(answer)
    plan = plan_of(house)
    assert (plan.name, plan.meal_plan) == ("Flexible", "breakfast")
    policy = CancellationPolicy.from_json(plan.cancellation_policy)
    assert [(tier.before, tier.unit, str(tier.fee.value)) for tier in policy.tiers] == [
        (7, "days", "1"),
        (48, "hours", "100"),
    ]
    assert PaymentPolicy.from_json(plan.payment_policy).steps[0].share.value == 5_000
    new = house.book(20)
    assert new.stays[0].terms["cancellation_policy"] == plan.cancellation_policy
    assert old.stays[0].terms["cancellation_policy"] == {}
    text = answer.content.decode()
    assert 'value="50.00"' in text
    assert 'value="48"' in text


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"plan-name": ""}, "plan-name", "This field is required"),
        ({"tier1-before": "200"}, "tier1-before", "nearer to check-in"),
        ({"tier0-before": ""}, "tier0-before", "how many days before check-in?"),
        ({"tier0-value": "0"}, "tier0-value", "a number of nights"),
        ({"no-show-value": "101"}, "no-show-value", "from 0 to 100"),
        ({"step0-value": "a lot"}, "step0-value", "no amount in EUR"),
        ({"step0-due": "days_before_arrival"}, "step0-days", "how many days before arrival?"),
        (
            {"plan-min_advance_days": "9", "plan-max_advance_days": "3"},
            "plan-max_advance_days",
            "must not be less",
        ),
    ],
)
def test_terms_that_cannot_be_are_said_beside_the_field(enter, house, path, change, field, words):
    answer = enter().post(f"{path}/plans/{house.plan_id}", PLAN | change)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert plan_of(house).name == "Best available rate"


def test_the_example_of_a_plan_tells_prices_cancelling_and_payments(enter, house, path):
    text = enter().get(f"{path}/plans/{house.plan_id}/example", PLAN).content.decode()
    assert "300.00 EUR" in text
    assert "100.00 EUR" in text  # the first night
    assert "50.00 EUR" in text
    assert "250.00 EUR" in text  # the rest, at arrival
    assert plan_of(house).name == "Best available rate"


def test_a_plan_that_follows_another_tells_the_channels_when_it_follows_otherwise(enter, house, path):
    with tenant(house.organization.id):
        plan = add_rate_plan(
            prop=house.property,
            code="saver",
            name="Saver",
            parent=RatePlan.objects.get(id=house.plan_id),
            derivation=Derivation.percent(-10),
        )
        sell(room_type=house.types["double"], rate_plan=plan)
    follow = PLAN | {"follow-change": "-15.5", "follow-unit": "percent", "follow-rounding": "unit"}
    client = enter()
    assert "253.50" not in client.get(f"{path}/plans/{plan.id}/example", follow).content.decode()
    assert "255.00 EUR" in client.get(f"{path}/plans/{plan.id}/example", follow).content.decode()
    house.relay()
    client.post(f"{path}/plans/{plan.id}", follow)
    with tenant(house.organization.id), sql() as cursor:
        plan.refresh_from_db()
        waiting = cursor.execute(
            "SELECT payload ->> 'what' FROM events_outbox WHERE organization_id = %s", (house.organization.id,)
        ).fetchall()
    assert Derivation.from_json(plan.derivation).value == Decimal("-15.5")
    assert waiting == [("rates",)]
    client.post(f"{path}/plans/{plan.id}", follow | {"plan-name": "Saver again"})
    with tenant(house.organization.id), sql() as cursor:
        count_now = cursor.execute(
            "SELECT count(*) FROM events_outbox WHERE organization_id = %s", (house.organization.id,)
        ).fetchone()
        found = get_house(organization_id=house.organization.id, key=house.property.id)
    assert count_now == (1,)
    assert found.today(datetime.now(UTC)) == house.today


def test_another_organizations_terms_are_not_there(enter, house, other, path):
    client = enter()
    theirs = f"/properties/{other.property.id}"
    for address in (
        f"{theirs}/charges",
        f"{theirs}/charges/taxes",
        f"{theirs}/plans/{other.plan_id}",
        f"{path}/plans/{other.plan_id}",
        f"{path}/charges/gifts",
        f"{path}/charges/taxes/none",
    ):
        assert client.get(address).status_code == 404, address


def test_the_pages_ask_the_database_as_often_with_many_rates_as_with_one(enter, house, path):
    client = enter()
    pages = [path, f"{path}/charges", f"{path}/plans/{house.plan_id}", f"{path}/details"]
    before = [count(client, page) for page in pages]
    with tenant(house.organization.id):
        for index in range(5):
            plan = add_rate_plan(prop=house.property, code=f"more-{index}", name=f"More {index}")
            for room_type in house.types.values():
                sell(room_type=room_type, rate_plan=plan)
    assert [count(client, page) for page in pages] == before
