"""A machine whose clock was wrong for a while: nothing waits for the time that it believed in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution import schedules
from innsync.apps.distribution.models import Connection
from innsync.apps.events import relay
from tests.flows.stack import Stack, small_hotel


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    made = make_stack(plan=small_hotel("wrong-clock"))
    made.settle()
    return made


def due(stack: Stack, kind: str) -> list[float]:
    """In how many seconds each of the connections' or accounts' nets of that kind is due."""
    with sql() as cursor:
        return [
            row[0]
            for row in cursor.execute(
                "SELECT extract(epoch FROM due_at - clock_timestamp())::float8 FROM distribution_schedule"
                " WHERE organization_id = %s AND kind = %s",
                (stack.organization_id, kind),
            )
        ]


def test_what_is_due_is_asked_by_the_clock_of_the_database(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime(2099, 1, 1, tzinfo=UTC)

    monkeypatch.setattr(relay, "datetime", Tomorrow)
    assert abs(relay._now() - datetime.now(UTC)) < timedelta(seconds=10)


@pytest.mark.parametrize("wrong_by", ["1 hour", "1 day"])
def test_nets_that_a_wrong_clock_put_off_run_at_once_and_others_when_they_were_to(stack: Stack, wrong_by: str) -> None:
    nightly = due(stack, "audit")
    with sql() as cursor:
        cursor.execute(
            "UPDATE distribution_schedule SET due_at = due_at + %s::interval WHERE organization_id = %s AND kind = 'bookings'",
            (wrong_by, stack.organization_id),
        )
    schedules.bring_back(datetime.now(UTC))
    assert max(due(stack, "bookings")) <= 0
    assert due(stack, "audit") == pytest.approx(nightly, abs=30)


def test_a_next_try_that_a_wrong_clock_wrote_down_stops_no_push(stack: Stack) -> None:
    with tenant(stack.organization_id):
        Connection.objects.update(retry_at=datetime.now(UTC) + timedelta(days=1), retry_reason="failure")
    stack.book(10)
    stack.settle()
    left = set(stack.availability(10).values())
    assert left == {1}
