"""What Innsync asks of a booking engine, and what the sandbox's engine answers, against the published description."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import yaml
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from openapi_spec_validator import validate

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import audit
from innsync.apps.distribution.access import open_session
from innsync.apps.distribution.selectors import load_linked
from innsync.apps.inbox import pulling
from innsync.apps.reservations import services as reservations
from tests.flows.stack import Stack
from tests.flows.test_booking_engine import ENGINE, come_in, rename, there

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "booking-engine.yaml"
SERVER = "http://engine.example"


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(PAGE.read_text("utf-8"))
    validate(found)
    found["servers"] = [{"url": SERVER}]
    return found


@pytest.fixture(scope="module")
def contract(described: dict[str, Any]) -> OpenAPI:
    return OpenAPI.from_dict(described)


@pytest.fixture
def seen(make_stack: Callable[..., Stack]) -> list[dict[str, Any]]:
    """Everything that the engine was asked while bookings went both ways, one of them changed on both sides."""
    stack = make_stack(vendors=[ENGINE])
    stack.settle()
    stack.guest_books(ENGINE, 20, 2)
    come_in(stack)
    made = stack.book(25, 2)
    stack.settle()
    reference = next(one["reference"] for one in there(stack) if one["innsync_id"])
    stack.change(ENGINE, reference, guest={"name": "Name of the engine"}, notify=False)
    rename(stack, made.id, "Name of the desk")
    stack.settle()
    with tenant(stack.organization_id):
        reservations.cancel(house=stack.house(), booking_id=made.id, now=datetime.now(UTC), actor="desk")
    stack.settle()
    pulling.list_changed(organization_id=stack.organization_id, connection_id=stack.connections[ENGINE])
    audit.audit(organization_id=stack.organization_id, connection_id=stack.connections[ENGINE])
    with tenant(stack.organization_id):
        linked = load_linked(connection_id=stack.connections[ENGINE])
    adapter, session = open_session(linked.account)
    adapter.implementation.register_webhook(session, linked.ref, "https://hub.example/hook", "secret")
    adapter.implementation.check_access(session, linked.ref)
    return stack.requests(ENGINE)


def fits(contract: OpenAPI, one: dict[str, Any]) -> None:
    """Raises OpenAPIError where the call or its answer is not as described."""
    request = MockRequest(
        SERVER,
        one["method"].lower(),
        path_of(one),
        headers={"Authorization": "Bearer key"},
        args=dict(parse_qsl(one["query"])),
        data=one["body"].encode() or None,
        content_type="application/json",
    )
    contract.validate_request(request)
    contract.validate_response(
        request, MockResponse(one["answer"].encode(), one["status"], content_type="application/json")
    )


def path_of(one: dict[str, Any]) -> str:
    return str(one["path"]).partition(f"/{ENGINE}")[2] or str(one["path"])


def operation(described: dict[str, Any], one: dict[str, Any]) -> str:
    for path, operations in described["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), path_of(one)) and one["method"].lower() in operations:
            return str(operations[one["method"].lower()]["operationId"])
    raise AssertionError(f"{one['method']} {path_of(one)} is not described")


def test_every_call_and_answer_is_as_described(
    described: dict[str, Any], contract: OpenAPI, seen: list[dict[str, Any]]
):
    for one in seen:
        fits(contract, one)
    asked = {operation(described, one) for one in seen}
    assert asked == {one["operationId"] for path in described["paths"].values() for one in path.values()}
    assert {one["status"] for one in seen} >= {200, 201, 409}


def test_the_check_can_fail(contract: OpenAPI, seen: list[dict[str, Any]]):
    told = next(one for one in seen if "/bookings/" in one["path"] and one["method"] == "PUT")
    fits(contract, told)
    for spoil in (lambda body: body.pop("version"), lambda body: body.update(surprise=1)):
        body = json.loads(told["body"])
        spoil(body)
        with pytest.raises(Exception, match="body"):
            fits(contract, {**copy.deepcopy(told), "body": json.dumps(body)})
