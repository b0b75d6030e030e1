"""Requests and answers against an OpenAPI description of Channex's API that a third party derived from its pages.

It is not Channex's own and knows paths, methods and wrappers better than fields; where it is wrong it is mended here,
each with its reason.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
import yaml
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from innsync.channels.channex.adapter import ADAPTER
from innsync.integrations.ports import AckItem

from .conftest import NOV_21

pytestmark = pytest.mark.vendor_data

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
CONTRACT = "vendors/contracts/channex/channex-v1-derived.openapi.yml"


@pytest.fixture(scope="module")
def contract() -> OpenAPI:
    root = Path(__file__).resolve().parents[5]
    path = Path(os.environ.get("INNSYNC_VENDOR_DATA", root.parent / "shared")) / CONTRACT
    if not path.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"vendor data is missing: {path}", pytrace=False)
        pytest.skip(f"vendor data is missing: {path}")
    description = yaml.safe_load(path.read_text("utf-8"))
    mend(description)
    return OpenAPI.from_dict(description)


def mend(description):
    description["servers"] = [{"url": "http://simulator/api/v1"}]
    schemas = description["components"]["schemas"]
    # One schema serves writing and reading there; in answers the ids of the parents are relationships.
    for name in ("RoomTypeAttributes", "RatePlanAttributes"):
        del schemas[name]["required"]
    # Whole numbers go in, decimal strings come out.
    schemas["RatePlanAttributes"]["properties"]["options"]["items"]["properties"]["rate"] = {}
    # It knows no null, which Channex's own examples have in most fields that may be left out.
    for name, schema in schemas.items():
        if name.endswith("Attributes"):
            for field in schema["properties"].values():
                field["nullable"] = True


def test_every_request_and_answer_of_the_adapter_fits_the_contract(
    contract, live, session, prop, targets, world, stay, recorder
):
    live.edit(targets["twin"], NOV_21, NOV_21 + timedelta(days=3), availability=2)
    live.edit(
        targets["twin bar"], NOV_21, price_2=4200, min_stay_arrival=2, max_stay=9, closed_to_departure=1, stop_sell=1
    )
    live.sync()
    layouts = {target: calendar.layout for target, calendar in live.wanted.items()}
    ADAPTER.read_back(session, prop, layouts, NOV_21, NOV_21)
    ADAPTER.list_rooms(session, prop)
    ADAPTER.check_access(session, prop)
    for _ in range(2):
        ADAPTER.register_webhook(session, prop, "http://127.0.0.1:9/hook", "secret")
    world.book(stay(), force=True, notify=True)
    (message,) = ADAPTER.pull_bookings(session).messages
    now = datetime(2026, 10, 20, tzinfo=UTC)
    item = AckItem(message.message_id, "", "", "", message.acknowledge, now)
    ADAPTER.acknowledge(session, [item])
    ADAPTER.list_bookings(session, prop, now)

    paths = {(seen.method, fits(contract, seen)) for seen in recorder.seen}
    assert paths == {
        ("POST", "/availability"),
        ("POST", "/restrictions"),
        ("GET", "/availability"),
        ("GET", "/restrictions"),
        ("GET", "/room_types"),
        ("GET", "/rate_plans"),
        ("GET", "/properties/{id}"),
        ("GET", "/webhooks"),
        ("POST", "/webhooks"),
        ("PUT", "/webhooks/{id}"),
        ("GET", "/booking_revisions/feed"),
        ("GET", "/booking_revisions"),
        ("POST", "/booking_revisions/{id}/ack"),
    }


def fits(contract, seen):
    """The path of a request with its id taken out, once it and its answer were found right."""
    args = dict(parse_qsl(seen.query))
    request = MockRequest(
        "http://simulator",
        seen.method.lower(),
        seen.path,
        headers=seen.headers,
        args=args,
        data=seen.body or None,
        content_type="application/json",
    )
    contract.validate_request(request)
    contract.validate_response(request, MockResponse(seen.answer, seen.status, content_type="application/json"))
    path = seen.path.removeprefix("/api/v1")
    return re.sub(UUID, "{id}", path)


def test_the_check_can_fail(contract, live, recorder, targets):
    live.edit(targets["twin"], NOV_21, availability=2)
    live.sync()
    (seen,) = recorder.writes()
    assert fits(contract, seen) == "/availability"
    seen.body = seen.body.replace(b'"availability":2', b'"availability":"2"')
    with pytest.raises(Exception, match="body"):
        fits(contract, seen)


def test_what_others_may_read_at_the_simulator_fits_too(contract, live, session, world, stay, recorder):
    """The list of bookings is for people after an outage; the adapter leaves it alone."""
    world.book(stay(), force=True, notify=True)
    headers = {"user-api-key": "channex-sandbox-key"}
    base = session.base_urls["api"] + "/api/v1"
    (booking,) = session.client.get(f"{base}/bookings", headers=headers).json()["data"]
    session.client.get(f"{base}/bookings/{booking['id']}", headers=headers)
    session.client.get(f"{base}/properties", headers=headers)
    found = [fits(contract, seen) for seen in recorder.seen]
    assert found == ["/bookings", "/bookings/{id}", "/properties"]
