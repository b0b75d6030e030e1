"""Bookings of another system, as a file tells them: facts, as a channel's are, but the house's own from then on.

Every function works inside `tenant(...)` and commits or vanishes with it. Whoever changes several in one transaction
locks their bookings and then their room types first, as everybody does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from innsync.apps.accounts.ids import new_id
from innsync.apps.events.services import Touched
from innsync.apps.guests import services as guests
from innsync.apps.inventory.services import StockChange, record_stock
from innsync.apps.rates.promotions import count_uses
from innsync.apps.rates.selectors import House
from innsync.apps.reservations import records
from innsync.apps.reservations.refusals import NotChangeable, StaleVersion
from innsync.apps.reservations.services.states import set_holding
from innsync.apps.reservations.services.telling import tell
from innsync.apps.reservations.terms import strictest, terms_of
from innsync.domain.booking_state import HOLDS_STOCK, BookingStatus
from innsync.domain.channel import GuestDetails
from innsync.domain.money import Money
from innsync.domain.stay import StayDates
from innsync.domain.wording import told

_ENDED = (BookingStatus.CANCELLED, BookingStatus.NO_SHOW)


@dataclass(frozen=True, slots=True)
class ImportedRoom:
    """One room of a booking of a file. child_ages: `domain.occupancy.OLDEST_CHILD` where they are not known."""

    room_type_id: UUID
    rate_plan_id: UUID | None
    stay: StayDates
    adults: int
    child_ages: tuple[int, ...]
    guest_name: str
    total_minor: int


@dataclass(frozen=True, slots=True)
class Imported:
    """A booking as a file tells it. rooms: at least one; money in `currency`.

    system: what the file comes from; source: the site that sold it there. connection_id, channel, channel_ref: of a channel
    that is connected here and sold it, which speaks of it from now on; else None, `direct` and nothing.
    """

    reference: str
    status: BookingStatus
    guest: GuestDetails
    currency: str
    rooms: tuple[ImportedRoom, ...]
    system: str
    source: str = ""
    special_requests: str = ""
    notes: str = ""
    booked_at: datetime | None = None
    channel: str = "direct"
    connection_id: UUID | None = None
    channel_ref: str = ""

    @property
    def total_minor(self) -> int:
        return sum(room.total_minor for room in self.rooms)

    @property
    def check_in(self) -> date:
        return min(room.stay.check_in for room in self.rooms)

    @property
    def check_out(self) -> date:
        return max(room.stay.check_out for room in self.rooms)

    def status_on(self, today: date) -> BookingStatus:
        """What it is by now: a file seldom says that the guests came and left."""
        if self.status in _ENDED or self.status is BookingStatus.CHECKED_OUT:
            return self.status
        if self.check_out < today:
            return BookingStatus.CHECKED_OUT
        return BookingStatus.CHECKED_IN if self.check_in < today else self.status


def import_booking(*, house: House, said: Imported, now: datetime, actor: str) -> records.Record:
    """Write a booking that is new here. Never refused for want of rooms: then the nights are oversold, as a channel's sale."""
    today = house.today(now)
    status = said.status_on(today)
    ended, direct = status in _ENDED, said.connection_id is None
    booked_at = min(said.booked_at or now, now)
    stays = _stays(house, said, (), status in HOLDS_STOCK)
    record = records.Record(
        id=new_id(),
        organization_id=house.organization_id,
        property_id=house.id,
        code=records.new_code(),
        status=status,
        channel=said.channel,
        source=_source(said),
        connection_id=said.connection_id,
        channel_ref=said.channel_ref,
        former_refs=[],
        channel_order="",
        details_order="",
        external_id=said.reference,
        check_in=said.check_in,
        check_out=said.check_out,
        guest_id=guests.find_or_add(organization_id=house.organization_id, details=said.guest, now=now),
        guest_name=said.guest.name,
        guest_email=said.guest.email,
        guest_phone=said.guest.phone,
        currency=said.currency,
        total_minor=said.total_minor,
        charges=[],
        terms=strictest(house, stays) if direct else {},
        # What is over was settled where it was booked; nobody here asks these guests for money.
        payment={"collect": "channel", "to": said.system} if said.check_out < today else {},
        special_requests=said.special_requests,
        notes=said.notes,
        # When it was cancelled there is not known: it never counts as sold here.
        cancelled_at=booked_at if status is BookingStatus.CANCELLED else None,
        cancellation_fee_minor=0 if ended and direct else None,
        found_by="",
        created_at=booked_at,
        updated_at=now,
        version=1,
        stays=stays,
    )
    change = StockChange()
    _count(change, record)
    touched = _record(house, change, today)
    records.insert(record, actor=actor, action="imported")
    event = "booking.cancelled" if status is BookingStatus.CANCELLED else "booking.created"
    tell(record, now=now, event=event, touched=touched, cause=told(f"import of booking {record.code}"))
    return record


def change_imported(
    *, house: House, booking_id: UUID, former: Imported | None, said: Imported, now: datetime, actor: str
) -> records.Record:
    """Bring the booking to what the file says now, where that is not what files said before.

    What the desk changed since, and the file repeats, stays. former: what was said before; None: nothing that counts, as of
    one that was taken back: then all of it is told anew.
    """
    record = records.load(booking_id=booking_id, lock=True)
    today = house.today(now)
    before, had, source, change = records.snapshot(record), record.promotions, record.source, StockChange()
    _count(change, record, -1)
    if record.connection_id is None and said.connection_id is not None:
        # Connected since: from here on the channel speaks of what it sold.
        record.connection_id, record.channel, record.channel_ref = said.connection_id, said.channel, said.channel_ref
    if former is None or former.status != said.status or former.rooms != said.rooms:
        _take_status(record, former, said, today, now)
    holds = BookingStatus(record.status) in HOLDS_STOCK
    if former is None or former.rooms != said.rooms:
        record.stays = _stays(house, said, record.stays, holds)
        record.check_in, record.check_out = said.check_in, said.check_out
        record.total_minor, record.currency, record.charges = said.total_minor, said.currency, []
        if record.connection_id is None:
            record.terms = strictest(house, record.stays)
    else:
        for stay in record.stays:
            stay.holds_stock = holds
            if not holds:
                stay.leave_rooms()
    _take_guest(record, former, said, now)
    if former is None or former.special_requests != said.special_requests:
        record.special_requests = said.special_requests
    if former is None or former.notes != said.notes:
        record.notes = said.notes
    if former is None or _source(former) != _source(said):
        record.source = _source(said)
    _count(change, record)
    if records.snapshot(record) == before and record.source == source:
        return record
    count_uses(more=record.promotions, fewer=had)
    touched = _record(house, change, today)
    record.updated_at = now
    cancelled = record.status == BookingStatus.CANCELLED != before["status"]
    records.update(record, before=before, actor=actor, action="cancelled" if cancelled else "modified")
    event = "booking.cancelled" if cancelled else "booking.updated"
    tell(record, now=now, event=event, touched=touched, cause=told(f"import of booking {record.code}"))
    return record


def take_back_import(
    *, house: House, booking_id: UUID, expected_version: int, now: datetime, actor: str
) -> records.Record:
    """Cancel a booking that an import made, at no cost, and let no report count it.

    Raises StaleVersion when it was changed since, NotChangeable where its channel has spoken of it by now.
    """
    record = records.load(booking_id=booking_id, lock=True)
    if record.version != expected_version:
        raise StaleVersion(current=record.version)
    if record.channel_order:
        raise NotChangeable(status=record.channel, action="cancel")
    before, change = records.snapshot(record), set_holding(record, False)
    record.status = BookingStatus.CANCELLED
    record.cancelled_at, record.updated_at = record.created_at, now
    record.cancellation_fee_minor = 0 if record.connection_id is None else None
    touched = _record(house, change, house.today(now))
    records.update(record, before=before, actor=actor, action="undone")
    tell(
        record,
        now=now,
        event="booking.cancelled",
        touched=touched,
        cause=told(f"import of booking {record.code} taken back"),
    )
    return record


def _source(said: Imported) -> str:
    return (said.source or said.system)[:60]


def _stays(house: House, said: Imported, former: Sequence[records.Stay], holds: bool) -> list[records.Stay]:
    """The stored stays; a room that continues one of before keeps its identity, and its place in the house if it can."""
    made = []
    for position, room in enumerate(said.rooms):
        plan = house.plans.get(room.rate_plan_id) if room.rate_plan_id else None
        nights = Money(room.total_minor, said.currency).split(len(room.stay))
        stay = records.Stay(
            room_type_id=room.room_type_id,
            rate_plan_id=room.rate_plan_id,
            check_in=room.stay.check_in,
            check_out=room.stay.check_out,
            adults=room.adults,
            child_ages=list(room.child_ages),
            guest_name=room.guest_name,
            nightly_minor=[night.minor for night in nights],
            total_minor=room.total_minor,
            position=position,
            holds_stock=holds,
            terms=terms_of(plan) if plan is not None and said.connection_id is None else {},
        )
        if position < len(former):
            old = former[position]
            stay.id, stay.channel_ref = old.id, old.channel_ref
            if old.sold_as == stay.room_type_id:
                stay.hold_in(old.room_type_id)
            same = (old.room_type_id, old.check_in, old.check_out) == (stay.room_type_id, stay.check_in, stay.check_out)
            if same and holds:
                stay.keep_rooms_of(old)
        made.append(stay)
    return made


def _take_status(record: records.Record, former: Imported | None, said: Imported, today: date, now: datetime) -> None:
    """The state the file tells, unless it only repeats what it said while the desk moved the booking along."""
    if former is not None and former.status == said.status and record.status != former.status_on(today):
        return
    status = said.status_on(today)
    if status == record.status:
        return
    record.status = status
    record.cancelled_at = now if status is BookingStatus.CANCELLED else None
    record.cancellation_fee_minor = 0 if status in _ENDED and record.connection_id is None else None


def _take_guest(record: records.Record, former: Imported | None, said: Imported, now: datetime) -> None:
    if former is not None and former.guest == said.guest:
        return
    for name in ("name", "email", "phone"):
        value = getattr(said.guest, name)
        if former is None or getattr(former.guest, name) != value:
            setattr(record, f"guest_{name}", value)
    details = GuestDetails(
        record.guest_name, record.guest_email, record.guest_phone, said.guest.country, said.guest.language
    )
    record.guest_id = guests.follow(
        organization_id=record.organization_id, guest_id=record.guest_id, details=details, now=now
    )


def _count(change: StockChange, record: records.Record, rooms: int = 1) -> None:
    for stay in record.stays:
        if stay.holds_stock:
            change.sell(stay.room_type_id, StayDates(stay.check_in, stay.check_out), rooms)


def _record(house: House, change: StockChange, today: date) -> Touched:
    """Count the nights. What was full in nights that are over is no conflict; what is given back of them may settle one."""
    record_stock(property_id=house.id, change=change)
    return StockChange(
        {night: rooms for night, rooms in change.sold.items() if night[1] >= today or rooms < 0}
    ).touched()
