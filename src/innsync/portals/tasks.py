"""What is written to guests without a person at a page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import structlog
from procrastinate.contrib.django import app

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.calls.keeping import everybody
from innsync.apps.events.jobs import A_FEW_TIMES, job
from innsync.apps.events.relay import Entry, handles
from innsync.apps.rates.selectors import get_house
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.models import Booking
from innsync.apps.reservations.services.mails import CONFIRMATION, take_letter
from innsync.domain.booking_state import HOLDS_STOCK
from innsync.domain.errors import InvalidField

log = structlog.get_logger()


@app.periodic(cron="*/5 * * * *")
@job("watch_calls", queueing_lock="watch_calls")
def watch_calls(timestamp: int) -> None:
    """Tell of unusual use; an organization where that fails does not keep the others from it."""
    from innsync.portals import call_alerts  # words: only where something is told

    for organization_id in everybody():
        try:
            call_alerts.watch_calls(organization_id, datetime.fromtimestamp(timestamp, UTC))
        except Exception:
            log.exception("calls_not_watched", organization_id=str(organization_id))


@handles("confirm_by_mail")
def confirm(organization_id: UUID, entries: Sequence[Entry]) -> None:
    """A job for each booking: writing a letter takes longer than the relay may."""
    for entry in entries:
        app.configure_task(confirm_by_mail.name).defer(
            organization_id=str(organization_id), booking_id=entry.payload["booking_id"]
        )


@job("confirm_by_mail", retry=A_FEW_TIMES)
def confirm_by_mail(organization_id: UUID, booking_id: UUID) -> None:
    """Mail the confirmation of a new direct booking, once, if its property still wants that and it still holds.

    Not more than a few an hour to one address: whoever books for others can name anybody's.
    """
    from innsync.portals.letters import (  # templates and words: only where a letter is written
        is_to_come,
        send_confirmation,
    )

    with tenant(organization_id):
        found = (
            Booking.objects.select_for_update(of=("self",))
            .select_related("property")
            .filter(id=booking_id, status__in=HOLDS_STOCK)
            .first()
        )
        now = datetime.now(UTC)
        if found is None or not is_to_come(found, now) or found.mails.filter(kind=CONFIRMATION).exists():
            return
        house = get_house(organization_id=organization_id, key=found.property_id)
        if not reservations.confirms(house):
            return
        if not take_letter(property_id=found.property_id, to=found.guest_email, now=now):
            log.warning("confirmation_held_back", booking=found.code)
            return
        try:
            send_confirmation(booking=found, now=now, actor="")
        except InvalidField:  # what was given as an address is none: a person sees that on the booking
            return
