"""Every type of event that is published comes about, and is as the published description says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.utils.timezone import now as right_now
from jsonschema import Draft202012Validator

from innsync.api.docs import api
from innsync.api.event_kinds import SHAPES
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.automation import services as orders
from innsync.apps.distribution import push_records
from innsync.apps.distribution.models import Connection
from innsync.apps.events import stream
from innsync.apps.events.kinds import KINDS, shown
from innsync.apps.properties.services import describe_property
from innsync.apps.reservations import services as reservations
from innsync.apps.setup import services as setup
from innsync.domain.booking_state import BookingAction
from innsync.domain.derivation import Derivation
from innsync.integrations.errors import Transient
from innsync.portals.tests.house import House, make_house


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        orjson.dumps(api.get_openapi_schema(path_prefix="api/"), option=orjson.OPT_NON_STR_KEYS)
    )
    return found


def told(house: House) -> list[dict[str, Any]]:
    """Everything in the house's stream, as programs read it."""
    stream.place(datetime.now(UTC))
    found: list[dict[str, Any]] = []
    after = 0
    while True:
        page = stream.look(
            organization_id=house.organization.id, after=after, types=list(KINDS), property_ids=None, limit=200
        )
        found += [json.loads(orjson.dumps(shown(one), option=orjson.OPT_UTC_Z)) for one in page.events]
        if not page.more:
            return found
        after = page.events[-1].position


def live(house: House) -> None:
    """A day at the house on which all happens that can."""
    now, organization_id = right_now(), house.organization.id
    booking = house.book(0, 1, room="suite", guest="Ada Example")
    reference = house.channel_sells(5, guest="Zoë Müller")
    house.book(20, room="attic")
    house.channel_sells(20, room="double", guest="Zoë Müller")
    house.book(30)
    house.channel_sells(30, guest="Noor Late")
    house.relay()
    house.guest_writes("May we come early?", reference)

    def step(action: BookingAction, which: UUID) -> None:
        reservations.change_state(
            organization_id=organization_id, booking_id=which, action=action, now=now, actor="desk"
        )

    with tenant(organization_id):
        step(BookingAction.CHECK_IN, booking.id)
        step(BookingAction.UNDO_CHECK_IN, booking.id)
        step(BookingAction.CHECK_IN, booking.id)
        step(BookingAction.CHECK_OUT, booking.id)
        step(BookingAction.CANCEL, house.book(40).id)
        colleague = house.person("staff")
        one = orders.order(booking_id=booking.id, what="Flowers", now=now, actor="desk")
        orders.assign(order_id=one.id, due_on=None, assignee_id=colleague.id, now=now)
        orders.finish(order_id=one.id, now=now, actor="desk")
        orders.reopen(order_id=one.id, now=now)
        orders.withdraw(order_id=one.id, now=now, actor="desk")
        link = Connection.objects.get(id=house.connections["expedia"].id)
        push_records.failed(link, Transient("503 try later", vendor="expedia"), retry_at=None)
        push_records.recovered(link, now)
        describe_property(property_id=house.property.id, details={"name": "Harbour"}, address={}, now=now, actor="x")


def test_each_type_comes_about_and_is_as_it_is_published(database: str, document: dict[str, Any]):
    house = make_house()
    live(house)
    events = told(house)
    assert {one["type"] for one in events} == set(KINDS)
    for event in events:
        call = document["webhooks"][event["type"]]["post"]
        schema = call["requestBody"]["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, "components": document["components"]}).validate(event)
        published = set(SHAPES[event["type"]].model_fields)
        assert set(event["data"]) <= published, event


def test_what_is_published_is_what_is_shown():
    """None of the members that are shown is missing, and none is promised that is never shown."""
    for type, kind in KINDS.items():
        optional = {"error"} if type == "sync.recovered" else set()
        assert set(SHAPES[type].model_fields) == set(kind.members) - optional, type


def test_a_schema_that_is_not_kept_to_is_found(document: dict[str, Any]):
    schema = {"$ref": "#/components/schemas/SyncFailedWebhook", "components": document["components"]}
    event = {
        "id": "1",
        "type": "sync.failed",
        "property_id": None,
        "occurred_at": "2026-11-21T19:42:21Z",
        "data": {"connection_id": "1", "channel": "expedia", "what": "calendar", "error": ""},
    }
    check = Draft202012Validator(schema)
    assert check.is_valid(event)
    assert not check.is_valid({**event, "type": "sync.recovered"})
    assert not check.is_valid({**event, "data": {**event["data"], "what": "everything"}})


def test_what_is_set_up_is_told_as_changed_content(database: str):
    house, now = make_house(), right_now()
    before = len(told(house))
    with tenant(house.organization.id):
        made = setup.make_property(
            organization_id=house.organization.id,
            new=setup.NewProperty("Annex", "UTC", "EUR", "Best rate"),
            now=now,
            actor="boss",
        )
        one = setup.add_room_type(prop=made, new=setup.NewRoomType("Loft", ["1"], 2, 0, 2, 9000), now=now, actor="boss")
        setup.add_more_rooms(room_type=one, names=["2", "3"], now=now, actor="boss")
        parent = made.rate_plans.get()
        setup.add_rate_plan(
            prop=made, name="Saver", parent=parent, derivation=Derivation.percent(Decimal(-10)), now=now, actor="boss"
        )
    found = [one for one in told(house)[before:] if one["type"] == "content.changed"]
    assert [one["data"]["what"] for one in found] == ["rate_plans", "property", "room_types", "rooms", "rate_plans"]
    assert {one["property_id"] for one in found} == {str(made.id)}
