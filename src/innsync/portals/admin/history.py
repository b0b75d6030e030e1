"""A booking's history as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from innsync.apps.reservations.history import list_entries
from innsync.apps.reservations.models import Booking
from innsync.integrations.manifest import channel_name, manifests
from innsync.portals.retelling import ReadersTongue

TITLES = {
    "booked": _("Booked"),
    "modified": _("Changed"),
    "cancelled": _("Cancelled"),
    "moved": _("Moved to another room type"),
    "placed": _("Given a room"),
    "unplaced": _("Taken out of its room"),
    "confirm": _("Confirmed"),
    "check_in": _("Checked in"),
    "undo_check_in": _("Check-in taken back"),
    "check_out": _("Checked out"),
    "undo_check_out": _("Check-out taken back"),
    "cancel": _("Cancelled"),
    "mark_no_show": _("Marked as no-show"),
    "reinstate": _("Reinstated"),
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
            title=str(TITLES.get(one.action, one.action.replace("_", " ").capitalize())),
            actor=_name(one.actor),
            sentences=one.sentences,
        )
        for one in reversed(
            list_entries(property_id=booking.property_id, booking_id=booking.id, tongue=ReadersTongue())
        )
    ]


def _name(actor: str) -> str:
    return channel_name(actor) if actor == "direct" or actor in manifests() else actor
