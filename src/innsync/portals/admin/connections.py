"""One connection: which nights wait or were refused, what was sent; and what a person may do with it."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from innsync.apps.accounts.roles import Ability
from innsync.apps.distribution import services, tasks
from innsync.apps.distribution.health import list_health, list_refused, list_waiting
from innsync.apps.distribution.models import Connection, Drift, PushLog
from innsync.apps.distribution.replaced import list_said_differently
from innsync.domain.wording import told
from innsync.integrations.manifest import channel_name, manifests
from innsync.portals import formats
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.both_ways import rules_of
from innsync.portals.admin.connection.chart import chart_of, limits_of
from innsync.portals.admin.connection.pushes import outcome_words
from innsync.portals.admin.overview import cards_of
from innsync.portals.admin.pages import get_connection, show

WAITING_SHOWN = 25
PUSHES_SHOWN = 10
DRIFT_SHOWN = 50
DIFFERENT_SHOWN = 25


@page(Ability.SEE_CHANNELS)
def connection(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> HttpResponse:
    link = get_connection(visitor, connection_id)
    now = datetime.now(UTC)
    waiting = list_waiting(connection_id=link.id, limit=WAITING_SHOWN + 1)
    different = list_said_differently(connection_id=link.id, now=now)
    drift = Drift.objects.filter(connection=link).order_by("day", "room", "rate", "field")
    shown = PushLog.objects.filter(connection=link).defer("body", "answer").order_by("-at", "-id")[:PUSHES_SHOWN]
    context = {
        **chart_of(link, now, request.GET.get("over", "")),
        "limits": limits_of(link, now),
        "rules": rules_of(link),
        "may_change": Ability.MANAGE_CHANNELS in visitor.access.abilities,
        "link": link,
        "manifest": manifests()[link.vendor],
        "now": now,
        "zone": link.property.time_zone,
        "card": cards_of(list_health(now=now, connection_id=link.id), now)[0],
        "waiting": waiting[:WAITING_SHOWN],
        "more_waiting": len(waiting) > WAITING_SHOWN,
        "refused": list_refused(connection_id=link.id),
        "different": different[:DIFFERENT_SHOWN],
        "more_different": len(different) - DIFFERENT_SHOWN,
        "pushes": [(one, *outcome_words(one)) for one in shown],
        "drift": drift.filter(at=link.last_audit_at)[:DRIFT_SHOWN] if link.last_audit_at else [],
    }
    return show(request, visitor, "connection.html", context, section="connections")


@action(Ability.MANAGE_CHANNELS, back="connections")
def pause(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> Done:
    link = get_connection(visitor, connection_id)
    services.pause(connection=link)
    return _done(request, link, _("%(link)s is paused. It goes on selling what it last accepted."))


@action(Ability.MANAGE_CHANNELS, back="connections")
def resume(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> Done:
    link = get_connection(visitor, connection_id)
    services.resume(connection=link, now=datetime.now(UTC))
    return _done(request, link, _("%(link)s resumes: bookings of the gap are fetched, then the calendar is sent."))


@action(Ability.MANAGE_CHANNELS, back="connections")
def audit(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> Done:
    link = get_connection(visitor, connection_id)
    tasks.enqueue_audit(link.organization_id, link.id)
    return _done(request, link, _("%(link)s will be read back and compared. The result appears under “Last audit”."))


@page(Ability.MANAGE_CHANNELS)
def _ask_full_sync(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> HttpResponse:
    link = get_connection(visitor, connection_id)
    again_at = services.full_sync_from(link)
    too_soon = again_at is not None and datetime.now(UTC) < again_at
    context = {
        "title": _("Send everything to %(channel)s again?") % {"channel": channel_name(link.vendor)},
        "advice": [
            _(
                "Every night of %(property)s up to the horizon (%(nights)d nights) is sent again, whatever the channel has"
                " accepted before."
            )
            % {"property": link.property.name, "nights": link.horizon_days},
            _(
                "It is rarely needed: differences are found and sent by themselves. It uses up the channel's calls for a"
                " while."
            ),
            *([_minds(link)] if too_soon else []),
        ],
        "do": _("Send everything all the same") if too_soon else _("Send everything"),
        "hidden": {"force": "1"} if too_soon else {},
        "grave": too_soon,
        "back": reverse("connection", args=[link.id]),
    }
    return show(request, visitor, "confirm.html", context, section="connections")


@action(Ability.MANAGE_CHANNELS, back="connections")
def _do_full_sync(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> Done:
    link = get_connection(visitor, connection_id)
    services.sync(
        connection=link,
        now=datetime.now(UTC),
        cause=told(f"full sync asked for by {visitor.actor}"),
        forget=True,
        force=request.POST.get("force") == "1",
    )
    return _done(request, link, _("%(link)s is sent everything again."))


def _minds(link: Connection) -> str:
    zone = ZoneInfo(link.property.time_zone)
    assert link.last_full_at is not None
    every_h = manifests()[link.vendor].full_sync_every_h
    return _("%(channel)s was sent everything on %(last)s, and asks for that once in %(hours)s hours at most.") % {
        "channel": channel_name(link.vendor),
        "last": formats.moment(link.last_full_at, zone),
        "hours": f"{every_h:g}",
    }


full_sync = confirmed(ask=_ask_full_sync, do=_do_full_sync)


def _done(request: HttpRequest, link: Connection, what: str) -> Done:
    """Back to where the button was: the connection's own page, or its card on the overview. what: names the `link`."""
    own = reverse("connection", args=[link.id])
    to = own if request.GET.get("on") == "connection" else f"{reverse('connections')}#c-{link.id}"
    place = _("%(property)s at %(channel)s") % {"property": link.property.name, "channel": channel_name(link.vendor)}
    return Done(what % {"link": place}, to)
