"""The inbox: what came in, what of it asks for a person, and trying it again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from innsync.apps.accounts.roles import Ability
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.inbox import services
from innsync.apps.inbox.models import Message
from innsync.apps.inbox.selectors import list_messages, list_needing_attention
from innsync.integrations.manifest import channel_name
from innsync.portals.access import Done, Visitor, action, page
from innsync.portals.admin.pages import show
from innsync.portals.retelling import retell
from innsync.portals.words import MESSAGE_STATES, remedy

SHOWN_LETTERS = 200_000
MOST_REPLAYED = 5_000


def line(message: Message) -> dict[str, Any]:
    """A message as lists show it."""
    link = message.connection
    return {
        "message": message,
        "channel": channel_name(message.vendor),
        "state": MESSAGE_STATES[message.state],
        "property": link.property.name if link else message.property_ref or _("unknown property"),
        "remedy": remedy(message) if message.state == "needs_attention" else "",
    }


@page(Ability.SEE_CHANNELS)
def inbox(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    seen = visitor.access.property_ids
    before = _cursor(request)
    latest, more = list_messages(property_ids=seen, before=before)
    context = {
        "needing": [line(one) for one in list_needing_attention(property_ids=seen)] if before is None else [],
        "latest": [line(one) for one in latest],
        "before": before,
        "more": more,
    }
    return show(request, visitor, "inbox.html", context, section="inbox")


def _cursor(request: HttpRequest) -> UUID | None:
    """Where to read on from; an unreadable place is the beginning."""
    try:
        return UUID(request.GET.get("before", ""))
    except ValueError:
        return None


def _get_message(visitor: Visitor, message_id: UUID) -> Message:
    message = Message.objects.select_related("connection__property", "booking").filter(id=message_id).first()
    property_id = message.connection.property_id if message and message.connection else None
    if message is None or not visitor.access.sees(property_id):
        raise Http404
    return message


@page(Ability.SEE_CHANNELS)
def message(request: HttpRequest, visitor: Visitor, message_id: UUID) -> HttpResponse:
    found = _get_message(visitor, message_id)
    text = bytes(found.body).decode("utf-8", "replace")
    context = {
        **line(found),
        "text": text[:SHOWN_LETTERS],
        "cut": max(0, len(text) - SHOWN_LETTERS),
    }
    return show(request, visitor, "message.html", context, section="inbox")


@action(Ability.MANAGE_CHANNELS, back="inbox", whole=False)
def replay(request: HttpRequest, visitor: Visitor, message_id: UUID) -> Done:
    organization_id = visitor.access.organization_id
    to = reverse("message", args=[message_id])
    with tenant(organization_id):
        found = _get_message(visitor, message_id)
    if found.state != "needs_attention":
        return Done(_("This message needs no attention any more."), to)
    services.replay(organization_id=organization_id, message_ids=[found.id])
    with tenant(organization_id):
        found.refresh_from_db()
    if found.state == "needs_attention":
        return Done(_("It still can't be applied: %(reason)s.") % {"reason": retell(found.reason)}, to, well=False)
    return Done(_("Tried again: %(state)s.") % {"state": MESSAGE_STATES[found.state].label}, to)


@action(Ability.MANAGE_CHANNELS, back="inbox", whole=False)
def replay_all(request: HttpRequest, visitor: Visitor) -> Done:
    """Batch by batch, each for itself: what is done is done, and nobody waits for rooms longer than a batch takes."""
    organization_id = visitor.access.organization_id
    with tenant(organization_id):
        every = list_needing_attention(property_ids=visitor.access.property_ids, limit=MOST_REPLAYED)
    waiting = [one.id for one in every]
    services.replay(organization_id=organization_id, message_ids=waiting)
    with tenant(organization_id):
        left = Message.objects.filter(id__in=waiting, state__in=("needs_attention", "received")).count()
    words = ngettext(
        "%(done)d of %(count)d message tried again with success.",
        "%(done)d of %(count)d messages tried again with success.",
        len(waiting),
    ) % {"done": len(waiting) - left, "count": len(waiting)}
    return Done(words, reverse("inbox"), well=not left)
