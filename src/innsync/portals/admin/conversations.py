"""What guests write through channels: who waits for an answer, the conversation, and answering."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from innsync.apps.accounts.roles import Ability
from innsync.apps.messaging import services
from innsync.apps.messaging.models import Conversation, GuestMessage
from innsync.apps.messaging.selectors import (
    conversation_of,
    get_conversation,
    get_said,
    list_conversations,
    list_said,
    list_unread,
)
from innsync.apps.reservations.models import Booking
from innsync.domain.errors import DomainError
from innsync.portals.access import Done, Visitor, action, fragment, page
from innsync.portals.admin.choice import CHOSEN, Choice, named_property
from innsync.portals.admin.desk import get_booking
from innsync.portals.admin.pages import show
from innsync.portals.once import only_once
from innsync.portals.words import Condition, channel_name, refusal

SHOWN = 50
LISTS = {"waiting": gettext_lazy("To answer"), "all": gettext_lazy("All")}
DELIVERIES = {
    services.WAITING: Condition(gettext_lazy("being sent"), "wait"),
    services.SENT: Condition(gettext_lazy("sent"), "good"),
    services.FAILED: Condition(gettext_lazy("not sent"), "bad"),
}


@dataclass(frozen=True, slots=True)
class Said:
    """A message as it is shown. who: as the reader calls them; state: of our own, what became of it."""

    message: GuestMessage
    who: str
    state: Condition | None

    @property
    def failed(self) -> bool:
        return self.message.delivery == services.FAILED


# --- one conversation


def thread_context(visitor: Visitor, conversation: Conversation | None, booking: Booking | None) -> dict[str, Any]:
    """What the conversation of a booking, or one without a booking, is shown from; empty where there can be none."""
    if conversation is None and (booking is None or not services.can_write(booking)):
        return {}
    link = conversation.connection if conversation else booking.connection if booking else None
    assert link is not None
    there = channel_name(link.vendor)
    guest = (booking.guest_name if booking else conversation.title if conversation else "") or _("Guest")
    found = list_said(conversation_id=conversation.id) if conversation else []
    return {
        "conversation": conversation,
        "said": [_said(one, guest, there) for one in found],
        "waits": conversation is not None and conversation.waits_since is not None,
        "talks_there": (conversation.site if conversation else "") or there,
        "talks": Ability.MANAGE_BOOKINGS in visitor.access.abilities and link.state != "left",
        "talk_zone": booking.property.time_zone if booking else conversation.property.time_zone if conversation else "",
        "unread": [one.words for one in list_unread(connection_id=link.id)],
        "longest": services.LONGEST,
    }


def _said(message: GuestMessage, guest: str, there: str) -> Said:
    if message.sender == "guest":
        who = guest
    elif message.sender == "property":
        who = message.written_by or _("Answered at %(channel)s") % {"channel": there}
    else:
        who = there
    return Said(message, who, DELIVERIES.get(message.delivery))


def booking_thread(visitor: Visitor, booking: Booking) -> dict[str, Any]:
    """The conversation on a booking's page, if it has one or can have one."""
    if booking.connection_id is None:
        return {}
    found = thread_context(visitor, conversation_of(booking), booking)
    if found:
        found["talk_live"] = reverse("booking-talk-live", args=[booking.id])
        found["talk_reply"] = reverse("booking-talk", args=[booking.id])
    return found


@fragment(Ability.SEE_BOOKINGS)
def booking_live(request: HttpRequest, visitor: Visitor, booking_id: UUID) -> HttpResponse:
    context = booking_thread(visitor, get_booking(visitor, booking_id))
    return render(request, "portals/admin/messages/_said.html", {"visitor": visitor, **context})


def _get(visitor: Visitor, conversation_id: UUID) -> Conversation:
    return visitor.seen(get_conversation(conversation_id=conversation_id))


def _context(visitor: Visitor, found: Conversation) -> dict[str, Any]:
    booking = get_booking(visitor, found.booking_id) if found.booking_id else None
    return {
        "booking": booking,
        **thread_context(visitor, found, booking),
        "talk_live": reverse("conversation-live", args=[found.id]),
        "talk_reply": reverse("conversation-reply", args=[found.id]),
    }


@page(Ability.SEE_BOOKINGS)
def conversation(request: HttpRequest, visitor: Visitor, conversation_id: UUID) -> HttpResponse:
    context = _context(visitor, _get(visitor, conversation_id))
    return show(request, visitor, "messages/one.html", context, section="today")


@fragment(Ability.SEE_BOOKINGS)
def conversation_live(request: HttpRequest, visitor: Visitor, conversation_id: UUID) -> HttpResponse:
    context = _context(visitor, _get(visitor, conversation_id))
    return render(request, "portals/admin/messages/_said.html", {"visitor": visitor, **context})


# --- answering


def _place(conversation: Conversation) -> str:
    """Where the conversation is read: on its booking's page, if it has one."""
    if conversation.booking_id:
        return reverse("booking", args=[conversation.booking_id]) + "#talk"
    return reverse("conversation", args=[conversation.id])


def _attempt(work: Callable[[], object], well: str, to: str) -> Done:
    try:
        work()
    except DomainError as error:  # nothing was written before it is raised
        return Done(refusal(error), to, well=False)
    return Done(well, to)


@action(Ability.MANAGE_BOOKINGS, back="messages")
def write(request: HttpRequest, visitor: Visitor, booking_id: UUID) -> Done | HttpResponse:
    """To the guest of a booking, who may have written nothing yet."""
    found = get_booking(visitor, booking_id)
    to = reverse("booking", args=[found.id]) + "#talk"
    text = request.POST.get("text", "")

    def send() -> Done:
        return _attempt(
            lambda: services.write_about(booking=found, text=text, now=datetime.now(UTC), actor=visitor.actor),
            _("Your message is on its way."),
            to,
        )

    return only_once(request, visitor, send)


@action(Ability.MANAGE_BOOKINGS, back="messages")
def reply(request: HttpRequest, visitor: Visitor, conversation_id: UUID) -> Done | HttpResponse:
    found = _get(visitor, conversation_id)
    text = request.POST.get("text", "")

    def send() -> Done:
        return _attempt(
            lambda: services.reply(conversation=found, text=text, now=datetime.now(UTC), actor=visitor.actor),
            _("Your message is on its way."),
            _place(found),
        )

    return only_once(request, visitor, send)


@action(Ability.MANAGE_BOOKINGS, back="messages")
def settle(request: HttpRequest, visitor: Visitor, conversation_id: UUID) -> Done:
    found = _get(visitor, conversation_id)
    services.settle(conversation_id=found.id, now=datetime.now(UTC))
    return Done(_("Nothing is to be answered here any more."), _place(found))


@action(Ability.MANAGE_BOOKINGS, back="messages")
def again(request: HttpRequest, visitor: Visitor, said_id: UUID) -> Done:
    """Send one that failed once more."""
    found = visitor.seen(get_said(message_id=said_id))
    services.try_again(message=found)
    return Done(_("Your message is on its way."), _place(found.conversation))


# --- all of them


@page(Ability.SEE_BOOKINGS)
def listed(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    context = _listed(request, visitor)
    return show(request, visitor, "messages/list.html", context, section="today")


@fragment(Ability.SEE_BOOKINGS)
def listed_live(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    return render(request, "portals/admin/messages/_list.html", {"visitor": visitor, **_listed(request, visitor)})


def _listed(request: HttpRequest, visitor: Visitor) -> dict[str, Any]:
    prop = named_property(request, visitor)
    which = request.GET.get("which", "waiting")
    which = which if which in LISTS else "waiting"
    text = request.GET.get("page", "")
    number = max(int(text), 1) if text.isdecimal() and len(text) < 5 else 1
    ids = frozenset({prop.id}) if prop else visitor.access.property_ids
    found = list_conversations(
        property_ids=ids, waiting=which == "waiting", limit=SHOWN + 1, offset=(number - 1) * SHOWN
    )
    choice = Choice.of(visitor, prop)
    kept = {CHOSEN: prop.code} if prop else {}

    def address(**said: str) -> str:
        return "?" + urlencode({"which": which, **kept, **said})

    query = request.META.get("QUERY_STRING", "")
    return {
        "choice": choice,
        "keep": [("which", which)],
        "which": which,
        "found": [_line(one) for one in found[:SHOWN]],
        "unread": list_unread(property_ids=ids),
        "many": prop is None and not choice.single,
        "lists": [(label, address(which=key), key == which) for key, label in LISTS.items()],
        "earlier": address(page=str(number - 1)) if number > 1 else "",
        "later": address(page=str(number + 1)) if len(found) > SHOWN else "",
        "now": datetime.now(UTC),
        "live_url": reverse("messages-live") + (f"?{query}" if query else ""),
    }


def _line(one: Conversation) -> dict[str, Any]:
    booking = one.booking
    return {
        "conversation": one,
        "booking": booking,
        "who": (booking.guest_name if booking else one.title) or _("Guest"),
        "there": one.site or channel_name(one.connection.vendor),
        "text": getattr(one, "last_text", "") or "",
        "from_guest": getattr(one, "last_sender", "") == "guest",
        "to": _place(one),
    }
