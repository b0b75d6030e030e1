"""What a change to stock, prices or rules sets in motion, right after it committed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from innsync.apps.accounts.tenancy import sql, together
from innsync.apps.distribution import conflicts, marks, schedules, tasks
from innsync.apps.distribution.marks import Change
from innsync.apps.events import services as events
from innsync.apps.events.relay import Entry, chore, handles
from innsync.apps.reservations.services.rooms import ASSIGN_AHEAD

log = structlog.get_logger()
Touched = tuple[UUID, date, date]
LOOK_FOR_PUT_OFF = timedelta(seconds=10)
_brought_back_at = datetime.min.replace(tzinfo=UTC)


@handles("ari_changed")
def ari_changed(organization_id: UUID, entries: Sequence[Entry]) -> None:
    """Mark the nights at every connection of the property, judge oversales, and let each connection reconcile."""
    changes = [
        Change(
            property_id=entry.property_id,
            room_type_id=UUID(room_type_id) if room_type_id else None,
            first=date.fromisoformat(first),
            last=date.fromisoformat(last),
            since=entry.created_at,
            what=entry.payload["what"],
            cause=entry.payload["cause"],
        )
        for entry in entries
        for room_type_id, first, last in entry.payload["spans"]
    ]
    tasks.enqueue_reconcile(organization_id, marks.add_everywhere(changes))
    tasks.enqueue_bookings(
        organization_id, {entry.property_id for entry in entries if entry.payload["what"] != "rates"}
    )
    now = datetime.now(UTC)
    _tell(organization_id, changes, now)
    with sql() as cursor:
        zones = cursor.execute(
            "SELECT id, time_zone FROM properties_property WHERE id = ANY(%s)",
            (list({entry.property_id for entry in entries}),),
        ).fetchall()
    for property_id, time_zone in zones:
        own = [change for change in changes if change.property_id == property_id and change.what != "rates"]
        if not own:
            continue
        today = now.astimezone(ZoneInfo(time_zone)).date()
        if min(change.first for change in own) <= today + ASSIGN_AHEAD:
            tasks.enqueue_assignment(organization_id, property_id, today, today + ASSIGN_AHEAD)
        for touched in _judged_together(own, today):
            conflicts.judge(
                organization_id=organization_id,
                property_id=property_id,
                touched=touched,
                now=now,
                cause=own[-1].cause,
            )


def _tell(organization_id: UUID, changes: Sequence[Change], now: datetime) -> None:
    """What is left to sell may be another there: one event a property for all that changed together.

    Written here, and not with each booking: it costs a sale nothing, and is lost no more than the rest of this.
    """
    touched: dict[UUID, list[tuple[UUID | None, date, date]]] = {}
    for change in changes:
        if change.what != "rates":
            touched.setdefault(change.property_id, []).append((change.room_type_id, change.first, change.last))
    with together():
        for property_id, nights in touched.items():
            events.record(
                organization_id=organization_id,
                property_id=property_id,
                type="availability.changed",
                at=now,
                data={"nights": events.nights_of(nights)},
            )


def _judged_together(changes: Sequence[Change], today: date) -> Iterator[list[Touched]]:
    """The touched nights of all room types, but each type apart whose touched nights are over.

    Judged with the others these would open conflicts about nights that were full there and are over, too.
    """
    touched = [(one.room_type_id, one.first, one.last) for one in changes if one.room_type_id is not None]
    over = {room_type_id for room_type_id, first, _ in touched if first < today}
    for apart in sorted(over):
        yield [one for one in touched if one[0] == apart]
    yield [one for one in touched if one[0] not in over]


@handles("reconcile")
def reconcile(organization_id: UUID, entries: Sequence[Entry]) -> None:
    """Let single connections reconcile."""
    tasks.enqueue_reconcile(organization_id, {UUID(entry.payload["connection_id"]) for entry in entries})


@handles("booking_changed")
def booking_changed(organization_id: UUID, entries: Sequence[Entry]) -> None:
    """A booking changed, and no night with it."""
    tasks.enqueue_bookings(organization_id, {entry.property_id for entry in entries})


@handles("assign_rooms")
def assign_rooms(organization_id: UUID, entries: Sequence[Entry]) -> None:
    """Queue what the day's work asks for: rooms for the arrivals of a property's next nights."""
    for entry in entries:
        first, last = (date.fromisoformat(entry.payload[name]) for name in ("first", "last"))
        tasks.enqueue_assignment(organization_id, entry.property_id, first, last)


@chore
def enqueue_due(now: datetime) -> None:
    """Turn what is due into jobs: polls, safety nets, retries."""
    tasks.enqueue_due(now)


@chore
def bring_back(now: datetime) -> None:
    """Once in a while, what a wrong clock put off too far."""
    global _brought_back_at
    if abs(now - _brought_back_at) >= LOOK_FOR_PUT_OFF:
        _brought_back_at = now
        if count := schedules.bring_back(now):
            log.warning("schedules_brought_back", count=count)
