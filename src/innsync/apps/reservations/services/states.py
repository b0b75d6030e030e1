"""Moving a booking along: check-in, check-out, no-show, reinstatement."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from innsync.apps.inventory.services import StockChange, change_stock, record_stock
from innsync.apps.rates.promotions import count_uses
from innsync.apps.reservations import records
from innsync.apps.reservations.services.telling import tell
from innsync.apps.reservations.terms import not_coming_costs
from innsync.domain.booking_state import HOLDS_STOCK, BookingAction, BookingStatus, advance
from innsync.domain.stay import StayDates
from innsync.domain.wording import told

_EVENT = {
    BookingAction.CHECK_IN: "booking.checked_in",
    BookingAction.CHECK_OUT: "booking.checked_out",
    BookingAction.CANCEL: "booking.cancelled",
}


def change_state(
    *, organization_id: UUID, booking_id: UUID, action: BookingAction, now: datetime, actor: str
) -> records.Record:
    """Do `action`; not coming costs what the rooms' terms ask. Raises UnknownBooking, IllegalTransition; SoldOut when a reinstated booking finds no room, PromotionUsedUp when its promotion was given to others as often as it may be."""
    record = records.load(booking_id=booking_id, lock=True)
    before, had = records.snapshot(record), record.promotions
    record.status = advance(BookingStatus(record.status), action)
    if action is BookingAction.MARK_NO_SHOW and record.channel == "direct":
        record.cancellation_fee_minor = not_coming_costs(record).minor
    change = set_holding(record, BookingStatus(record.status) in HOLDS_STOCK)
    count_uses(more=record.promotions, fewer=had)
    if action is BookingAction.REINSTATE:
        change_stock(property_id=record.property_id, change=change)
        record.cancelled_at = record.cancellation_fee_minor = None
    else:
        record_stock(property_id=record.property_id, change=change)
    record.updated_at = now
    records.update(record, before=before, actor=actor, action=action)
    tell(
        record,
        now=now,
        event=_EVENT.get(action, "booking.updated"),
        touched=change.touched(),
        cause=told(f"{action} of booking {record.code}"),
        action=action,
    )
    return record


def set_holding(record: records.Record, holds: bool) -> StockChange:
    """Let the booking's stays hold their nights or not; answers what that takes or gives back."""
    change = StockChange()
    for stay in record.stays:
        if stay.holds_stock != holds:
            change.sell(stay.room_type_id, StayDates(stay.check_in, stay.check_out), 1 if holds else -1)
            stay.holds_stock = holds
            if not holds:
                stay.leave_rooms()
    return change
