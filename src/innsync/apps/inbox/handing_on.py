"""Handing bookings on to channels that keep a store of their own: what they have yet to hear, until they have taken it.

May be run at any time and repeated: what is said is the booking as it is now, under its own version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution import booking_sync, schedules
from innsync.apps.distribution.access import open_session
from innsync.apps.distribution.selectors import Linked, load_linked
from innsync.apps.guests import services as guests
from innsync.apps.inbox import services
from innsync.apps.reservations import records
from innsync.domain.channel import ChannelRoomStay, GuestDetails
from innsync.domain.money import Money
from innsync.domain.stay import StayDates
from innsync.domain.wording import told
from innsync.integrations.errors import (
    IntegrationError,
    NeedsSetup,
    NotAuthorised,
    RateLimited,
    Rejected,
)
from innsync.integrations.http import Session
from innsync.integrations.manifest import Adapter, channel_name
from innsync.integrations.ports import BookingOut, BookingTaken

log = structlog.get_logger()
MOST_ROUNDS = 20
MOST_IN_VAIN = 3  # in a row: then it is not the bookings that are wrong
MOST_ANSWERED_WITH_THEIRS = 3


@dataclass(frozen=True, slots=True)
class _Way:
    """To a channel: its connection and a session with it, and our rooms and rates in its ids."""

    linked: Linked
    adapter: Adapter
    session: Session
    rooms: Mapping[UUID, str]
    rates: Mapping[tuple[UUID, UUID], str]


def hand_on(*, organization_id: UUID, connection_id: UUID) -> int:
    """Tell the channel every booking that it has yet to hear of. Answers how many it took.

    Raises nothing that a channel does: what went wrong is kept with the booking, and tried again.
    """
    with tenant(organization_id):
        linked = load_linked(connection_id=connection_id, withdrawn=False)
        if linked.connection.state != "active" or not linked.is_told or linked.account.state != "active":
            return 0
        way = _open(linked)
    count, answered_with_theirs = 0, dict[UUID, int]()
    for _ in range(MOST_ROUNDS):
        now = datetime.now(UTC)
        with tenant(organization_id):
            today = linked.house.today(now)
            waiting = booking_sync.list_waiting(connection=linked.connection, today=today, now=now)
        if not waiting:
            break
        in_vain = 0
        for booking_id in waiting:
            taken = _tell(organization_id, way, booking_id, answered_with_theirs)
            count += taken is True
            in_vain = in_vain + 1 if taken is None else 0
            if in_vain == MOST_IN_VAIN:
                return count
    return count


def _open(linked: Linked) -> _Way:
    adapter, session = open_session(linked.account)
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT p.room_type_id, p.rate_plan_id, m.external_rate FROM distribution_ratemapping m"
            " JOIN rates_product p ON p.id = m.product_id WHERE m.connection_id = %s",
            (linked.id,),
        ).fetchall()
    rates = {(room_type_id, rate_plan_id): rate for room_type_id, rate_plan_id, rate in rows}
    return _Way(linked, adapter, session, {one.room_type_id: one.external_room for one in linked.rooms}, rates)


def _tell(organization_id: UUID, way: _Way, booking_id: UUID, answered_with_theirs: dict[UUID, int]) -> bool | None:
    """Whether the channel took it; None where it could not be asked."""
    connection, now = way.linked.connection, datetime.now(UTC)
    with tenant(organization_id):
        record = records.load(booking_id=booking_id, lock=True)
        sync = booking_sync.lock(connection=connection, booking_id=booking_id, now=now)
        type(sync).objects.filter(id=sync.id).update(tried_at=now)
        try:
            out = _written(way, record, sync.reference, sync.base)
        except NeedsSetup as error:
            _again(way, sync.id, error, now, after=booking_sync.SETUP_AGAIN, failed=True)
            return False
    try:
        result: BookingTaken = way.adapter.implementation.push_booking(way.session, way.linked.ref, out)
    except Rejected as error:
        with tenant(organization_id):
            booking_sync.refused(sync_id=sync.id, version=out.version, words=error.words or type(error).__name__)
        log.warning("booking_refused", connection_id=str(connection.id), words=error.words[:200])
        return False
    except IntegrationError as error:
        needs_a_person = isinstance(error, NotAuthorised | NeedsSetup)
        after = error.retry_after or (booking_sync.SETUP_AGAIN if needs_a_person else None)
        with tenant(organization_id):
            _again(way, sync.id, error, now, after=after, failed=needs_a_person)
        return None
    if result.theirs is None:
        with tenant(organization_id):
            booking_sync.taken(sync_id=sync.id, version=out.version, reference=result.reference, base=result.version)
        return True
    _take_theirs(organization_id, way, sync.id, result, now, answered_with_theirs)
    return False


def _take_theirs(
    organization_id: UUID,
    way: _Way,
    sync_id: UUID,
    result: BookingTaken,
    now: datetime,
    answered_with_theirs: dict[UUID, int],
) -> None:
    """It was changed there and nobody told us: what it is there comes in like any message of the channel."""
    assert result.theirs is not None
    answered_with_theirs[sync_id] = answered_with_theirs.get(sync_id, 0) + 1
    account = way.linked.account
    services.receive(organization_id=organization_id, account=account, messages=[result.theirs], now=now)
    services.apply_pending(organization_id=organization_id, account_id=account.id)
    if answered_with_theirs[sync_id] >= MOST_ANSWERED_WITH_THEIRS:
        words = told("changed there again and again: what it is there waits in the inbox")
        with tenant(organization_id):
            _again(way, sync_id, NeedsSetup(words), now, after=booking_sync.SETUP_AGAIN, failed=True)


def _again(
    way: _Way, sync_id: UUID, error: IntegrationError, now: datetime, *, after: timedelta | None, failed: bool
) -> None:
    if not isinstance(error, RateLimited):
        log.info("booking_not_handed_on", connection_id=str(way.linked.id), error=type(error).__name__)
    words = error.words or type(error).__name__
    due_at = booking_sync.not_reached(sync_id=sync_id, words=words, now=now, after=after, failed=failed)
    schedules.hasten(way.linked.id, "push_bookings", due_at=due_at)


def _written(way: _Way, record: records.Record, reference: str, base: str) -> BookingOut:
    """The booking in the channel's ids. Raises NeedsSetup for a room that it does not have."""
    country, language = guests.get_tongue(guest_id=record.guest_id)
    return BookingOut(
        our_id=str(record.id),
        code=record.code,
        version=record.version,
        reference=reference or (record.channel_ref if record.connection_id == way.linked.id else ""),
        base=base,
        status=record.status,
        source="" if record.channel == way.linked.connection.vendor else channel_name(record.channel),
        guest=GuestDetails(
            record.guest_name, record.guest_email, record.guest_phone, country=country, language=language
        ),
        rooms=tuple(_room(way, record, stay) for stay in record.stays),
        total=Money(record.total_minor, record.currency),
        special_requests=record.special_requests,
        updated_at=record.updated_at,
    )


def _room(way: _Way, record: records.Record, stay: records.Stay) -> ChannelRoomStay:
    room = way.rooms.get(stay.room_type_id)
    if room is None:
        raise NeedsSetup(told("a room type of this booking is not mapped at this channel: map it"))
    rate = way.rates.get((stay.room_type_id, stay.rate_plan_id), "") if stay.rate_plan_id else ""
    return ChannelRoomStay(
        ref=stay.channel_ref or str(stay.position + 1),
        room=room,
        rate=rate,
        stay=StayDates(stay.check_in, stay.check_out),
        adults=stay.adults,
        child_ages=tuple(stay.child_ages),
        guest_name=stay.guest_name,
        nightly=tuple(Money(minor, record.currency) for minor in stay.nightly_minor),
        total=Money(stay.total_minor, record.currency),
    )
