"""Disconnecting: what becomes of what the channel still sells is said, and chosen, before."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from innsync.apps.accounts.roles import Ability
from innsync.apps.distribution import leaving
from innsync.apps.distribution.models import Connection
from innsync.apps.reservations.models import Booking
from innsync.integrations.manifest import channel_name
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.choice import today_at
from innsync.portals.admin.pages import get_connection, show

LIVE = ("pending", "confirmed", "checked_in")


@page(Ability.MANAGE_CHANNELS)
def _ask(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> HttpResponse:
    link = get_connection(visitor, connection_id)
    context = {
        "link": link,
        "channel": channel_name(link.vendor),
        "staying": Booking.objects.filter(
            connection=link, status__in=LIVE, check_out__gte=today_at(link.property)
        ).count(),
    }
    return show(request, visitor, "connection/disconnect.html", context, section="connections")


@action(Ability.MANAGE_CHANNELS, back="connections")
def _do(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> Done:
    link = get_connection(visitor, connection_id)
    Connection.objects.select_for_update().get(id=link.id)
    link.refresh_from_db()
    said = {"channel": channel_name(link.vendor), "property": link.property.name}
    if link.state == "left":
        return Done(_("%(property)s was disconnected from %(channel)s already.") % said, reverse("connections"))
    if request.POST.get("how") == "leave":
        leaving.leave(connection_id=link.id)
        words = _("%(property)s is disconnected. %(channel)s goes on showing what it last accepted: close it there.")
        return Done(words % said, reverse("connection", args=[link.id]))
    leaving.close_and_leave(connection=link, now=datetime.now(UTC))
    words = _("%(property)s is being taken off sale at %(channel)s. As soon as that is accepted, it is disconnected.")
    return Done(words % said, reverse("connection", args=[link.id]))


disconnect = confirmed(ask=_ask, do=_do)
