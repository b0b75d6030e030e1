"""Reading back what a channel really holds, and correcting what we believe it acknowledged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import acknowledged, push_records, schedules
from innsync.apps.distribution.access import open_session
from innsync.apps.distribution.models import Connection, Drift
from innsync.apps.distribution.reconcile import wanted_calendars
from innsync.apps.distribution.selectors import Linked, load_linked
from innsync.apps.distribution.services import mark
from innsync.domain.ari import Calendar, Target
from innsync.domain.spans import compress
from innsync.domain.wording import told
from innsync.integrations.errors import IntegrationError, NotAuthorised

KEPT_DRIFTS = 1000
AUDIT_AGAIN = timedelta(hours=1)
"""How long after one that could not be made the next audit is tried."""


@dataclass(frozen=True, slots=True)
class DriftCell:
    """A cell in which the channel holds something else than it had acknowledged."""

    target: Target
    day: date
    field: str
    acknowledged: int | None
    held: int | None


@dataclass(slots=True)
class Audit:
    """What an audit found. `against_wanted`: cells the channel holds otherwise than wanted, whatever it acknowledged."""

    cells: int
    drift: list[DriftCell]
    against_wanted: list[DriftCell]
    why: str = ""


def audit(*, organization_id: UUID, connection_id: UUID, repair: bool = True) -> Audit:
    """Compare one connection with its channel. With `repair`, *acknowledged* is corrected and the difference sent again."""
    now = datetime.now(UTC)
    with tenant(organization_id):
        linked = load_linked(connection_id=connection_id)
        if "read_back" not in linked.manifest.can or not linked.is_told:
            return Audit(0, [], [], told("this channel can't be read back"))
        first, last = linked.window(now)
        layouts = linked.layouts()
    adapter, session = open_session(linked.account)
    try:
        held = adapter.implementation.read_back(session, linked.ref, layouts, first, last)
    except IntegrationError as error:
        with tenant(organization_id):
            _went_wrong(linked, error, now)
        return Audit(0, [], [], error.words or type(error).__name__)
    with tenant(organization_id):
        known = acknowledged.load(connection_id=connection_id, layouts=layouts, first=first, last=last)
        wanted = wanted_calendars(linked, dict.fromkeys(layouts, (first, last)), today=first)
        drift = _compare(known, held)
        found = Audit(
            cells=sum(len(calendar.rows) * len(calendar.layout) for calendar in held.values()),
            drift=drift,
            against_wanted=_compare(wanted, held),
        )
        if repair:
            _repair(linked, drift, now)
        Connection.objects.filter(id=connection_id).update(last_audit_error="")
    return found


def _went_wrong(linked: Linked, error: IntegrationError, now: datetime) -> None:
    """The audit's own trouble: pushes have theirs, and are neither held up nor counted as failing by it.

    Refused credentials are the exception: nothing else will get through with them either.
    """
    link = linked.connection
    Connection.objects.filter(id=link.id).update(last_audit_error=(error.words or type(error).__name__)[:4000])
    if isinstance(error, NotAuthorised):
        push_records.failed(link, error, retry_at=None)
    else:
        schedules.postpone(link.id, "audit", due_at=now + min(error.retry_after or AUDIT_AGAIN, AUDIT_AGAIN))


def _compare(ours: dict[Target, Calendar], held: dict[Target, Calendar]) -> list[DriftCell]:
    """Cells that differ where the channel says what it holds and we believe to know."""
    found = []
    for target, theirs in held.items():
        calendar = ours[target]
        for offset, row in enumerate(theirs.rows):
            day = theirs.first + timedelta(days=offset)
            for name, own, there in zip(calendar.layout, calendar.row(day), row, strict=True):
                if there is None or own is None or own == there:
                    continue
                found.append(DriftCell(target, day, name, own, there))
    return found


def _repair(linked: Linked, drift: list[DriftCell], now: datetime) -> None:
    link = linked.connection
    if drift:
        Drift.objects.bulk_create(
            Drift(
                organization_id=link.organization_id,
                connection_id=link.id,
                at=now,
                room=cell.target.room,
                rate=cell.target.rate or "",
                day=cell.day,
                field=cell.field,
                acknowledged=cell.acknowledged,
                held=cell.held,
            )
            for cell in drift[:KEPT_DRIFTS]
        )
        types = linked.room_types()
        days: dict[UUID, list[date]] = {}
        for cell in drift:
            days.setdefault(types[cell.target], []).append(cell.day)
        # Only the reconciler writes what is acknowledged: it is told to forget these nights, rates too, and no others:
        # a channel that drifted on two far nights is not sent the year between them.
        mark(
            connection=link,
            spans=[
                (room_type_id, span.first, span.last)
                for room_type_id, found in days.items()
                for span in compress(dict.fromkeys(found, True))
            ],
            since=now,
            cause=told("drift found by audit"),
            forget=True,
        )
    Connection.objects.filter(id=link.id).update(last_audit_at=now, last_drift_cells=len(drift))
