"""Applying what a channel says about its bookings. A channel's sale is a fact: never refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Literal
from uuid import UUID

from innsync.apps.accounts.ids import new_id
from innsync.apps.guests import services as guests
from innsync.apps.inventory.services import StockChange, record_stock
from innsync.apps.reservations import records
from innsync.apps.reservations.services.movements import move_along
from innsync.apps.reservations.services.telling import tell
from innsync.apps.reservations.services.told import said_before
from innsync.domain.booking_state import HOLDS_STOCK, BookingStatus
from innsync.domain.channel import BookingRevision, GuestDetails, RevisionKind
from innsync.domain.stay import StayDates
from innsync.integrations.manifest import channel_name

Outcome = Literal["applied", "superseded", "waiting"]


@dataclass(frozen=True, slots=True)
class ResolvedRoom:
    """A channel's room in our own terms. Money in the booking's currency."""

    ref: str
    room_type_id: UUID
    rate_plan_id: UUID | None
    stay: StayDates
    adults: int
    child_ages: tuple[int, ...]
    guest_name: str
    nightly_minor: tuple[int, ...]
    total_minor: int


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a revision, and which nights of which types the channel's own count may have moved on."""

    outcome: Outcome
    booking_id: UUID | None
    channel_touched: tuple[tuple[UUID, date, date], ...] = ()


def apply_channel_revision(
    *,
    organization_id: UUID,
    property_id: UUID,
    connection_id: UUID,
    channel: str,
    revision: BookingRevision,
    rooms: Sequence[ResolvedRoom],
    code: str,
    now: datetime,
    found_by: str = "",
    booking_id: UUID | None = None,
) -> Applied:
    """Bring the booking to the state of this revision, if it is newer than what is known. Idempotent.

    booking_id: of one that was sold elsewhere, where the channel was told it and speaks of it by its own id. The caller
    holds the account's lock, so that two revisions of one booking are never applied at once.
    """
    if booking_id is not None:
        known: records.Record | None = records.load(booking_id=booking_id, lock=True)
    else:
        known = records.load_by_channel_ref(connection_id=connection_id, channel_ref=revision.reference)
    if revision.kind.is_movement:
        return Applied(*move_along(known, revision.kind, now=now, channel=channel))
    if known is None and revision.replaces:
        known = records.load_by_channel_ref(
            connection_id=connection_id, channel_ref=revision.replaces
        ) or records.load_by_confirmation(connection_id=connection_id, code=revision.replaces)
        if known is not None:
            return _continue_as(known, revision, rooms, now, channel)
    if known is None:
        if revision.kind is RevisionKind.CANCELLED and (revision.keeps_details or not rooms):
            return Applied("waiting", None)
        return _add(organization_id, property_id, connection_id, channel, revision, rooms, code, now, found_by)
    # The channel counted what it told then, whether or not it is told here any more.
    counted = tuple((room.room_type_id, room.stay.check_in, room.stay.last_night) for room in rooms)
    if revision.reference in known.former_refs:
        return Applied("superseded", known.id, (*_touched(known.stays), *counted))
    if revision.order < known.channel_order:
        if rooms and not revision.keeps_details and revision.order > known.details_order:
            _fill_in(known, revision, rooms, now, channel)
        return Applied("superseded", known.id, (*_touched(known.stays), *counted))
    return _change(known, revision, rooms, now, channel)


def is_superseded(*, connection_id: UUID, revision: BookingRevision) -> bool:
    """Whether all that this revision says of its booking is over: later rooms and dates of it are known."""
    known = records.load_by_channel_ref(connection_id=connection_id, channel_ref=revision.reference)
    if known is None:
        return False
    return revision.reference in known.former_refs or (
        revision.order < known.channel_order and revision.order <= known.details_order
    )


def _touched(stays: Sequence[records.Stay]) -> tuple[tuple[UUID, date, date], ...]:
    """Of the type held, and of the one sold, which is the one that the channel counts."""
    return tuple(
        (room_type_id, stay.check_in, StayDates(stay.check_in, stay.check_out).last_night)
        for stay in stays
        for room_type_id in dict.fromkeys((stay.room_type_id, stay.sold_as))
    )


def _stays(rooms: Sequence[ResolvedRoom], former: Sequence[records.Stay], holds: bool) -> list[records.Stay]:
    """The stored stays; a room that the booking had before keeps its identity, and its place in the house if it can.

    Where the desk holds it in another type than the channel sold, it stays there until the channel sells another.
    """
    by_ref = {stay.channel_ref: stay for stay in former}
    result = []
    for position, room in enumerate(rooms):
        stay = records.Stay(
            room_type_id=room.room_type_id,
            rate_plan_id=room.rate_plan_id,
            check_in=room.stay.check_in,
            check_out=room.stay.check_out,
            adults=room.adults,
            child_ages=list(room.child_ages),
            guest_name=room.guest_name[:200],
            nightly_minor=list(room.nightly_minor),
            total_minor=room.total_minor,
            position=position,
            channel_ref=room.ref[:100],
            holds_stock=holds,
        )
        old = by_ref.get(room.ref) or (former[position] if len(former) == len(rooms) == 1 else None)
        if old is not None:
            stay.id = old.id
            if old.sold_as == stay.room_type_id:
                stay.hold_in(old.room_type_id)
            same = (old.room_type_id, old.check_in, old.check_out) == (stay.room_type_id, stay.check_in, stay.check_out)
            if same and holds:
                stay.keep_rooms_of(old)
        result.append(stay)
    return result


def _add(
    organization_id: UUID,
    property_id: UUID,
    connection_id: UUID,
    channel: str,
    revision: BookingRevision,
    rooms: Sequence[ResolvedRoom],
    code: str,
    now: datetime,
    found_by: str,
) -> Applied:
    cancelled = revision.kind is RevisionKind.CANCELLED
    stays = _stays(rooms, (), not cancelled)
    record = records.Record(
        id=new_id(),
        organization_id=organization_id,
        property_id=property_id,
        code=code,
        status=BookingStatus.CANCELLED if cancelled else BookingStatus.CONFIRMED,
        channel=channel,
        source=revision.source,
        connection_id=connection_id,
        channel_ref=revision.reference,
        former_refs=[],
        channel_order=revision.order,
        details_order=revision.order,
        external_id="",
        check_in=min(stay.check_in for stay in stays),
        check_out=max(stay.check_out for stay in stays),
        guest_id=guests.find_or_add(organization_id=organization_id, details=revision.guest, now=now),
        guest_name=revision.guest.name[:200],
        guest_email=revision.guest.email[:254],
        guest_phone=revision.guest.phone[:40],
        currency=revision.currency,
        total_minor=_total(revision, stays),
        charges=[],
        terms={},
        payment=dict(revision.payment),
        arrival_time=revision.arrival_time,
        special_requests=revision.special_requests,
        notes="",
        cancelled_at=now if cancelled else None,
        cancellation_fee_minor=None,
        found_by=found_by,
        created_at=now,
        updated_at=now,
        version=1,
        stays=stays,
    )
    change = StockChange()
    if not cancelled:
        for stay in stays:
            change.sell(stay.room_type_id, StayDates(stay.check_in, stay.check_out))
    record_stock(property_id=property_id, change=change)
    records.insert(record, actor=channel, action="cancelled" if cancelled else "booked")
    _tell(record, change, "booking.cancelled" if cancelled else "booking.created", now)
    return Applied("applied", record.id, _touched(stays))


def _continue_as(
    known: records.Record, revision: BookingRevision, rooms: Sequence[ResolvedRoom], now: datetime, channel: str
) -> Applied:
    """The channel gave the booking a new id: one reservation, both ids kept.

    That is a sale, also where the desk had ended the booking: whether the cancellation of the old id comes before it or
    after makes no difference so.
    """
    known.former_refs = [*known.former_refs, known.channel_ref]
    known.channel_ref = revision.reference
    known.channel_order = known.details_order = ""
    return _change(known, revision, rooms, now, channel, renamed=True)


def _fill_in(
    known: records.Record, revision: BookingRevision, rooms: Sequence[ResolvedRoom], now: datetime, channel: str
) -> None:
    """A change that came after the cancellation it preceded: the booking stays cancelled, with the details it had then."""
    before = records.snapshot(known)
    _take_details(known, revision, rooms, now, holds=BookingStatus(known.status) in HOLDS_STOCK)
    known.updated_at = now
    records.update(known, before=before, actor=channel, action="modified")


def _take_details(
    known: records.Record, revision: BookingRevision, rooms: Sequence[ResolvedRoom], now: datetime, *, holds: bool
) -> None:
    known.stays = _stays(rooms, list(known.stays), holds)
    known.check_in = min(stay.check_in for stay in known.stays)
    known.check_out = max(stay.check_out for stay in known.stays)
    guest, requests, known.arrival_time = _what_is_new(known, revision)
    _take_guest(known, guest, now)
    known.currency = revision.currency
    known.total_minor = _total(revision, known.stays)
    known.special_requests = requests
    known.payment = dict(revision.payment) or known.payment
    known.details_order = revision.order


def _what_is_new(known: records.Record, revision: BookingRevision) -> tuple[GuestDetails, str, time | None]:
    """The guest, the requests and the time of arrival as the channel tells them, but for what it repeats and the desk
    changed since. A time that it leaves out stays.
    """
    told, due = revision.guest, records.clock(known.arrival_time) or ""
    says = {
        "/guest/name": (told.name[:200], known.guest_name),
        "/guest/email": (told.email[:254], known.guest_email),
        "/guest/phone": (told.phone[:40], known.guest_phone),
        "/arrival_time": (records.clock(revision.arrival_time) or due, due),
        "/special_requests": (revision.special_requests, known.special_requests),
    }
    if all(one == have for one, have in says.values()):
        return told, revision.special_requests, known.arrival_time
    before = said_before(booking_id=known.id, channel=known.channel)
    kept = {path: have if path in before and one == before[path] else one for path, (one, have) in says.items()}
    guest = replace(told, name=kept["/guest/name"], email=kept["/guest/email"], phone=kept["/guest/phone"])
    arrival = time.fromisoformat(kept["/arrival_time"]) if kept["/arrival_time"] else None
    return guest, kept["/special_requests"], arrival


def _take_guest(known: records.Record, told: GuestDetails, now: datetime) -> None:
    """What the channel leaves out stays. Under another name or address it may be another person."""
    before = known.guest_name, known.guest_email
    known.guest_name = told.name[:200] or known.guest_name
    known.guest_email = told.email[:254] or known.guest_email
    known.guest_phone = told.phone[:40] or known.guest_phone
    if before != (known.guest_name, known.guest_email):
        details = replace(told, name=known.guest_name, email=known.guest_email, phone=known.guest_phone)
        known.guest_id = guests.follow(
            organization_id=known.organization_id, guest_id=known.guest_id, details=details, now=now
        )


def _change(
    known: records.Record,
    revision: BookingRevision,
    rooms: Sequence[ResolvedRoom],
    now: datetime,
    channel: str,
    renamed: bool = False,
) -> Applied:
    before = records.snapshot(known)
    former = list(known.stays)
    cancelled = revision.kind is RevisionKind.CANCELLED
    status = BookingStatus(known.status)
    if cancelled:
        known.status = BookingStatus.CANCELLED
        known.cancelled_at = known.cancelled_at or now
        known.cancellation_fee_minor = None  # whoever ended it first: now the channel has, and may sell it anew
    elif status in (BookingStatus.CANCELLED, BookingStatus.NO_SHOW) and (
        renamed or not _ended_here(known) or (rooms and not revision.keeps_details and _sells_another(known, rooms))
    ):
        known.status = BookingStatus.CONFIRMED
        known.cancelled_at = known.cancellation_fee_minor = None
    holds = BookingStatus(known.status) in HOLDS_STOCK
    change = StockChange()
    for stay in former:
        if stay.holds_stock:
            change.free(stay.room_type_id, StayDates(stay.check_in, stay.check_out))
    if rooms and not revision.keeps_details:
        _take_details(known, revision, rooms, now, holds=holds)
    else:
        for stay in known.stays:
            stay.holds_stock = holds
            if not holds:
                stay.leave_rooms()
    for stay in known.stays:
        if stay.holds_stock:
            change.sell(stay.room_type_id, StayDates(stay.check_in, stay.check_out))
    record_stock(property_id=known.property_id, change=change)
    known.channel_order = revision.order
    known.updated_at = now
    same = records.snapshot(known) == before and not renamed
    touched = (*_touched(former), *_touched(known.stays))
    if same:
        records.note_order(known)
        return Applied("applied", known.id, touched)
    records.update(known, before=before, actor=channel, action="cancelled" if cancelled else "modified")
    _tell(known, change, "booking.cancelled" if cancelled else "booking.updated", now)
    return Applied("applied", known.id, touched)


def _ended_here(known: records.Record) -> bool:
    """Whether the desk ended it: a no-show, or a guest lodged elsewhere. The channel may not know, and repeats the booking.

    Only what we cancel has a fee, be it nothing; what a channel's guest owes for cancelling there, the channel knows.
    """
    return known.status == BookingStatus.NO_SHOW or known.cancellation_fee_minor is not None


def _sells_another(known: records.Record, rooms: Sequence[ResolvedRoom]) -> bool:
    """Whether the channel sells other dates or rooms than it did, in whatever order it names them."""
    return Counter((room.room_type_id, room.stay.check_in, room.stay.check_out) for room in rooms) != Counter(
        (stay.sold_as, stay.check_in, stay.check_out) for stay in known.stays
    )


def _total(revision: BookingRevision, stays: Sequence[records.Stay]) -> int:
    return revision.total.minor if revision.total is not None else sum(stay.total_minor for stay in stays)


def _tell(record: records.Record, change: StockChange, event: str, now: datetime) -> None:
    tell(
        record,
        now=now,
        event=event,
        touched=change.touched(),
        cause=f"{channel_name(record.channel)} {record.channel_ref}",
    )
