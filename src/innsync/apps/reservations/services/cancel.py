"""Cancelling by the terms the guest agreed to."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from innsync.apps.inventory.services import record_stock
from innsync.apps.rates.promotions import count_uses
from innsync.apps.rates.selectors import House
from innsync.apps.reservations import records
from innsync.apps.reservations.refusals import NotChangeable
from innsync.apps.reservations.services.states import set_holding
from innsync.apps.reservations.services.telling import tell
from innsync.apps.reservations.terms import cancelling_costs, not_coming_costs
from innsync.domain.booking_state import BookingAction, BookingStatus, advance
from innsync.domain.wording import told


def cancel(
    *,
    house: House,
    booking_id: UUID,
    now: datetime,
    actor: str,
    expected_version: int | None = None,
    locked: records.Record | None = None,
    waive_fee: bool = False,
    any_channel: bool = False,
) -> records.Record:
    """Cancel a booking; the fee by its rooms' terms is kept with it. Cancelling again changes nothing.

    A no-show that is cancelled still owes what not coming costs.

    any_channel: also one that a channel sold (walked guests); the channel must then be told by a person. It stays
    cancelled until the channel sells other dates or rooms.
    locked: the booking itself, where it was loaded and locked in this transaction.
    Raises UnknownBooking, StaleVersion, NotChangeable, IllegalTransition.
    """
    record = locked or records.load(booking_id=booking_id, lock=True, expected_version=expected_version)
    if record.channel != "direct" and not any_channel:
        raise NotChangeable(status=record.channel, action="cancel")
    if record.status == BookingStatus.CANCELLED:
        return record
    before, had = records.snapshot(record), record.promotions
    if waive_fee:
        record.cancellation_fee_minor = 0
    elif record.status != BookingStatus.NO_SHOW:
        record.cancellation_fee_minor = cancelling_costs(house, record, now).minor
    elif record.cancellation_fee_minor is None:  # marked by a release that kept no fee then
        record.cancellation_fee_minor = not_coming_costs(record).minor
    record.status = advance(BookingStatus(record.status), BookingAction.CANCEL)
    record.cancelled_at = record.updated_at = now
    change = set_holding(record, False)
    count_uses(more=(), fewer=had)
    record_stock(property_id=record.property_id, change=change)
    records.update(record, before=before, actor=actor, action="cancelled")
    tell(
        record,
        now=now,
        event="booking.cancelled",
        touched=change.touched(),
        cause=told(f"cancellation of {record.code}"),
    )
    return record
