"""What guests owe the house: of one booking, line by line, and of many, in the database."""

from __future__ import annotations

from django.db.models import BigIntegerField, Case, F, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from innsync.apps.automation.selectors import charged_minor, charged_services, list_orders_of
from innsync.apps.reservations.models import Booking
from innsync.domain.booking_state import HOLDS_STOCK, BookingStatus
from innsync.domain.folio import Folio, open_folio
from innsync.domain.money import Money

PAID_THERE = "channel"
"""Who collects what the stay costs, where that is not the house."""


def folio_of(booking: Booking) -> Folio:
    """What the guest owes the house."""
    fee = booking.cancellation_fee_minor
    return open_folio(
        total=Money(booking.total_minor, booking.currency),
        owed_instead=Money(fee, booking.currency) if fee is not None else None,
        holds=BookingStatus(booking.status) in HOLDS_STOCK,
        services=charged_services(list_orders_of(booking_id=booking.id), booking.currency, booking.status),
        paid_there=booking.payment.get("collect") == PAID_THERE,
    )


def owed_minor() -> Combinable:
    """The balance of that folio for a query of bookings, in minor units of each one's currency."""
    stay = Case(
        When(cancellation_fee_minor__isnull=False, then=F("cancellation_fee_minor")),
        When(payment__collect=PAID_THERE, then=Value(0)),
        When(status__in=HOLDS_STOCK, then=F("total_minor")),
        default=Value(0),
        output_field=BigIntegerField(),
    )
    return stay + Coalesce(charged_minor(), Value(0), output_field=BigIntegerField())
