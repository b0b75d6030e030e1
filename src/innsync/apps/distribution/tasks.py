"""Jobs about connections. Each may be run at any time and repeated."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, date, datetime
from uuid import UUID

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.tasks import Task

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution import audit, booking_sync, catalogue, housekeeping, reconcile, schedules, services
from innsync.apps.events.jobs import AGAIN, LATER, NORMAL, URGENT, enqueue, enqueue_each, job
from innsync.apps.events.services import What
from innsync.apps.reservations.tasks import assign_rooms


def enqueue_reconcile(organization_id: UUID, connection_ids: Collection[UUID]) -> None:
    enqueue_each(
        reconcile_connection,
        [
            (f"connection:{one}", {"organization_id": organization_id, "connection_id": one})
            for one in sorted(connection_ids, key=lambda one: one.int)
        ],
        priority=URGENT,
    )


@job("reconcile_connection", retry=AGAIN)
def reconcile_connection(organization_id: UUID, connection_id: UUID, full: bool = False) -> None:
    reconcile.reconcile(organization_id=organization_id, connection_id=connection_id, full=full)


@job("audit_connection", retry=AGAIN)
def audit_connection(organization_id: UUID, connection_id: UUID) -> None:
    audit.audit(organization_id=organization_id, connection_id=connection_id)
    catalogue.check_mapping(organization_id=organization_id, connection_id=connection_id)


@job("check_mapping", retry=AGAIN)
def check_mapping(organization_id: UUID, connection_id: UUID) -> None:
    catalogue.check_mapping(organization_id=organization_id, connection_id=connection_id)


@job("roll_connection", retry=AGAIN)
def roll_connection(organization_id: UUID, connection_id: UUID) -> None:
    """The safety net: new nights at the horizon, rooms left compared, and whatever is marked and was not taken up yet."""
    now = datetime.now(UTC)
    services.roll(organization_id=organization_id, connection_id=connection_id, now=now)
    _compare(organization_id, connection_id, "stock", now)


@job("recheck_rates", retry=AGAIN)
def recheck_rates(organization_id: UUID, connection_id: UUID) -> None:
    _compare(organization_id, connection_id, "rates", datetime.now(UTC))


def _compare(organization_id: UUID, connection_id: UUID, what: What, now: datetime) -> None:
    seen = schedules.snapshot()
    services.recheck(organization_id=organization_id, connection_id=connection_id, what=what, now=now)
    if reconcile.reconcile(organization_id=organization_id, connection_id=connection_id).done:
        kind = "inventory" if what == "stock" else what
        schedules.found_in_step(organization_id=organization_id, connection_id=connection_id, kind=kind, seen=seen)


@app.periodic(cron="23 2 * * *")
@job("keep_house", queueing_lock="keep_house")
def keep_house(timestamp: int) -> None:
    housekeeping.keep_house(datetime.fromtimestamp(timestamp, UTC))


def enqueue_due(now: datetime) -> None:
    """Queue what the schedules say is due, and set when each is due again."""
    with transaction.atomic():
        for taken in schedules.take_due(now):
            if taken.calm:
                continue
            net = schedules.NETS.get(taken.kind)
            if net is not None and net.nightly and taken.every_s == schedules.DAY_S:
                schedules.keep_to_night(
                    organization_id=taken.organization_id, connection_id=taken.subject_id, kind=taken.kind, now=now
                )
            _kinds[taken.kind](taken.organization_id, taken.subject_id)


def enqueue_assignment(organization_id: UUID, property_id: UUID, first: date, last: date) -> None:
    """Let the stays of these nights get their rooms, when nothing more urgent is to be done."""
    enqueue(
        assign_rooms,
        lock=f"rooms:{property_id}",
        priority=LATER,
        organization_id=organization_id,
        property_id=property_id,
        first=first.isoformat(),
        last=last.isoformat(),
    )


_kinds: dict[str, Callable[[UUID, UUID], None]] = {}


def when_due(
    kind: str, task: Task[..., None, ...], *, lock: str, subject: str = "connection_id", priority: int = NORMAL
) -> None:
    """Say which job a kind of schedule queues when it is due. subject: what the schedule's subject is to that job.

    lock: what jobs of one subject wait for, one after the other.
    """

    def queue(organization_id: UUID, subject_id: UUID) -> None:
        enqueue(
            task,
            lock=f"{lock}:{subject_id}",
            priority=priority,
            organization_id=organization_id,
            **{subject: subject_id},
        )

    _kinds[kind] = queue


def enqueue_bookings(organization_id: UUID, property_ids: Collection[UUID]) -> None:
    """Let the properties' bookings be handed on to the channels that are told them."""
    vendors = booking_sync.told_vendors()
    if not vendors or "push_bookings" not in _kinds:
        return
    with sql() as cursor:
        found = cursor.execute(
            "SELECT id FROM distribution_connection WHERE property_id = ANY(%s) AND vendor = ANY(%s) AND state = 'active'"
            " ORDER BY id",
            (list(property_ids), vendors),
        ).fetchall()
    for (connection_id,) in found:
        _kinds["push_bookings"](organization_id, connection_id)


def enqueue_audit(organization_id: UUID, connection_id: UUID) -> None:
    """Let the channel be read back, when nothing more urgent is to be done."""
    _kinds["audit"](organization_id, connection_id)


when_due("retry", reconcile_connection, lock="connection", priority=URGENT)
when_due("inventory", roll_connection, lock="connection")
when_due("midnight", roll_connection, lock="connection")
when_due("rates", recheck_rates, lock="connection", priority=LATER)
when_due("catalogue", check_mapping, lock="connection", priority=LATER)
when_due("audit", audit_connection, lock="connection", priority=LATER)
