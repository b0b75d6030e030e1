"""The audit reads a vendor's calendar back, finds and repairs what somebody else changed there, and invents nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from innsync.apps.distribution.audit import audit
from tests.flows.checks import check_all
from tests.flows.stack import Stack
from tests.flows.vendors import VENDORS


def meddle(stack: Stack, world: Any, vendor: str, night: Any) -> None:
    """What a person does in the vendor's own screens."""
    if vendor == "channex":
        room = next(one["room_id"] for one in world.properties()[0]["products"])
        world.state["availability"][room][night.isoformat()] = 7
    elif vendor == "booking_com":
        hotel = next(iter(world.state.hotels.values()))
        next(iter(hotel.rooms.values())).to_sell[night] = 7
    else:
        room = next(iter(next(iter(world.state.hotels.values())).rooms.values()))
        room.nights[night].total = 7


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_audit_finds_what_somebody_changed_at_the_vendor_and_repairs_it(
    stack: Stack, worlds: dict[str, Any], vendor: str
) -> None:
    night = stack.today + timedelta(days=12)
    meddle(stack, worlds[vendor], vendor, night)
    assert stack.sold_at(vendor, 12)["available"] == 7
    found = audit(organization_id=stack.organization_id, connection_id=stack.connections[vendor])
    assert [(cell.day, cell.field, cell.acknowledged, cell.held) for cell in found.drift] == [
        (night, "availability", 2, 7)
    ]
    assert stack.rows("SELECT day, field, acknowledged, held FROM distribution_drift") == [
        (night, "availability", 2, 7)
    ]
    stack.settle()
    check_all(stack)
    again = audit(organization_id=stack.organization_id, connection_id=stack.connections[vendor])
    assert (again.drift, again.against_wanted) == ([], [])


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_audit_of_a_connection_in_step_finds_nothing(stack: Stack, vendor: str) -> None:
    stack.book(10, 2)
    stack.set_rates(
        ("double", "bar", 3, 9, {"price": 15000, "min_stay_arrival": 2, "closed_to_arrival": 1}),
        ("double", "bb", 12, 20, {"stop_sell": 1, "max_stay": 7}),
    )
    stack.settle()
    check_all(stack)
    found = audit(organization_id=stack.organization_id, connection_id=stack.connections[vendor])
    assert found.cells > 0
    assert (found.drift, found.against_wanted) == ([], [])
