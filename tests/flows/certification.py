"""The house that vendors certify partners with, and what their simulators saw of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from innsync.ops.portfolio import PropertyPlan, RatePlanPlan, RoomTypePlan
from tests.flows.stack import Stack


def certified_house(*, double_rooms: int = 5) -> PropertyPlan:
    """ "Test Property": Twin and Double for two, each at Best Available Rate and with breakfast."""
    return PropertyPlan(
        code=f"certification-{uuid4().hex[:8]}",
        name="Test Property - Innsync",
        time_zone="Europe/London",
        currency="USD",
        room_types=(
            RoomTypePlan("twin", "Twin", tuple(f"T{n}" for n in range(8)), 10000, 2, 0, 2),
            RoomTypePlan("double", "Double", tuple(f"D{n}" for n in range(double_rooms)), 10000, 2, 0, 2),
        ),
        rate_plans=(
            RatePlanPlan("bar", "Best Available Rate"),
            RatePlanPlan("bb", "Bed & Breakfast", markup_minor=2000),
        ),
    )


def vary(stack: Stack, days: int) -> None:
    """Realistic prices and rules: weekends, seasons, and a rule here and there."""
    weekday = stack.today.weekday()
    edits: list[Any] = []
    for step, (room, rate) in enumerate(stack.built.products):
        for week in range(0, days // 7, 4):
            start = 7 * week + (4 - weekday) % 7
            if start + 1 < days:
                price = 12_000 + 2_000 * step + 500 * (week % 9)
                edits.append((room, rate, start, start + 1, {"price": price, "min_stay_arrival": 2 - week % 2}))
    stack.set_rates(*edits)


def day(stack: Stack, offset: int) -> str:
    return (stack.today + timedelta(days=offset)).isoformat()


def eventually(happened: Callable[[], object], within_s: float = 30.0) -> None:
    """Waits for what a vendor does by itself, on its own clock."""
    deadline = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
