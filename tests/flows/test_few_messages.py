"""A save waits for no channel, and what it changed leaves in few messages, within the vendor's limits.

Field reports behind these tests: complaints C15, C16.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import services as distribution
from innsync.integrations.http import Session
from tests.flows.checks import check_all, check_connection
from tests.flows.stack import Stack, small_hotel
from tests.flows.vendors import VENDORS


def test_saving_a_price_calls_nobody_however_long_a_vendor_hangs(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    for vendor in VENDORS:
        stack.faults(vendor, latency_ms=30_000)

    def called(*args: Any, **more: Any) -> Any:
        raise AssertionError("a service called a vendor")

    with monkeypatch.context() as patched:
        patched.setattr(Session, "_send", called)
        stack.set_rates(("double", "bar", 0, 59, {"price": 12345}))
        stack.book(10, 2)
    for vendor in VENDORS:
        stack.faults(vendor)
    stack.settle()
    check_all(stack)


# --- few messages


def months_and_rules(stack: Stack) -> int:
    """What a year costs at Booking.com: it wants prices month by month, and rules in one message of another kind."""
    days = (stack.today + timedelta(days=offset) for offset in range(365))
    return len({(day.year, day.month) for day in days}) + 1


def test_many_cells_edited_in_one_action_leave_in_the_fewest_messages(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(plan=small_hotel(f"p-{uuid4().hex[:8]}"), days=365)
    stack.settle()
    before = {vendor: stack.seen(vendor) for vendor in VENDORS}
    rules: dict[str, int | None] = {"min_stay_arrival": 2, "max_stay": 14, "closed_to_departure": 0}
    stack.set_rates(
        *(("double", rate, 0, 364, {"price": 20_000 + step, **rules}) for step, rate in enumerate(("bar", "bb")))
    )
    stack.settle()
    sent = {vendor: len(stack.pushes(vendor, before[vendor])) for vendor in VENDORS}
    assert sent == {"booking_com": months_and_rules(stack), "expedia": 1, "channex": 1}
    check_all(stack)


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_cell_of_a_year_edited_apart_leaves_in_the_fewest_messages(
    make_stack: Callable[..., Stack], vendor: str
) -> None:
    """No two neighbouring days alike, so that nothing can be merged: 365 days x 5 fields x 2 rates."""
    stack = make_stack(plan=small_hotel(f"p-{uuid4().hex[:8]}"), days=365, vendors=[vendor])
    stack.settle()
    before = stack.seen(vendor)
    fields: dict[str, int | None] = {"max_stay": 14, "closed_to_arrival": 0}
    stack.set_rates(
        *(
            ("double", rate, day, day, {"price": 20_000 + 10 * day, "min_stay_arrival": 1 + day % 3, **fields})
            for rate in ("bar", "bb")
            for day in range(365)
        )
    )
    stack.settle()
    check_connection(stack, vendor)
    sent = stack.pushes(vendor, before)
    # Expedia takes 100 kB at once: one message more than the whole would fill would be one too many.
    full = math.ceil(sum(one["size"] for one in sent) / 100_000)
    assert len(sent) == {"booking_com": months_and_rules(stack), "expedia": full, "channex": 1}[vendor]
    assert vendor != "expedia" or full == 2


def test_what_did_not_change_costs_no_call(stack: Stack) -> None:
    before = {vendor: stack.seen(vendor) for vendor in VENDORS}
    with tenant(stack.organization_id):
        for vendor in VENDORS:
            distribution.sync(connection=stack.link(vendor), now=datetime.now(UTC), cause="safety net")
    stack.set_rates(("double", "bar", 0, 50, {"price": 10000}))
    stack.settle()
    assert {vendor: stack.pushes(vendor, before[vendor]) for vendor in VENDORS} == {vendor: [] for vendor in VENDORS}


# --- the vendor's limits


def test_a_storm_of_edits_stays_within_channexs_limits_and_a_closing_overtakes(
    make_stack: Callable[..., Stack],
) -> None:
    stack = make_stack(vendors=["channex"], fast=False)
    stack.settle()
    before = stack.seen("channex")
    dice = random.Random(16)
    for _ in range(15):
        offset = dice.randrange(20, 59)
        stack.set_rates(("double", dice.choice(("bar", "bb")), offset, offset, {"price": dice.randrange(9000, 19000)}))
        stack.settle()
    assert stack.link("channex").retry_reason == "limit"
    pushed = stack.pushes("channex", before)
    assert len([one for one in pushed if one["path"].endswith("/restrictions")]) <= 10
    assert {one["status"] for one in pushed} == {200}, "the vendor was never asked too often"

    last = stack.seen("channex")
    stack.book(3)
    stack.book(3)
    stack.set_rates(("double", "bar", 4, 4, {"stop_sell": 1}))
    stack.settle()
    urgent = stack.pushes("channex", last)
    assert [one["path"].rsplit("/", 1)[-1] for one in urgent][:2] == ["availability", "restrictions"]
    assert stack.sold_at("channex", 3)["available"] == 0
    assert stack.sold_at("channex", 4)["closed"]
    assert {one["status"] for one in urgent} == {200}


def test_a_vendors_429_stops_all_calls_until_the_wait_is_over(stack: Stack) -> None:
    stack.faults("channex", rate_limit_per_min=0)
    stack.book(10)
    stack.settle()
    before = stack.seen("channex")
    stack.book(10)
    for _ in range(5):
        stack.reconcile("channex")
    assert stack.pushes("channex", before) == [], "not even a closing calls while the vendor says no"
    stack.faults("channex")
    stack.advance(minutes=2)
    check_all(stack)
