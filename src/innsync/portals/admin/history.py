"""A booking's history as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from innsync.apps.reservations.history import list_entries
from innsync.apps.reservations.models import Booking
from innsync.integrations.manifest import channel_name, manifests

TITLES = {
    "booked": "Booked",
    "modified": "Changed",
    "cancelled": "Cancelled",
    "moved": "Moved to another room type",
    "placed": "Given a room",
    "unplaced": "Taken out of its room",
    "confirm": "Confirmed",
    "check_in": "Checked in",
    "undo_check_in": "Check-in taken back",
    "check_out": "Checked out",
    "undo_check_out": "Check-out taken back",
    "cancel": "Cancelled",
    "mark_no_show": "Marked as no-show",
    "reinstate": "Reinstated",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One revision: what happened, by whom, and what it changed."""

    number: int
    at: datetime
    title: str
    actor: str
    sentences: list[str]


def entries(booking: Booking) -> list[Entry]:
    """The booking's revisions, the newest first."""
    return [
        Entry(
            number=one.number,
            at=one.at,
            title=TITLES.get(one.action, one.action.replace("_", " ").capitalize()),
            actor=_name(one.actor),
            sentences=one.sentences,
        )
        for one in reversed(list_entries(property_id=booking.property_id, booking_id=booking.id))
    ]


def _name(actor: str) -> str:
    return channel_name(actor) if actor == "direct" or actor in manifests() else actor
