"""The overview: how each connection is doing, refreshed by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from innsync.apps.accounts.roles import Ability
from innsync.apps.distribution.health import Health, count_states, list_divergence, list_health
from innsync.integrations.manifest import channel_name, manifests
from innsync.portals.access import Visitor, fragment, page
from innsync.portals.admin.pages import show, what_asks
from innsync.portals.admin.sparkline import Sparkline, draw
from innsync.portals.words import Condition, condition

AT_ONCE = 60


@dataclass(frozen=True, slots=True)
class Card:
    """One connection as it is shown. trouble: an error that holds now; past: one that is over."""

    health: Health
    channel: str
    condition: Condition
    sparkline: Sparkline | None
    can_audit: bool
    trouble: str
    past: str

    @property
    def can_resume(self) -> bool:
        return self.health.state == "paused"

    @property
    def can_pause(self) -> bool:
        return self.health.state in ("active", "resuming")


@page(Ability.SEE_CHANNELS)
def overview(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    return show(request, visitor, "overview.html", _context(request, visitor), section="connections")


@fragment(Ability.SEE_CHANNELS)
def live(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """The part of the overview that changes."""
    return render(request, "portals/admin/_connections.html", {"visitor": visitor, **_context(request, visitor)})


def _context(request: HttpRequest, visitor: Visitor) -> dict[str, Any]:
    now = datetime.now(UTC)
    seen = visitor.access.property_ids
    found = list_health(now=now, property_ids=seen, after=place_after(request), limit=AT_ONCE + 1)
    cards = cards_of(found[:AT_ONCE], now)
    last = found[AT_ONCE - 1] if len(found) > AT_ONCE else None
    query = request.META.get("QUERY_STRING", "")
    counts, asks = count_states(now=now, property_ids=seen), what_asks(visitor)
    return {
        **asks,
        "now": now,
        "cards": cards,
        "counts": counts,
        "calm": not any((counts["stopped"], counts["failing"], counts["refused"], *asks.values())),
        "live_url": reverse("connections-live") + (f"?{query}" if query else ""),
        "first_page": "after" not in request.GET,
        "next_page": urlencode({"after": f"{last.property_code} {last.vendor} {last.connection_id}"}) if last else "",
    }


def place_after(request: HttpRequest) -> tuple[str, str, UUID] | None:
    """Where to read on from; an unreadable place is the beginning."""
    try:
        code, vendor, last_id = request.GET.get("after", "").split(" ")
        return code, vendor, UUID(last_id)
    except ValueError:
        return None


def cards_of(found: list[Health], now: datetime) -> list[Card]:
    """Connections as they are shown, each with its last hour."""
    series = list_divergence(connection_ids=[one.connection_id for one in found], now=now)
    cards = []
    for health in found:
        state = condition(health, now)
        error = health.last_error if health.failures or health.refused or health.state == "unauthorised" else ""
        manifest = manifests().get(health.vendor)
        cards.append(
            Card(
                health=health,
                channel=channel_name(health.vendor),
                condition=state,
                sparkline=draw(series[health.connection_id]),
                can_audit=manifest is not None and "read_back" in manifest.can,
                trouble=error or health.account_error,
                past=health.last_error if not error else "",
            )
        )
    return cards
