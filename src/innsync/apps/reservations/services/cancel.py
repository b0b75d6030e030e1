"""Cancelling by the terms the guest agreed to."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from innsync.apps.events import services as events
from innsync.apps.inventory.services import record_stock
from innsync.apps.rates.selectors import House
from innsync.apps.reservations import records
from innsync.apps.reservations.refusals import NotChangeable
from innsync.apps.reservations.services.states import set_holding
from innsync.domain.booking_state import BookingAction, BookingStatus, advance
from innsync.domain.money import Money
from innsync.domain.policies import CancellationPolicy, cancellation_fee


def cancel(
    *,
    house: House,
    booking_id: UUID,
    now: datetime,
    actor: str,
    expected_version: int | None = None,
    waive_fee: bool = False,
    any_channel: bool = False,
) -> records.Record:
    """Cancel a booking; the fee by its policy is kept with it. Cancelling again changes nothing.

    any_channel: also one that a channel sold (walked guests); the channel must then be told by a person.
    Raises UnknownBooking, StaleVersion, NotChangeable, IllegalTransition.
    """
    record = records.load(booking_id=booking_id, lock=True, expected_version=expected_version)
    if record.channel != "direct" and not any_channel:
        raise NotChangeable(status=record.channel, action="cancel")
    if record.status == BookingStatus.CANCELLED:
        return record
    before = records.snapshot(record)
    record.cancellation_fee_minor = 0 if waive_fee else fee_now(house, record, now).minor
    record.status = advance(BookingStatus(record.status), BookingAction.CANCEL)
    record.cancelled_at = record.updated_at = now
    change = set_holding(record, False)
    record_stock(property_id=record.property_id, change=change)
    records.update(record, before=before, actor=actor, action="cancelled")
    events.record(
        organization_id=house.organization_id,
        property_id=house.id,
        type="booking.cancelled",
        at=now,
        data={"booking_id": str(record.id), "code": record.code, "channel": record.channel},
        ari=change.touched(),
        cause=f"cancellation of {record.code}",
    )
    return record


def fee_now(house: House, record: records.Record, now: datetime) -> Money:
    """What cancelling at this moment costs by the terms stored with the booking."""
    terms = record.terms.get("cancellation_policy")
    total = Money(record.total_minor, record.currency)
    if not terms:
        return Money.zero(record.currency)
    nights = len(record.stays[0].nightly_minor) if record.stays else 0
    nightly = [
        Money(
            sum(stay.nightly_minor[night] for stay in record.stays if night < len(stay.nightly_minor)), record.currency
        )
        for night in range(nights)
    ]
    return cancellation_fee(
        CancellationPolicy.from_json(terms),
        record.check_in,
        house.check_in_time,
        ZoneInfo(house.time_zone),
        now,
        nightly,
        total,
    )
