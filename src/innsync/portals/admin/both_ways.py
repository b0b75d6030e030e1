"""Channels that are told bookings: how far each has reached them, and what counts when both sides changed one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from innsync.apps.accounts.roles import Ability
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import booking_sync
from innsync.apps.distribution.booking_sync import NothingToDecide, Rule
from innsync.apps.distribution.models import Connection
from innsync.apps.inbox import services as inbox
from innsync.apps.inbox.models import Message
from innsync.apps.reservations.models import Booking
from innsync.domain.channel import BookingRevision, RevisionKind
from innsync.domain.money import Money
from innsync.integrations.manifest import channel_name
from innsync.portals import formats
from innsync.portals.access import Done, Visitor, action
from innsync.portals.admin.desk import get_booking
from innsync.portals.admin.pages import get_connection

STATES: dict[str, tuple[str | Promise, str]] = {
    "pending": (gettext_lazy("waits to be told"), "wait"),
    "synced": (gettext_lazy("the same there"), "good"),
    "failed": (gettext_lazy("not taken there"), "bad"),
    "conflict": (gettext_lazy("changed here and there"), "bad"),
}
RULES: dict[Rule, tuple[str | Promise, str | Promise]] = {
    Rule.PERSON: (
        gettext_lazy("A person decides"),
        gettext_lazy("Both stand as they are until somebody settles it on the booking’s page."),
    ),
    Rule.OURS: (gettext_lazy("Ours counts"), gettext_lazy("What stands here is told there again.")),
    Rule.THEIRS: (gettext_lazy("Theirs counts"), gettext_lazy("What is said there is taken over.")),
    Rule.NEWEST: (gettext_lazy("The newest counts"), gettext_lazy("Whichever side changed it last.")),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing about a booking that is otherwise there."""

    name: str
    here: str
    there: str


def lines_of(booking: Booking) -> list[dict[str, Any]]:
    """How far a booking has reached each channel that is told bookings; with what differs, where a person must decide."""
    found = []
    for line in booking_sync.list_of_booking(booking.id):
        sync = line["sync"]
        label, tone = STATES[sync.state]
        found.append(
            {
                **line,
                "channel": channel_name(line["vendor"]),
                "label": label,
                "tone": tone,
                "differences": _differences(booking, sync.theirs) if sync.state == "conflict" else [],
            }
        )
    return found


def _differences(booking: Booking, message_id: UUID) -> list[Difference]:
    message = Message.objects.filter(id=message_id).first()
    revisions = inbox.read_again(message) if message is not None else []
    return [] if not revisions else [one for one in _compare(booking, revisions[0]) if one.here != one.there]


def _compare(booking: Booking, there: BookingRevision) -> list[Difference]:
    """Field by field; what the message does not say is left out."""
    cancelled = there.kind is RevisionKind.CANCELLED
    here_cancelled = booking.status == "cancelled"
    words = {False: _("stands"), True: _("cancelled")}
    found = [Difference(_("State"), words[here_cancelled], words[cancelled])]
    if there.guest.name:
        found += [
            Difference(_("Guest"), booking.guest_name, there.guest.name),
            Difference(_("E-mail"), booking.guest_email, there.guest.email),
            Difference(_("Telephone"), booking.guest_phone, there.guest.phone),
        ]
    if there.rooms:
        check_in = min(room.stay.check_in for room in there.rooms)
        check_out = max(room.stay.check_out for room in there.rooms)
        found += [
            Difference(_("Check-in"), _day(booking.check_in), _day(check_in)),
            Difference(_("Check-out"), _day(booking.check_out), _day(check_out)),
            Difference(_("Rooms"), str(booking.room_stays.count()), str(len(there.rooms))),
        ]
    if there.total is not None:
        here_total = Money(booking.total_minor, booking.currency)
        found.append(Difference(_("Total"), formats.money(here_total), formats.money(there.total)))
    found.append(Difference(_("Requests"), booking.special_requests, there.special_requests))
    return found


def _day(day: date) -> str:
    return formats.day(day)


@action(Ability.MANAGE_BOOKINGS, back="bookings", whole=False)
def settle(request: HttpRequest, visitor: Visitor, booking_id: UUID, connection_id: UUID) -> Done:
    """Say which side counts, or have it told again. Messages are replayed in transactions of their own."""
    said = request.POST.get("keep", "")
    with tenant(visitor.access.organization_id):
        booking = get_booking(visitor, booking_id)
        link = get_connection(visitor, connection_id)
        if link.property_id != booking.property_id or not booking_sync.is_told_bookings(link.vendor):
            raise Http404
        channel, to = {"channel": channel_name(link.vendor)}, reverse("booking", args=[booking.id])
        if said == "again":
            booking_sync.retry(booking_id=booking.id, connection=link)
            return Done(_("%(channel)s is told again now.") % channel, to)
    try:
        inbox.decide(
            organization_id=visitor.access.organization_id, booking_id=booking.id, connection_id=link.id, keep=said
        )
    except NothingToDecide:
        return Done(_("There is nothing to decide any more: somebody settled it, or both agree."), to, well=False)
    if said == "ours":
        return Done(_("What stands here counts. %(channel)s is told it again.") % channel, to)
    return Done(_("What %(channel)s says counts, and stands here now.") % channel, to)


@action(Ability.MANAGE_CHANNELS, back="connections")
def choose(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> Done:
    link = get_connection(visitor, connection_id)
    if not booking_sync.is_told_bookings(link.vendor):
        raise Http404
    rule = request.POST.get("rule", "")
    booking_sync.choose_rule(connection=link, rule=rule)
    label, _words = RULES[Rule(rule)]
    return Done(
        _("From now on, when both sides changed a booking: %(rule)s.") % {"rule": label},
        reverse("connection", args=[link.id]),
    )


def rules_of(link: Connection) -> list[dict[str, Any]]:
    """What may be chosen; empty for a channel that is not told bookings."""
    if not booking_sync.is_told_bookings(link.vendor):
        return []
    chosen = booking_sync.rule_of(link)
    return [
        {"value": rule.value, "label": label, "words": words, "chosen": rule is chosen}
        for rule, (label, words) in RULES.items()
    ]
