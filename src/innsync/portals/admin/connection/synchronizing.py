"""Synchronizing a connection by hand: what can be asked for, how far it is, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from innsync.apps.accounts.roles import Ability
from innsync.apps.distribution import services, tasks
from innsync.apps.distribution.health import list_health
from innsync.apps.distribution.models import Connection
from innsync.apps.distribution.overall import may_fetch
from innsync.apps.distribution.schedules import hasten
from innsync.domain.wording import told
from innsync.integrations.manifest import channel_name, manifests
from innsync.portals.access import Done, Visitor, action, confirmed, fragment, page
from innsync.portals.admin.integrations.history import of_connection
from innsync.portals.admin.pages import get_connection, show
from innsync.portals.words import condition

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Offer:
    """A step that a person may ask for. refused: why not now; empty where it may."""

    key: str
    label: str
    words: str
    refused: str = ""


def _offers(link: Connection) -> list[Offer]:
    can = manifests()[link.vendor].can
    stopped = _stopped(link)
    fetched = "" if may_fetch(link) else _("The channel does not let Innsync in, or is disconnected.")
    every = (
        (
            "pull_bookings",
            Offer("pull", _("Fetch bookings"), _("Asks the channel for bookings, changes and cancellations."), fetched),
        ),
        (
            "push_availability",
            Offer(
                "push",
                _("Send what differs"),
                _("Compares every night with what the channel has accepted, and sends the difference."),
                stopped,
            ),
        ),
        (
            "read_back",
            Offer(
                "audit",
                _("Read back and compare"),
                _("Asks what the channel really shows; what has drifted is sent again."),
                stopped,
            ),
        ),
    )
    return [offer for needs, offer in every if needs in can]


def _stopped(link: Connection) -> str:
    if link.state == "active":
        return ""
    if link.state in ("paused", "resuming"):
        return _("It is paused: resume it first.")
    return _("The channel does not let Innsync in, or is disconnected.")


@page(Ability.MANAGE_CHANNELS)
def _ask(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> HttpResponse:
    link = get_connection(visitor, connection_id)
    query = request.META.get("QUERY_STRING", "")
    context = {
        **_progress(request, link),
        "channel": channel_name(link.vendor),
        "offers": _offers(link),
        "live_url": reverse("synchronize-live", args=[link.id]) + (f"?{query}" if query else ""),
    }
    return show(request, visitor, "connection/synchronize.html", context, section="connections")


@fragment(Ability.MANAGE_CHANNELS)
def live(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> HttpResponse:
    link = get_connection(visitor, connection_id)
    return render(request, "portals/admin/connection/_progress.html", _progress(request, link))


def _progress(request: HttpRequest, link: Connection) -> dict[str, Any]:
    """since: when the step was asked for; everything from then on is its result."""
    now, asked, since = datetime.now(UTC), request.GET.get("asked", ""), _since(request)
    [health] = list_health(now=now, connection_id=link.id)
    link.account.refresh_from_db(fields=["last_pulled_at"])
    return {
        "link": link,
        "health": health,
        "state": condition(health, now),
        "asked": asked,
        "since": since,
        "done": since is not None and _is_done(asked, link, health.waiting_since is not None, since),
        "lines": of_connection(link.id, since=since, before=now, limit=SHOWN) if since else [],
        "zone": link.property.time_zone,
        "now": now,
    }


def _is_done(asked: str, link: Connection, waits: bool, since: datetime) -> bool:
    """Fetching and reading back say when they were last done; sending is over when nothing waits."""
    last = {"pull": link.account.last_pulled_at, "audit": link.last_audit_at}.get(asked)
    if asked in ("pull", "audit"):
        return last is not None and last >= since
    return not waits


def _since(request: HttpRequest) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(request.GET.get("since", "")), UTC)
    except (ValueError, OverflowError, OSError):
        return None


@action(Ability.MANAGE_CHANNELS, back="connections")
def _do(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> Done:
    link, now = get_connection(visitor, connection_id), datetime.now(UTC)
    step = request.POST.get("step", "")
    to = reverse("synchronize", args=[link.id])
    offer = next((one for one in _offers(link) if one.key == step), None)
    if offer is None:
        return Done(_("That can't be asked of this channel. Nothing was done."), to, well=False)
    if offer.refused:
        return Done(offer.refused, to, well=False)
    if step == "pull":
        hasten(link.account_id, "bookings", due_at=now)
    elif step == "push":
        services.sync(connection=link, now=now, cause=told(f"compared because {visitor.actor} asked for it"))
    else:
        tasks.enqueue_audit(link.organization_id, link.id)
    words = _("Asked for: %(what)s. How far it is shows below.") % {"what": offer.label}
    return Done(words, f"{to}?asked={step}&since={now.timestamp()!r}")


synchronize = confirmed(ask=_ask, do=_do)
