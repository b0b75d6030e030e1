"""A booking's history as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from innsync.apps.reservations.history import list_entries
from innsync.apps.reservations.models import Booking
from innsync.integrations.manifest import manifests
from innsync.portals.retelling import ReadersTongue
from innsync.portals.words import channel_name

TITLES = {
    "booked": _("Booked"),
    "imported": _("Imported from a file"),
    "modified": _("Changed"),
    "cancelled": _("Cancelled"),
    "moved": _("Moved to another room type"),
    "placed": _("Given a room"),
    "unplaced": _("Taken out of its room"),
    "split": _("Given two rooms, one after the other"),
    "pinned": _("Kept in its room"),
    "unpinned": _("May be given another room again"),
    "undone": _("Taken back"),
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
    """What happened, by whom (nobody where it is empty), and what it changed. number: the revision's; 0 for a mail."""

    number: int
    at: datetime
    title: str
    actor: str
    sentences: list[str]


MAILS = {"confirmation": _("Confirmation mailed")}


def entries(booking: Booking) -> list[Entry]:
    """The booking's revisions and the mails to its guest, the newest first."""
    return sorted([*_revisions(booking), *_mails(booking)], key=lambda one: (one.at, one.number), reverse=True)


def _mails(booking: Booking) -> list[Entry]:
    return [
        Entry(0, one.at, str(MAILS.get(one.kind, one.kind)), one.actor, [_to(one.to)]) for one in booking.mails.all()
    ]


def _to(address: str) -> str:
    return gettext("To %(address)s") % {"address": address}


def _revisions(booking: Booking) -> list[Entry]:
    return [
        Entry(
            number=one.number,
            at=one.at,
            title=str(TITLES.get(one.action, one.action.replace("_", " ").capitalize())),
            actor=_name(one.actor),
            sentences=one.sentences,
        )
        for one in list_entries(
            property_id=booking.property_id, booking_id=booking.id, internal=True, tongue=ReadersTongue()
        )
    ]


def _name(actor: str) -> str:
    return channel_name(actor) if actor == "direct" or actor in manifests() else actor
