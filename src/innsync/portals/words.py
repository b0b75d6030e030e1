"""What the screens call things: states, reasons and refusals in words that say what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from innsync.apps.accounts.services import UnknownApiKey
from innsync.apps.distribution.conflicts import NoWayOut
from innsync.apps.distribution.health import FAILING_AFTER, Health
from innsync.apps.distribution.services import FullSyncTooSoon, MappedTwice
from innsync.apps.inbox.models import Message
from innsync.apps.inventory.services import SoldOut
from innsync.apps.people.invitations import AlreadyMember, InvitationOver, TooManyInvitations
from innsync.apps.people.rules import BeyondReach, LastAdministrator, NotYourself, UnknownMember
from innsync.apps.rates.services import NothingToUndo, UnknownChange
from innsync.apps.reservations.refusals import NotChangeable, StaleVersion, UnknownBooking
from innsync.domain.booking_state import BookingAction
from innsync.domain.errors import DomainError, IllegalTransition, InvalidField

BEHIND = timedelta(seconds=30)
"""From when on nights that wait are worth a word: a push takes well under a second."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A state in words. tone: `good`, `wait` or `bad`; advice: what a person may do about it."""

    label: str
    tone: str
    advice: str = ""


def condition(health: Health, now: datetime) -> Condition:
    """The one thing to know about a connection: the gravest that holds."""
    for holds, found in (
        (
            health.state == "unauthorised" or health.account_state == "unauthorised",
            Condition(
                "Credentials refused", "bad", "Nothing is sent until `innsync credentials` gives the account new ones."
            ),
        ),
        (
            health.state == "paused",
            Condition("Paused", "wait", "The channel goes on selling what it last accepted. Resume to go on."),
        ),
        (
            health.state == "resuming",
            Condition("Resuming", "wait", "Bookings of the gap are fetched first; then the calendar is sent."),
        ),
        (
            health.failures >= FAILING_AFTER,
            Condition("Failing", "bad", "It is tried again by itself, at longer and longer intervals."),
        ),
        (
            health.account_error != "" and health.silent,
            Condition("Bookings not fetched", "bad", "It is tried again by itself with every poll."),
        ),
        (
            health.alarming,
            Condition(
                "Alarm",
                "bad",
                f"{health.faulty_messages} of the last hour's {health.messages} messages were not accepted as a whole:"
                " see which below, and why.",
            ),
        ),
        (
            health.refused > 0,
            Condition("Cells refused", "bad", "See which nights, then change the value or the mapping."),
        ),
        (
            health.failures > 0,
            Condition("Trying again", "wait", "The last message did not go through. It is sent again by itself."),
        ),
        (
            health.account_error != "",
            Condition("Fetching again", "wait", "Bookings could not be fetched just now. It is tried again by itself."),
        ),
        (
            health.retry_reason == "limit" and health.retry_at is not None and health.retry_at > now,
            Condition("Slowed by the channel", "wait", "Its limit of calls is used up for the moment."),
        ),
        (
            health.waiting_since is not None and now - health.waiting_since > BEHIND,
            Condition("Behind", "wait", "Changes wait longer than they should: are the workers running?"),
        ),
        (health.waiting_since is not None, Condition("Sending", "good")),
    ):
        if holds:
            return found
    return Condition("In step", "good")


def remedy(message: Message) -> str:
    """What to do about a message that could not be applied."""
    if "is not mapped" in message.reason:
        if message.connection_id is None:
            return "Connect this property to the channel, then replay the message."
        return (
            "Add it to the mapping of this connection, then replay the message. The booking is kept here meanwhile,"
            " but it closes nothing on the other channels until then."
        )
    if message.reason.startswith("could not be read"):
        return "Innsync could not read it: report it with the raw message, and replay it after an update."
    return "Compare the raw message with what the channel shows. Replay it once the cause is mended."


MESSAGE_STATES = {
    "received": Condition("Received", "wait"),
    "applied": Condition("Applied", "good"),
    "needs_attention": Condition("Needs attention", "bad"),
    "superseded": Condition("Superseded", "plain"),
    "waiting": Condition("Waits for its booking", "wait"),
}

ACTIONS = {
    BookingAction.CONFIRM: _("Confirm"),
    BookingAction.CHECK_IN: _("Check in"),
    BookingAction.UNDO_CHECK_IN: _("Undo check-in"),
    BookingAction.CHECK_OUT: _("Check out"),
    BookingAction.UNDO_CHECK_OUT: _("Undo check-out"),
    BookingAction.CANCEL: _("Cancel…"),
    BookingAction.MARK_NO_SHOW: _("No-show"),
    BookingAction.REINSTATE: _("Reinstate"),
}

DONE = {
    BookingAction.CONFIRM: _("confirmed."),
    BookingAction.CHECK_IN: _("checked in."),
    BookingAction.UNDO_CHECK_IN: _("the check-in is taken back."),
    BookingAction.CHECK_OUT: _("checked out."),
    BookingAction.UNDO_CHECK_OUT: _("the check-out is taken back."),
    BookingAction.MARK_NO_SHOW: _("marked as no-show. The nights stay sold until the booking is cancelled."),
    BookingAction.REINSTATE: _("the booking holds again."),
}
"""What was done with a booking, as a sentence about its guest goes on."""

BOOKING_STATES = {
    "pending": Condition("Pending", "wait"),
    "confirmed": Condition("Confirmed", "good"),
    "checked_in": Condition("Checked in", "good"),
    "checked_out": Condition("Checked out", "plain"),
    "cancelled": Condition("Cancelled", "plain"),
    "no_show": Condition("No-show", "wait"),
}


def _sold_out(error: SoldOut) -> str:
    nights = ", ".join(f"{night.day} {night:%b %Y}" for night in sorted({night for _, night in error.nights}))
    return f"That room type has no room left on {nights}. Nothing was changed; choose another."


def _full_sync_too_soon(error: FullSyncTooSoon) -> str:
    return (
        f"That channel was sent everything at {error.last:%H:%M} UTC and minds it again before {error.again_at:%d %b %H:%M}"
        " UTC. Nothing was changed; ask for the full sync once more to confirm that you want it all the same."
    )


_REFUSALS: list[tuple[type[DomainError], Callable[[Any], str]]] = [
    (FullSyncTooSoon, _full_sync_too_soon),
    (SoldOut, _sold_out),
    (NoWayOut, lambda error: "This conflict was settled meanwhile, or this way does not fit it. Nothing was changed."),
    (
        InvalidField,
        lambda error: (
            f"{error.field.strip('/').replace('_', ' ').replace('/', ', ')}: {error.problem}. Nothing was changed."
        ),
    ),
    (
        MappedTwice,
        lambda error: f"Twice the same: {error.what} may stand for one thing there only. Nothing was changed.",
    ),
    (
        LastAdministrator,
        lambda error: str(_("Somebody must stay administrator of every property. Nothing was changed.")),
    ),
    (NotYourself, lambda error: str(_("Your own place is for another administrator to change. Nothing was changed."))),
    (BeyondReach, lambda error: str(_("That concerns properties that you don't manage. Nothing was changed."))),
    (UnknownMember, lambda error: str(_("They don't belong here any more. Nothing was changed."))),
    (InvitationOver, lambda error: str(_("That invitation was used or withdrawn meanwhile. Nothing was changed."))),
    (
        TooManyInvitations,
        lambda error: (
            str(
                _("As many invitations as an hour allows were sent; try again in %(minutes)s min. Nothing was changed.")
            )
            % {"minutes": -(-error.wait_s // 60)}
        ),
    ),
    (
        AlreadyMember,
        lambda error: str(_("%(email)s belongs here already. Nothing was changed.")) % {"email": error.email},
    ),
    (UnknownApiKey, lambda error: str(_("That key was withdrawn already. Nothing was changed."))),
    (StaleVersion, lambda error: "Somebody changed this booking meanwhile. Nothing was changed; look again first."),
    (UnknownBooking, lambda error: "That booking does not exist any more. Nothing was changed."),
    (
        NotChangeable,
        lambda error: f"A booking that is {error.status.replace('_', ' ')} can't be changed so. Nothing was changed.",
    ),
    (
        IllegalTransition,
        lambda error: (
            f"A booking that is {error.status.replace('_', ' ')} can't be taken that way. Nothing was changed."
        ),
    ),
    (NothingToUndo, lambda error: str(_("Everything that this set was changed again since. Nothing was changed."))),
    (UnknownChange, lambda error: str(_("That change does not exist. Nothing was changed."))),
]


def refusal(error: DomainError) -> str:
    """A refusal in words for a person."""
    for kind, words in _REFUSALS:
        if isinstance(error, kind):
            return words(error)
    return f"That is not possible: {error}. Nothing was changed."
