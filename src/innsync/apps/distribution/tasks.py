"""Jobs about connections. Each may be run at any time and repeated."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from procrastinate import RetryStrategy, exceptions
from procrastinate.contrib.django import app

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution import audit, catalogue, housekeeping, reconcile, schedules, services
from innsync.apps.events.services import What
from innsync.apps.reservations.tasks import assign_rooms

# Higher goes first: a sale must close elsewhere before anything else is done.
URGENT, NORMAL, LATER = 10, 0, -10
# For faults of our own, such as a lost database; what a vendor does wrong is handled inside.
AGAIN = RetryStrategy(max_attempts=20, exponential_wait=2)


def enqueue(task: Any, *, lock: str, priority: int = NORMAL, **arguments: Any) -> None:
    """Queue a job unless an equal one waits already. Works inside a transaction."""
    try:
        with transaction.atomic():
            task.configure(lock=lock, queueing_lock=f"{task.name}:{lock}", priority=priority).defer(**arguments)
    except exceptions.AlreadyEnqueued:
        pass


def enqueue_reconcile(organization_id: UUID, connection_ids: Collection[UUID]) -> None:
    for connection_id in sorted(connection_ids, key=lambda one: one.int):
        enqueue(
            reconcile_connection,
            lock=f"connection:{connection_id}",
            priority=URGENT,
            organization_id=str(organization_id),
            connection_id=str(connection_id),
        )


@app.task(name="reconcile_connection", retry=AGAIN)
def reconcile_connection(organization_id: str, connection_id: str, full: bool = False) -> None:
    try:
        reconcile.reconcile(organization_id=UUID(organization_id), connection_id=UUID(connection_id), full=full)
    finally:
        connection.close()


@app.task(name="audit_connection", retry=AGAIN)
def audit_connection(organization_id: str, connection_id: str) -> None:
    try:
        audit.audit(organization_id=UUID(organization_id), connection_id=UUID(connection_id))
        catalogue.check_mapping(organization_id=UUID(organization_id), connection_id=UUID(connection_id))
    finally:
        connection.close()


@app.task(name="check_mapping", retry=AGAIN)
def check_mapping(organization_id: str, connection_id: str) -> None:
    try:
        catalogue.check_mapping(organization_id=UUID(organization_id), connection_id=UUID(connection_id))
    finally:
        connection.close()


@app.task(name="roll_connection", retry=AGAIN)
def roll_connection(organization_id: str, connection_id: str) -> None:
    """The safety net: new nights at the horizon, rooms left compared, and whatever is marked and was not taken up yet."""
    now = datetime.now(UTC)
    try:
        services.roll(organization_id=UUID(organization_id), connection_id=UUID(connection_id), now=now)
        _compare(UUID(organization_id), UUID(connection_id), "stock", now)
    finally:
        connection.close()


@app.task(name="recheck_rates", retry=AGAIN)
def recheck_rates(organization_id: str, connection_id: str) -> None:
    try:
        _compare(UUID(organization_id), UUID(connection_id), "rates", datetime.now(UTC))
    finally:
        connection.close()


def _compare(organization_id: UUID, connection_id: UUID, what: What, now: datetime) -> None:
    services.recheck(organization_id=organization_id, connection_id=connection_id, what=what, now=now)
    reconcile.reconcile(organization_id=organization_id, connection_id=connection_id)


@app.periodic(cron="23 2 * * *")
@app.task(name="keep_house", queueing_lock="keep_house")
def keep_house(timestamp: int) -> None:
    try:
        housekeeping.keep_house(datetime.fromtimestamp(timestamp, UTC))
    finally:
        connection.close()


_DUE = """
UPDATE distribution_schedule s SET due_at = CASE WHEN s.every_s > 0
  THEN greatest(s.due_at + make_interval(secs => s.every_s), %(now)s + make_interval(secs => s.every_s * 0.5))
  ELSE 'infinity' END
FROM (SELECT id FROM distribution_schedule WHERE due_at <= %(now)s ORDER BY due_at LIMIT 500 FOR UPDATE SKIP LOCKED) d
WHERE s.id = d.id
RETURNING s.organization_id, s.subject_id, s.kind, s.every_s
"""


def enqueue_due(now: datetime) -> None:
    """Queue what the schedules say is due, and set when each is due again."""
    with transaction.atomic():
        with sql() as cursor:
            due = cursor.execute(_DUE, {"now": now}).fetchall()
        for organization_id, subject_id, kind, every_s in due:
            net = schedules.NETS.get(kind)
            if net is not None and net.nightly and every_s == schedules.DAY_S:
                schedules.keep_to_night(organization_id=organization_id, connection_id=subject_id, kind=kind, now=now)
            _kinds[kind](organization_id, subject_id)


def enqueue_assignment(organization_id: UUID, property_id: UUID, first: date, last: date) -> None:
    """Let the stays of these nights get their rooms, when nothing more urgent is to be done."""
    enqueue(
        assign_rooms,
        lock=f"rooms:{property_id}",
        priority=LATER,
        organization_id=str(organization_id),
        property_id=str(property_id),
        first=first.isoformat(),
        last=last.isoformat(),
    )


_kinds: dict[str, Callable[[UUID, UUID], None]] = {}


def when_due(kind: str) -> Callable[[Callable[[UUID, UUID], None]], Callable[[UUID, UUID], None]]:
    """Register what a kind of schedule queues when it is due: a function of (organization, subject)."""

    def register(work: Callable[[UUID, UUID], None]) -> Callable[[UUID, UUID], None]:
        _kinds[kind] = work
        return work

    return register


@when_due("retry")
def _retry(organization_id: UUID, connection_id: UUID) -> None:
    enqueue_reconcile(organization_id, [connection_id])


@when_due("inventory")
def _roll(organization_id: UUID, connection_id: UUID) -> None:
    enqueue(
        roll_connection,
        lock=f"connection:{connection_id}",
        organization_id=str(organization_id),
        connection_id=str(connection_id),
    )


@when_due("rates")
def _recheck_rates(organization_id: UUID, connection_id: UUID) -> None:
    enqueue(
        recheck_rates,
        lock=f"connection:{connection_id}",
        priority=LATER,
        organization_id=str(organization_id),
        connection_id=str(connection_id),
    )


@when_due("midnight")
def _midnight(organization_id: UUID, connection_id: UUID) -> None:
    _roll(organization_id, connection_id)


@when_due("catalogue")
def _check_mapping(organization_id: UUID, connection_id: UUID) -> None:
    enqueue(
        check_mapping,
        lock=f"connection:{connection_id}",
        priority=LATER,
        organization_id=str(organization_id),
        connection_id=str(connection_id),
    )


@when_due("audit")
def enqueue_audit(organization_id: UUID, connection_id: UUID) -> None:
    """Let the channel be read back, when nothing more urgent is to be done."""
    enqueue(
        audit_connection,
        lock=f"connection:{connection_id}",
        priority=LATER,
        organization_id=str(organization_id),
        connection_id=str(connection_id),
    )
