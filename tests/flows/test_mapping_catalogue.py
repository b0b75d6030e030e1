"""The mapping beside the channel's own catalogue: what nobody mapped is said, and so is what differs (C34)."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution import tasks
from innsync.apps.distribution.services import RateLink, RoomLink
from innsync.ops.commands import status
from tests.flows.stack import Stack, small_hotel

VENDORS = ("booking_com", "expedia", "channex")


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    made = make_stack(plan=small_hotel("catalogue", types=("double", "suite")))
    made.settle()
    return made


def findings(stack: Stack, vendor: str) -> list[str]:
    """What is found without anybody asking, a moment after the mapping changed."""
    tasks.enqueue_due(datetime.now(UTC))
    stack.settle()
    return stack.link(vendor).mapping_findings.splitlines()


def mapped(stack: Stack, vendor: str) -> tuple[list[RoomLink], list[RateLink]]:
    with tenant(stack.organization_id):
        link = stack.link(vendor)
        return (
            [RoomLink(one.room_type_id, one.external_room) for one in link.rooms.all()],
            [
                RateLink(one.product_id, one.external_room, one.external_rate, tuple(one.occupancies))
                for one in link.rates.all()
            ],
        )


def remap(stack: Stack, vendor: str, rooms: list[RoomLink], rates: list[RateLink]) -> None:
    with tenant(stack.organization_id):
        distribution.change_mapping(connection=stack.link(vendor), rooms=rooms, rates=rates, now=datetime.now(UTC))


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_is_all_mapped_gives_nothing_to_say(stack: Stack, vendor: str) -> None:
    assert findings(stack, vendor) == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_room_and_a_rate_that_nobody_mapped_are_named(
    stack: Stack, vendor: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rooms, rates = mapped(stack, vendor)
    suite = next(one.external_room for one in rooms if one.room_type_id == stack.built.room_types["suite"].id)
    gone = next(one for one in rates if one.product_id == stack.built.products["double", "bb"].id)
    remap(
        stack,
        vendor,
        [one for one in rooms if one.external_room != suite],
        [one for one in rates if one.external_room != suite and one != gone],
    )
    said = findings(stack, vendor)
    assert [suite in line and "is mapped to no room type" in line for line in said].count(True) == 1
    assert [gone.external_rate in line and "is mapped to no product" in line for line in said].count(True) == 1
    assert len(said) == 2
    capsys.readouterr()
    status.run(argparse.Namespace(json=True))
    shown = {one["channel"]: one["mapping_findings"] for one in json.loads(capsys.readouterr().out)}
    assert shown[vendor] == said
    remap(stack, vendor, rooms, rates)
    assert findings(stack, vendor) == []


def test_prices_for_other_parties_than_the_channel_sells_are_named(stack: Stack) -> None:
    rooms, rates = mapped(stack, "channex")
    remap(stack, "channex", rooms, [replace(rates[0], occupancies=(2,)), *rates[1:]])
    (said,) = findings(stack, "channex")
    assert rates[0].external_rate in said
    assert "has prices for 1, 2 adults there, but 2 are told" in said
