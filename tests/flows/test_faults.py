"""What goes wrong on the way to a channel leaves nothing wrong behind once it is over.

Field reports behind these tests: complaints C11, C15.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution.models import Connection
from innsync.integrations.http import Session
from tests.flows.checks import check_all, check_connection
from tests.flows.stack import Stack
from tests.flows.vendors import ADAPTERS, VENDORS


@contextmanager
def silent(stack: Stack, vendor: str, *, gives_up_after_s: float = 3.0, **faults: Any) -> Iterator[None]:
    """A vendor that keeps answers back. Calls to it, and to no other, are given up soon, so that it costs little."""
    send = Session._send

    def soon(self: Session, *args: Any, **more: Any) -> Any:
        patience = {"timeout_s": gives_up_after_s} if self.vendor == vendor else {}
        return send(self, *args, **(more | patience))

    stack.faults(vendor, **faults)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Session, "_send", soon)
        yield
    stack.faults(vendor)


def wanted_now(stack: Stack, offset: int) -> int:
    (rooms,) = stack.rows(
        "SELECT rooms - out_of_order - sold - held FROM inventory_stockday WHERE day = %s",
        stack.today + timedelta(days=offset),
    )[0]
    return int(rooms)


# --- faults on the wire


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"status": 503}, {"down_for_s": 600}, {"rate_limit_per_min": 0}],
    ids=["error", "unavailable", "down", "too many requests"],
)
def test_what_a_failing_vendor_missed_arrives_when_it_is_well_again(
    stack: Stack, vendor: str, fault: dict[str, Any]
) -> None:
    stack.faults(vendor, **fault)
    stack.book(10, 2)
    stack.settle()
    assert stack.sold_at(vendor, 10)["available"] == 2
    assert stack.link(vendor).retry_at is not None
    for healthy in set(VENDORS) - {vendor}:
        assert stack.sold_at(healthy, 10)["available"] == 1, "the others are not held up"
    stack.faults(vendor)
    stack.advance(minutes=11)
    check_all(stack)
    link = stack.link(vendor)
    assert (link.failures, link.retry_at, link.state) == (0, None, "active")


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_failing_vendor_is_not_called_again_before_its_next_try(stack: Stack, vendor: str) -> None:
    stack.faults(vendor, down_for_s=600)
    stack.book(10)
    stack.settle()
    before = stack.seen(vendor)
    stack.book(20)
    stack.settle()
    assert stack.pushes(vendor, before) == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_answer_that_never_came_is_sent_again_and_changes_nothing_twice(stack: Stack, vendor: str) -> None:
    with silent(stack, vendor, timeout_after_apply=True):
        stack.book(10, 2)
        stack.settle()
    assert stack.sold_at(vendor, 10)["available"] == 1, "it was applied, only nobody was told"
    assert stack.rows("SELECT outcome FROM distribution_pushlog WHERE outcome = 'unknown'")
    stack.advance(minutes=2)
    check_all(stack)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_change_back_after_a_lost_answer_still_reaches_the_vendor(stack: Stack, vendor: str) -> None:
    """Wanted is again what was acknowledged before; only that the cells are unknown says that the vendor is wrong."""
    record = stack.book(10, 2)
    with silent(stack, vendor, timeout_after_apply=True):
        stack.settle()
        with tenant(stack.organization_id):
            from innsync.apps.reservations import services as reservations

            # Not tried again before time is let pass, however slow the machine.
            in_a_minute = datetime.now(UTC) + timedelta(minutes=1)
            Connection.objects.filter(id=stack.connections[vendor]).update(retry_at=in_a_minute)
            reservations.cancel(house=stack.house(), booking_id=record.id, now=datetime.now(UTC), actor="test")
        stack.settle()
    assert wanted_now(stack, 10) == 2
    assert stack.sold_at(vendor, 10)["available"] == 1
    stack.advance(minutes=2)
    check_all(stack)
    assert stack.sold_at(vendor, 10)["available"] == 2


@pytest.mark.parametrize("vendor", VENDORS)
def test_half_the_calls_failing_for_a_while_leaves_every_calendar_right(stack: Stack, vendor: str) -> None:
    with silent(stack, vendor, gives_up_after_s=0.5, error_rate=0.4, timeout_after_apply=0.3, seed=7):
        for offset in range(5, 25, 4):
            stack.book(offset, 2)
            stack.guest_books(vendor, offset + 1, 1, force=True)
            stack.pull(vendor)
            stack.advance(minutes=2)
    for _ in range(3):
        stack.pull(vendor)
        stack.advance(minutes=2)
    check_all(stack)
    assert len(stack.bookings()) == 10


def test_retries_wait_longer_and_longer(stack: Stack) -> None:
    stack.faults("channex", status=500)
    stack.book(10)
    waits = []
    for _ in range(6):
        stack.settle()
        link = stack.link("channex")
        assert link.retry_at is not None
        waits.append((link.retry_at - datetime.now(UTC)).total_seconds())
        with tenant(stack.organization_id):
            Connection.objects.filter(id=link.id).update(retry_at=datetime.now(UTC))
        from innsync.apps.distribution import tasks

        tasks.enqueue_due(datetime.now(UTC) + timedelta(minutes=2))
    assert waits[-1] > 4 * waits[0]
    assert max(waits) <= 80


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_wait_that_a_vendor_asks_for_is_kept(stack: Stack, vendor: str) -> None:
    stack.faults(vendor, down_for_s=300)
    stack.book(10)
    stack.settle()
    retry_at = stack.link(vendor).retry_at
    assert retry_at is not None
    assert 240 < (retry_at - datetime.now(UTC)).total_seconds() <= 301


def test_a_failed_full_sync_is_not_forgotten(stack: Stack) -> None:
    stack.faults("channex", status=500)
    with tenant(stack.organization_id), sql() as cursor:
        cursor.execute(
            "UPDATE distribution_acknowledged SET cells = array_fill(NULL::bigint, ARRAY[array_length(cells, 1)])"
        )
    assert not stack.reconcile("channex", full=True).done
    stack.faults("channex")
    stack.advance(minutes=2)
    check_connection(stack, "channex")


# --- killed in the middle


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_worker_killed_between_the_vendors_deed_and_our_note_leaves_nothing_wrong(
    stack: Stack, vendor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Not an Exception: nothing may catch it, as nothing catches a kill."""

    send = ADAPTERS[vendor].send_push

    def dies(self: Any, *args: Any) -> Any:
        send(self, *args)
        raise Killed

    record = stack.book(10, 2)
    from innsync.apps.events import relay

    relay.relay_once()
    with sql() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    with monkeypatch.context() as patched:
        patched.setattr(ADAPTERS[vendor], "send_push", dies)
        with pytest.raises(Killed):
            stack.reconcile(vendor)
    assert stack.sold_at(vendor, 10)["available"] == 1
    with tenant(stack.organization_id):
        from innsync.apps.reservations import services as reservations

        reservations.cancel(house=stack.house(), booking_id=record.id, now=datetime.now(UTC), actor="test")
    for each in VENDORS:
        stack.reconcile(each)
    stack.settle()
    check_all(stack)
