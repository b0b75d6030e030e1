"""A person connects a property through the screens: try the access, map, look it over, go; then the channel is in step."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from innsync.apps.accounts.models import Membership
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.models import Account, Connection, RateMapping
from innsync.apps.distribution.reconcile import reconcile
from innsync.ops.portfolio import build
from innsync.portals.tests.conftest import seen_through  # noqa: F401  # answers tell what their pages were given
from tests.flows.screens import person_of, said
from tests.flows.stack import Stack, small_hotel
from tests.flows.vendors import VENDORS


@pytest.fixture
def hotel(make_stack) -> Stack:
    """A hotel that is on one channel, to be connected to the others."""
    return make_stack(vendors=["channex"])


@pytest.fixture
def person(hotel) -> Client:
    return person_of(hotel)


def access(hotel: Stack, vendor: str, listed: Any, **other: str) -> dict[str, str]:
    """The first form as it is filled in. other: fields that are filled in otherwise."""
    from innsync.integrations.manifest import manifests

    return {
        "property": hotel.built.property.code,
        "external_id": listed["id"],
        "name": "Main",
        **{f"address-{name}": f"{hotel.sandbox.url}/{vendor}" for name in manifests()[vendor].base_urls},
        **{f"secret-{name}": value for name, value in listed["accounts"][0].items()},
        **other,
    }


def mapping_of(answer: Any) -> dict[str, str]:
    """The second form as it stands, with what is suggested."""
    fields = {}
    for row in answer.context["rows"]:
        fields[f"room-{row.key}"] = next((one.value for one in row.options if one.chosen), "")
        for rate in (one for one in row.rates if not one.rate.read_only):
            fields[f"rate-{rate.key}"] = next((one.value for one in rate.options if one.chosen), "")
    return fields


def go(person: Client, vendor: str, page: Any) -> Any:
    """Confirm what the page shows."""
    return person.post(f"/connect/{vendor}/check", {"fingerprint": page.context["draft"].fingerprint}, follow=True)


def kept(hotel: Stack) -> tuple[int, int]:
    """How many accounts and connections there are."""
    with tenant(hotel.organization_id):
        return Account.objects.count(), Connection.objects.count()


@pytest.mark.parametrize("vendor", [one for one in VENDORS if one != "channex"])
def test_from_the_access_to_a_channel_in_step(hotel, person, vendor):
    listed = hotel.sandbox.add_property(vendor, hotel.built, {})
    hotel.sandbox.go_fast(vendor)
    before = kept(hotel)
    page = person.get(f"/connect?property={hotel.built.property.code}")
    assert vendor in {one["manifest"].key for one in page.context["channels"]}
    page = person.post(f"/connect/{vendor}", access(hotel, vendor, listed), follow=True)
    assert page.redirect_chain[-1][0] == f"/connect/{vendor}/map"
    fields = mapping_of(page)
    assert all(fields.values()), "the rooms and rates of the same names are suggested for one another"
    page = person.post(f"/connect/{vendor}/map", fields, follow=True)
    assert page.redirect_chain[-1][0] == f"/connect/{vendor}/check"
    plan = page.context["plan"]
    assert plan.messages > 0
    assert plan.cells > 60
    assert listed["rooms"]["double"]["id"] in plan.sample
    assert kept(hotel) == before, "nothing is kept before it is said"
    page = go(person, vendor, page)
    assert "Everything is being sent for the first time." in said(page)
    assert kept(hotel) == (before[0] + 1, before[1] + 1)
    with tenant(hotel.organization_id):
        link = Connection.objects.get(vendor=vendor)
    assert page.redirect_chain[-1][0] == f"/connections/{link.id}"
    hotel.settle()
    assert reconcile(organization_id=hotel.organization_id, connection_id=link.id, full=True, dry_run=True).plan == []


def test_another_currency_is_looked_over_with_what_a_hundred_comes_to(hotel, person):
    listed = hotel.sandbox.add_property("expedia", hotel.built, {})
    fields = access(hotel, "expedia", listed, currency="KRW", exchange_rate="1.450,5")
    page = person.post("/connect/expedia", fields, follow=True)
    page = person.post("/connect/expedia/map", mapping_of(page), follow=True)
    assert "<b>100.00 EUR = 145,050 KRW</b>" in page.content.decode()


def test_refused_credentials_are_told_and_keep_nothing(hotel, person):
    listed = hotel.sandbox.add_property("booking_com", hotel.built, {})
    before = kept(hotel)
    wrong = access(hotel, "booking_com", listed, **{"secret-client_secret": "wrong-secret-of-mine"})
    page = person.post("/connect/booking_com", wrong, follow=True)
    assert "refuses these credentials" in said(page)
    text = page.content.decode()
    assert listed["id"] in text, "what is no secret need not be typed again"
    assert "wrong-secret-of-mine" not in text
    assert kept(hotel) == before


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("external_id", "", "must be given"),
        ("secret-client_secret", "", "must not be empty"),
        ("currency", "EU1", "must be a currency"),
        ("currency", "JPY", "must say how much JPY one EUR is"),
        ("exchange_rate", "much", "must be a number"),
        ("exchange_rate", "1,450", "could mean 1450 or 1.45: write it as one of these"),
        ("exchange_rate", "1000000000000000", "no such number"),
        ("exchange_rate", "1e15", "must be a number"),
        ("exchange_rate", "-1", "no such number"),
    ],
)
def test_what_is_missing_or_cannot_be_is_named(hotel, person, field, value, words):
    listed = hotel.sandbox.add_property("booking_com", hotel.built, {})
    before = kept(hotel)
    currency = {"currency": "USD"} if field == "exchange_rate" else {}
    page = person.post(
        "/connect/booking_com", access(hotel, "booking_com", listed, **currency, **{field: value}), follow=True
    )
    assert words in said(page)
    assert kept(hotel) == before


def test_a_mapping_that_cannot_be_is_named_and_stays_as_it_was_said(hotel, person):
    listed = hotel.sandbox.add_property("expedia", hotel.built, {})
    page = person.post("/connect/expedia", access(hotel, "expedia", listed), follow=True)
    fields = mapping_of(page) | {"buffer-0": "many"}
    page = person.post("/connect/expedia/map", fields, follow=True)
    assert "must be a whole number" in said(page)
    assert 'value="many"' in page.content.decode()
    page = person.post("/connect/expedia/map", {}, follow=True)
    assert "Nothing is mapped yet" in said(page)
    one, twice = (key for key in fields if key.startswith("rate-"))
    page = person.post(
        "/connect/expedia/map", {"room-0": fields["room-0"], one: fields[one], twice: fields[one]}, follow=True
    )
    assert "Twice the same" in page.content.decode()
    before = kept(hotel)
    person.post("/connect/expedia/check")
    assert kept(hotel) == before


def test_limits_and_markups_are_taken_over(hotel, person):
    listed = hotel.sandbox.add_property("expedia", hotel.built, {})
    hotel.sandbox.go_fast("expedia")
    page = person.post("/connect/expedia", access(hotel, "expedia", listed), follow=True)
    fields = mapping_of(page) | {"allotment-0": "1", "buffer-0": "1", "markup-0-0": "12.5"}
    go(person, "expedia", person.post("/connect/expedia/map", fields, follow=True))
    with tenant(hotel.organization_id):
        link = Connection.objects.get(vendor="expedia")
        room = link.rooms.get()
        assert (room.allotment, room.buffer) == (1, 1)
        assert {str(one.markup_percent) for one in RateMapping.objects.filter(connection=link)} == {"12.500", "0.000"}


def test_the_same_property_there_is_not_connected_twice(hotel, person):
    with tenant(hotel.organization_id):
        known = Connection.objects.get(vendor="channex")
        account = Account.objects.get(vendor="channex")
    page = person.post(
        "/connect/channex",
        {"property": hotel.built.property.code, "external_id": known.external_id, "account": str(account.id)},
        follow=True,
    )
    assert "is connected already" in said(page)


def test_another_property_goes_through_the_access_that_is_kept(hotel, person):
    with tenant(hotel.organization_id):
        account = Account.objects.get(vendor="channex")
        another = build(
            organization_id=hotel.organization_id,
            plan=small_hotel(f"another-{uuid4().hex[:8]}"),
            first=hotel.today,
            last=hotel.today + timedelta(days=60),
            now=datetime.now(UTC),
        )
    listed = hotel.sandbox.add_property("channex", another, {})
    page = person.post(
        "/connect/channex",
        {"property": another.property.code, "external_id": listed["id"], "account": str(account.id)},
        follow=True,
    )
    assert page.redirect_chain[-1][0] == "/connect/channex/map"
    go(person, "channex", person.post("/connect/channex/map", mapping_of(page), follow=True))
    assert kept(hotel) == (1, 2)


def test_it_is_connected_once_however_often_it_is_pressed_and_only_as_it_was_looked_at(hotel, person):
    listed = hotel.sandbox.add_property("expedia", hotel.built, {})
    page = person.post("/connect/expedia", access(hotel, "expedia", listed), follow=True)
    fields = mapping_of(page)
    shown = person.post("/connect/expedia/map", fields, follow=True)
    person.post("/connect/expedia/map", fields | {"buffer-0": "1"})  # in another window
    before = kept(hotel)
    assert "changed meanwhile" in said(go(person, "expedia", shown))
    assert kept(hotel) == before
    shown = person.get("/connect/expedia/check")
    session = dict(person.session)
    go(person, "expedia", shown)
    again = person.session
    again.update(session)  # as a second request sees it that came in beside the first
    again.save()
    assert "is connected already" in said(go(person, "expedia", shown))
    assert kept(hotel) == (before[0] + 1, before[1] + 1)


def test_a_link_cannot_say_where_the_credentials_go(hotel, person, settings_sandbox_off):
    text = person.get("/connect/expedia?address-eqc=https://evil.example").content.decode()
    assert "evil.example" not in text
    listed = hotel.sandbox.add_property("expedia", hotel.built, {})
    page = person.post("/connect/expedia", access(hotel, "expedia", listed), follow=True)
    assert hotel.sandbox.url not in str(person.session.get("connecting"))
    assert "Nothing was kept" in said(page)


@pytest.fixture
def settings_sandbox_off(monkeypatch):
    """As in an installation that serves real hotels; no call leaves for a channel's real address all the same."""
    from innsync.integrations.errors import Transient
    from innsync.portals.admin import connecting

    def unreachable(*, account: Account, **_: Any) -> list[Any]:
        assert account.base_urls == {}
        raise Transient("not from a test")

    monkeypatch.setattr(connecting.settings, "SANDBOX", False)
    monkeypatch.setattr(connecting, "list_channel_rooms", unreachable)


def test_who_sees_one_property_does_not_reach_others_through_their_access(hotel, person):
    with tenant(hotel.organization_id):
        account = Account.objects.get(vendor="channex")
        another = build(
            organization_id=hotel.organization_id,
            plan=small_hotel(f"another-{uuid4().hex[:8]}"),
            first=hotel.today,
            last=hotel.today + timedelta(days=60),
            now=datetime.now(UTC),
        )
        Membership.objects.update(property_ids=[another.property.id])
    page = person.get(f"/connect/channex?property={another.property.code}")
    assert page.context["accounts"] == []
    said_so = {"property": another.property.code, "external_id": "x", "account": str(account.id)}
    assert person.post("/connect/channex", said_so).status_code == 404
    assert person.post("/connect/channex", said_so | {"account": "abc"}).status_code == 404
