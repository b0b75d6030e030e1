"""A save in the portal's grid reaches each channel in as few messages as it allows: one at Channex, as its certification asks
of the product's own screens."""

from __future__ import annotations

import json
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.test import Client

from innsync.apps.accounts.models import Membership, Organization, User
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.rates.history import list_changes
from innsync.apps.rates.selectors import list_rate_rows
from innsync.domain.rate_cells import own_value
from tests.flows.checks import check_all
from tests.flows.stack import Stack
from tests.flows.vendors import VENDORS

NIGHTS = range(3, 24)


@pytest.fixture
def client(stack: Stack) -> Client:
    """A manager's browser."""
    user = User.objects.create_user(email=f"{uuid4().hex[:10]}@people.example", password=uuid4().hex, name="Pat")
    organization = Organization.objects.get(id=stack.organization_id)
    Membership.objects.create(organization=organization, user=user, role="manager", property_ids=[])
    client = Client()
    client.force_login(user)
    return client


def sent(stack: Stack, before: dict[str, int]) -> dict[str, int]:
    return {vendor: len(stack.pushes(vendor, before[vendor])) for vendor in VENDORS}


def test_many_cells_of_two_rates_saved_at_once_are_one_message(stack: Stack, client: Client) -> None:
    before = {vendor: stack.seen(vendor) for vendor in VENDORS}
    slots = {rate: stack.built.products["double", rate].slot for rate in ("bar", "bb")}
    cells: list[dict[str, object]] = [
        {
            "slot": slot,
            "day": str(stack.today + timedelta(days=offset)),
            "field": field,
            "value": value + offset * (field == "price"),
        }
        for slot in slots.values()
        for offset in NIGHTS
        for field, value in (("price", 30_000), ("max_stay", 9))
    ]
    with tenant(stack.organization_id):
        _see(stack, cells)
    path = f"/rates/save?property={stack.built.property.code}"
    answer = client.post(path, json.dumps({"cells": cells}), content_type="application/json")
    assert answer.status_code == 200, answer.content
    stack.settle()
    counts = sent(stack, before)
    assert counts["channex"] == 1
    assert counts["expedia"] == 1
    check_all(stack)

    before = {vendor: stack.seen(vendor) for vendor in VENDORS}
    with tenant(stack.organization_id):
        change = list_changes(property_id=stack.built.property.id)[0]
    assert change.cells == len(cells)
    assert client.post(f"/rates/{change.id}/undo").status_code == 303
    stack.settle()
    assert sent(stack, before)["channex"] == 1
    check_all(stack)


def test_a_closed_room_type_is_one_message_too(stack: Stack, client: Client) -> None:
    before = {vendor: stack.seen(vendor) for vendor in VENDORS}
    sales = [
        {"room_type": "double", "day": str(stack.today + timedelta(days=offset)), "closed": True, "seen": "open"}
        for offset in NIGHTS
    ]
    path = f"/rates/save?property={stack.built.property.code}"
    assert client.post(path, json.dumps({"sales": sales}), content_type="application/json").status_code == 200
    stack.settle()
    assert sent(stack, before) == dict.fromkeys(VENDORS, 1)
    check_all(stack)


def _see(stack: Stack, cells: list[dict[str, object]]) -> None:
    """What the page would have shown: each cell's own value."""
    rows = {
        row.day: row
        for row in list_rate_rows(
            property_id=stack.built.property.id, first=stack.today, last=stack.today + timedelta(days=40)
        )
    }
    for cell in cells:
        row = rows[date.fromisoformat(str(cell["day"]))]
        cell["seen"] = own_value(row, int(str(cell["slot"])), str(cell["field"]))
