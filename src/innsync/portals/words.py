"""What the screens call things: states, reasons and refusals in words that say what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext, pgettext

from innsync.apps.accounts.services import UnknownApiKey
from innsync.apps.automation.services import OrderClosed, UnknownOrder
from innsync.apps.distribution.conflicts import NoWayOut
from innsync.apps.distribution.health import FAILING_AFTER, Health
from innsync.apps.distribution.services import FullSyncTooSoon, MappedTwice
from innsync.apps.inbox.models import Message
from innsync.apps.inventory.services import SoldOut
from innsync.apps.inventory.withholding import NothingToPutBack, UnknownWithholding
from innsync.apps.people.invitations import AlreadyMember, InvitationOver, TooManyInvitations
from innsync.apps.people.rules import BeyondReach, LastAdministrator, NotYourself, UnknownMember
from innsync.apps.rates.services import NothingToUndo, UnknownChange
from innsync.apps.reservations.refusals import NotChangeable, StaleVersion, UnknownBooking
from innsync.domain.booking_state import BookingAction
from innsync.domain.errors import DomainError, IllegalTransition, InvalidField
from innsync.integrations import manifest
from innsync.portals import formats
from innsync.portals.retelling import retell


def channel_name(key: str) -> str:
    """A channel's own name; what was sold by nobody else is direct."""
    return pgettext("channel", "Direct") if key == "direct" else manifest.channel_name(key)


BEHIND = timedelta(seconds=30)
"""From when on nights that wait are worth a word: a push takes well under a second."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A state in words. tone: `good`, `wait` or `bad`; advice: what a person may do about it."""

    label: str | Promise
    tone: str
    advice: str = ""


def condition(health: Health, now: datetime) -> Condition:
    """The one thing to know about a connection: the gravest that holds."""
    for holds, found in (
        (
            (health.state == "unauthorised" or health.account_state == "unauthorised") and health.state != "left",
            Condition(
                _("Credentials refused"),
                "bad",
                _("Nothing is sent until the access has new ones: give them under “Credentials”."),
            ),
        ),
        (
            health.state == "left",
            Condition(
                _("Disconnected"),
                "plain",
                _("Nothing is sent. The channel shows what it last accepted, or what was changed there since."),
            ),
        ),
        (
            health.state == "closing" and health.refused > 0,
            Condition(
                _("Not all is off sale"),
                "bad",
                _("The channel refused to close some nights: close them in its extranet, then disconnect it."),
            ),
        ),
        (
            health.state == "closing" and health.failures < FAILING_AFTER,
            Condition(
                _("Disconnecting"), "wait", _("Every room is taken off sale there first; then it is disconnected.")
            ),
        ),
        (
            health.state == "paused",
            Condition(_("Paused"), "wait", _("The channel goes on selling what it last accepted. Resume to go on.")),
        ),
        (
            health.state == "resuming",
            Condition(_("Resuming"), "wait", _("Bookings of the gap are fetched first; then the calendar is sent.")),
        ),
        (
            # The one fault after which no next try is set; a lost answer or a refusal has one.
            health.failures > 0 and health.retry_reason == "fault" and health.retry_at is None,
            Condition(
                _("A setting is missing"),
                "bad",
                _("Mend what the words below say, most often under “Mapping”; it is sent at the next look."),
            ),
        ),
        (
            health.failures >= FAILING_AFTER,
            Condition(_("Failing"), "bad", _("It is tried again by itself, at longer and longer intervals.")),
        ),
        (
            health.account_error != "" and health.silent,
            Condition(_("Bookings not fetched"), "bad", _("It is tried again by itself with every poll.")),
        ),
        (
            health.alarming,
            Condition(
                _("Alarm"),
                "bad",
                ngettext(
                    "%(faulty)d of the last hour's %(count)d message was not accepted as a whole: see which below, and why.",
                    "%(faulty)d of the last hour's %(count)d messages were not accepted as a whole: see which below, and why.",
                    health.messages,
                )
                % {"faulty": health.faulty_messages, "count": health.messages},
            ),
        ),
        (
            health.refused > 0,
            Condition(_("Cells refused"), "bad", _("See which nights, then change the value or the mapping.")),
        ),
        (
            health.failures > 0,
            Condition(_("Trying again"), "wait", _("The last message did not go through. It is sent again by itself.")),
        ),
        (
            health.account_error != "",
            Condition(
                _("Fetching again"), "wait", _("Bookings could not be fetched just now. It is tried again by itself.")
            ),
        ),
        (
            health.retry_reason == "limit" and health.retry_at is not None and health.retry_at > now,
            Condition(_("Slowed by the channel"), "wait", _("Its limit of calls is used up for the moment.")),
        ),
        (
            health.waiting_since is not None and now - health.waiting_since > BEHIND,
            Condition(_("Behind"), "wait", _("Changes wait longer than they should: are the workers running?")),
        ),
        (health.waiting_since is not None, Condition(_("Sending"), "good")),
    ):
        if holds:
            return found
    return Condition(_("In step"), "good")


def remedy(message: Message) -> str:
    """What to do about a message that could not be applied."""
    if "is not mapped" in message.reason:
        if message.connection_id is None:
            return _("Connect this property to the channel, then replay the message.")
        return _(
            "Add it to the mapping of this connection, then replay the message. The booking is kept here meanwhile,"
            " but it closes nothing on the other channels until then."
        )
    if message.reason.startswith("could not be read"):
        return _("Innsync could not read it: report it with the raw message, and replay it after an update.")
    return _("Compare the raw message with what the channel shows. Replay it once the cause is mended.")


MESSAGE_STATES = {
    "received": Condition(lazy("Received"), "wait"),
    "applied": Condition(lazy("Applied"), "good"),
    "needs_attention": Condition(lazy("Needs attention"), "bad"),
    "superseded": Condition(lazy("Superseded"), "plain"),
    "waiting": Condition(lazy("Waits for its booking"), "wait"),
}

ACTIONS = {
    BookingAction.CONFIRM: lazy("Confirm"),
    BookingAction.CHECK_IN: lazy("Check in"),
    BookingAction.UNDO_CHECK_IN: lazy("Undo check-in"),
    BookingAction.CHECK_OUT: lazy("Check out"),
    BookingAction.UNDO_CHECK_OUT: lazy("Undo check-out"),
    BookingAction.CANCEL: lazy("Cancel…"),
    BookingAction.MARK_NO_SHOW: lazy("No-show"),
    BookingAction.REINSTATE: lazy("Reinstate"),
}

DONE = {
    BookingAction.CONFIRM: lazy("confirmed."),
    BookingAction.CHECK_IN: lazy("checked in."),
    BookingAction.UNDO_CHECK_IN: lazy("the check-in is taken back."),
    BookingAction.CHECK_OUT: lazy("checked out."),
    BookingAction.UNDO_CHECK_OUT: lazy("the check-out is taken back."),
    BookingAction.MARK_NO_SHOW: lazy("marked as no-show. The nights stay sold until the booking is cancelled."),
    BookingAction.REINSTATE: lazy("the booking holds again."),
}
"""What was done with a booking, as a sentence about its guest goes on."""

BOOKING_STATES = {
    "pending": Condition(lazy("Pending"), "wait"),
    "confirmed": Condition(lazy("Confirmed"), "good"),
    "checked_in": Condition(lazy("Checked in"), "good"),
    "checked_out": Condition(lazy("Checked out"), "plain"),
    "cancelled": Condition(lazy("Cancelled"), "plain"),
    "no_show": Condition(lazy("No-show"), "wait"),
}


def _sold_out(error: SoldOut) -> str:
    nights = formats.listed(formats.short_day(night) for night in sorted({night for _type, night in error.nights}))
    return _("That room type has no room left on %(nights)s. Nothing was changed; choose another.") % {"nights": nights}


def _full_sync_too_soon(error: FullSyncTooSoon) -> str:
    here = timezone.get_current_timezone()
    return _(
        "That channel was sent everything on %(last)s and minds it again before %(again)s. Nothing was changed; ask for the"
        " full sync once more to confirm that you want it all the same."
    ) % {"last": formats.moment(error.last, here), "again": formats.moment(error.again_at, here)}


FIELDS = {
    "adults": lazy("Adults"),
    "ages": lazy("Ages of children"),
    "amenities": lazy("Amenities"),
    "amount": lazy("Amount"),
    "assignee": lazy("Who does it"),
    "beds": lazy("Beds"),
    "calls_per_minute": lazy("Calls a minute"),
    "cells": lazy("Nights"),
    "check_in": lazy("Arrival"),
    "check_out": lazy("Departure"),
    "child_ages": lazy("Ages of children"),
    "code": lazy("Code"),
    "credentials": lazy("Credentials"),
    "currency": lazy("Currency"),
    "day": lazy("Date"),
    "days": lazy("Days"),
    "derivation": lazy("Derived from"),
    "due_on": lazy("Due on"),
    "email": lazy("E-mail"),
    "exchange_rate": lazy("Exchange rate"),
    "expires_at": lazy("Expiry"),
    "external_id": lazy("Property id there"),
    "external_room": lazy("Room there"),
    "first": lazy("First night"),
    "from_day": lazy("First day"),
    "ip_allowlist": lazy("Addresses allowed"),
    "kind": lazy("Kind"),
    "last": lazy("Last night"),
    "markup_percent": lazy("Markup"),
    "max_occupancy": lazy("Most guests"),
    "name": lazy("Name"),
    "names": lazy("Names"),
    "nights": lazy("Nights"),
    "occupancies": lazy("Number of guests"),
    "overlap": lazy("Overlap"),
    "product_id": lazy("Rate"),
    "properties": lazy("Properties"),
    "property_ids": lazy("Properties"),
    "rate_plan": lazy("Rate"),
    "rates": lazy("Rates"),
    "role": lazy("Role"),
    "room": lazy("Room"),
    "room_type": lazy("Room type"),
    "room_type_id": lazy("Room type"),
    "rooms": lazy("Rooms"),
    "scopes": lazy("Scopes"),
    "stays": lazy("Stays"),
    "time_zone": lazy("Time zone"),
    "value": lazy("Value"),
    "values": lazy("Values"),
    "vendor": lazy("Channel"),
    "price": lazy("Price"),
    "min_stay_arrival": lazy("Minimum stay on arrival"),
    "min_stay_through": lazy("Minimum stay through"),
    "max_stay": lazy("Maximum stay"),
    "closed_to_arrival": lazy("Closed to arrival"),
    "closed_to_departure": lazy("Closed to departure"),
    "stop_sell": lazy("Stop sell"),
}
"""What the parts of a pointer to a field are called."""


def field_words(pointer: str) -> str:
    """`/rooms/0/room_type_id` as `Rooms, 1, Room type`."""
    steps = [step for step in pointer.split("/") if step]
    words = (
        str(int(step) + 1) if step.isdecimal() else str(FIELDS.get(step, step.replace("_", " "))) for step in steps
    )
    return formats.listed(words)


def _invalid_field(error: InvalidField) -> str:
    said = {"field": field_words(error.field), "problem": retell(str(error.problem))}
    return _("%(field)s: %(problem)s. Nothing was changed.") % said


def in_state(status: str) -> str:
    """A booking's state as it stands within a sentence."""
    return str(_WITHIN.get(status, status.replace("_", " ")))


_WITHIN = {
    "pending": lazy("pending"),
    "confirmed": lazy("confirmed"),
    "checked_in": lazy("checked in"),
    "checked_out": lazy("checked out"),
    "cancelled": lazy("cancelled"),
    "no_show": lazy("no-show"),
}


_REFUSALS: list[tuple[type[DomainError], Callable[[Any], str]]] = [
    (FullSyncTooSoon, _full_sync_too_soon),
    (SoldOut, _sold_out),
    (
        NoWayOut,
        lambda error: _("This conflict was settled meanwhile, or this way does not fit it. Nothing was changed."),
    ),
    (InvalidField, _invalid_field),
    (
        MappedTwice,
        lambda error: (
            _("Twice the same: %(what)s may stand for one thing there only. Nothing was changed.")
            % {"what": retell(error.what)}
        ),
    ),
    (
        LastAdministrator,
        lambda error: _("Somebody must stay administrator of every property. Nothing was changed."),
    ),
    (NotYourself, lambda error: _("Your own place is for another administrator to change. Nothing was changed.")),
    (BeyondReach, lambda error: _("That concerns properties that you don't manage. Nothing was changed.")),
    (UnknownMember, lambda error: _("They don't belong here any more. Nothing was changed.")),
    (InvitationOver, lambda error: _("That invitation was used or withdrawn meanwhile. Nothing was changed.")),
    (
        TooManyInvitations,
        lambda error: (
            _("As many invitations as an hour allows were sent; try again in %(minutes)s min. Nothing was changed.")
            % {"minutes": -(-error.wait_s // 60)}
        ),
    ),
    (
        AlreadyMember,
        lambda error: _("%(email)s belongs here already. Nothing was changed.") % {"email": error.email},
    ),
    (UnknownApiKey, lambda error: _("That key was withdrawn already. Nothing was changed.")),
    (StaleVersion, lambda error: _("Somebody changed this booking meanwhile. Nothing was changed; look again first.")),
    (UnknownBooking, lambda error: _("That booking does not exist any more. Nothing was changed.")),
    (
        NotChangeable,
        lambda error: (
            _("A booking that is %(state)s can't be changed so. Nothing was changed.")
            % {"state": in_state(error.status)}
        ),
    ),
    (
        IllegalTransition,
        lambda error: (
            _("A booking that is %(state)s can't be taken that way. Nothing was changed.")
            % {"state": in_state(error.status)}
        ),
    ),
    (UnknownOrder, lambda error: _("That order does not exist any more. Nothing was changed.")),
    (
        OrderClosed,
        lambda error: _("“%(what)s” was done or cancelled already. Nothing was changed.") % {"what": error.what},
    ),
    *(
        (kind, lambda error: _("Everything that this set was changed again since. Nothing was changed."))
        for kind in (NothingToUndo, NothingToPutBack)
    ),
    *(
        (kind, lambda error: _("That change does not exist. Nothing was changed."))
        for kind in (UnknownChange, UnknownWithholding)
    ),
]


def refusal(error: DomainError) -> str:
    """A refusal in words for a person."""
    for kind, words in _REFUSALS:
        if isinstance(error, kind):
            return words(error)
    return _("That is not possible: %(why)s. Nothing was changed.") % {"why": error}
