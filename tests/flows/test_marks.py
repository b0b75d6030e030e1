"""What waits for a channel is kept night by night: since when, and no more than there are nights."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import marks
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution.models import Connection
from tests.flows.checks import check_all
from tests.flows.stack import Stack

Night = tuple[UUID | None, str, bool, date]


def waiting(stack: Stack, vendor: str) -> list[marks.Mark]:
    with tenant(stack.organization_id):
        return marks.read(stack.connections[vendor])


def nights(found: list[marks.Mark], today: date) -> dict[Night, datetime]:
    """Since when each night waits, from today on."""
    oldest: dict[Night, datetime] = {}
    for mark in found:
        for offset in range((mark.last - mark.first).days + 1):
            night = (mark.room_type_id, mark.what, mark.forget, mark.first + timedelta(days=offset))
            if night[3] >= today:
                oldest[night] = min(mark.since, oldest.get(night, mark.since))
    return oldest


def pause(stack: Stack) -> None:
    with tenant(stack.organization_id):
        distribution.pause(connection=stack.link("channex"))


def lose_the_exchange_rate(stack: Stack) -> None:
    with tenant(stack.organization_id):
        Connection.objects.filter(id=stack.connections["channex"]).update(currency="GBP", exchange_rate=None)


@pytest.mark.parametrize("stop", [pause, lose_the_exchange_rate])
def test_changes_of_the_same_nights_do_not_pile_up_at_a_channel_that_waits(
    stack: Stack, stop: Callable[[Stack], None]
) -> None:
    stop(stack)
    stack.set_rates(("double", "bar", 10, 14, {"price": 20_000}))
    stack.settle()
    first = waiting(stack, "channex")
    for step in range(12):
        stack.set_rates(("double", "bar", 10, 14, {"price": 20_001 + step}))
        stack.settle()
    assert nights(waiting(stack, "channex"), stack.today) == nights(first, stack.today)
    assert len(waiting(stack, "channex")) == len(first)


def test_a_channel_that_was_paused_over_many_changes_is_in_step_once_resumed(stack: Stack) -> None:
    pause(stack)
    for step in range(6):
        stack.set_rates(("double", "bar", 5 + step, 30, {"price": 20_000 + step}))
        stack.settle()
    stack.book(10, 2)
    stack.settle()
    with tenant(stack.organization_id):
        distribution.resume(connection=stack.link("channex"), now=datetime.now(UTC))
    stack.advance(seconds=1)
    check_all(stack)
    assert waiting(stack, "channex") == []


@pytest.mark.parametrize("seed", range(5))
def test_said_in_fewer_rows_every_night_waits_as_long_as_before(stack: Stack, seed: int) -> None:
    chance = random.Random(seed)
    began = datetime(2030, 1, 1, tzinfo=UTC)
    types: list[Any] = [None, *(one.id for one in stack.built.room_types.values())]
    for step in range(60):
        first = stack.today + timedelta(days=chance.randrange(-5, 20))
        marks.add(
            organization_id=stack.organization_id,
            connection_id=stack.connections["channex"],
            spans=[(chance.choice(types), first, first + timedelta(days=chance.randrange(6)))],
            since=began + timedelta(seconds=chance.randrange(4)),
            cause="test",
            what=chance.choice(["all", "stock", "rates"]),
            forget=chance.random() < 0.3,
        )
        if step % 20 == 19:
            before = waiting(stack, "channex")
            marks.compact(
                organization_id=stack.organization_id, connection_id=stack.connections["channex"], today=stack.today
            )
            after = waiting(stack, "channex")
            assert nights(after, stack.today) == nights(before, stack.today)
            assert len(after) <= len(before)
    assert len(after) <= len(nights(after, stack.today))
    assert all(mark.last >= stack.today for mark in after)
