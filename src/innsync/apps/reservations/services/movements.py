"""A channel says that a booking's guests came, or left."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from innsync.apps.reservations import records
from innsync.apps.reservations.services.telling import tell
from innsync.domain.booking_state import BookingAction, BookingStatus
from innsync.domain.channel import RevisionKind
from innsync.domain.errors import IllegalTransition
from innsync.domain.wording import told

_MOVES = {
    RevisionKind.CHECKED_IN: (BookingStatus.CHECKED_IN, BookingAction.CHECK_IN, "booking.checked_in"),
    RevisionKind.CHECKED_OUT: (BookingStatus.CHECKED_OUT, BookingAction.CHECK_OUT, "booking.checked_out"),
}


def move_along(
    known: records.Record | None, kind: RevisionKind, *, now: datetime, channel: str
) -> tuple[Literal["applied", "waiting"], UUID | None]:
    """Take it as a fact; told again, or late, it changes nothing. It waits for a booking that has not come yet.

    Raises IllegalTransition for a booking that is cancelled here: a person must see to who stands at the desk.
    """
    if known is None:
        return "waiting", None
    status, action, event = _MOVES[kind]
    if known.status == BookingStatus.CANCELLED:
        raise IllegalTransition(status=known.status, action=action.value)
    if known.status in (status, BookingStatus.CHECKED_OUT):
        return "applied", known.id
    before = records.snapshot(known)
    known.status = status
    known.cancellation_fee_minor = None  # of one that had been taken for a no-show
    known.updated_at = now
    records.update(known, before=before, actor=channel, action=action.value)
    tell(known, now=now, event=event, cause=told(f"{action} of booking {known.code}"), action=action.value)
    return "applied", known.id
