"""Everything that is connected, on one page: how it is doing, how fast and how much, and the ways to each setting."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from innsync.apps.accounts.models import ApiKey
from innsync.apps.accounts.roles import Ability
from innsync.apps.calls.spread import add_up, percentile_ms
from innsync.apps.calls.usage import Hour, list_usage
from innsync.apps.distribution.health import Health, count_states, list_health
from innsync.apps.distribution.overall import Figures, figures_of, list_figures, push_queue
from innsync.apps.inbox.selectors import count_needing_attention, count_unread
from innsync.apps.webhooks import managed, selectors
from innsync.apps.webhooks.models import Endpoint
from innsync.integrations.manifest import channel_name
from innsync.portals import formats
from innsync.portals.access import Visitor, fragment, page
from innsync.portals.admin.api_calls import offered_keys, zone_of
from innsync.portals.admin.endpoints.words import endpoint_state
from innsync.portals.admin.integrations.periods import PERIODS, Period, chosen_period
from innsync.portals.admin.keys import key_state
from innsync.portals.admin.managing import manager_of
from innsync.portals.admin.overview import place_after
from innsync.portals.admin.pages import show
from innsync.portals.admin.report_charts import HEIGHT, WIDTH
from innsync.portals.admin.time_charts import chart_counts, chart_waits
from innsync.portals.admin.today import Tile
from innsync.portals.words import Condition, condition

AT_ONCE = 50
SECTION = "connections"


@dataclass(frozen=True, slots=True)
class Row:
    """A connection beside the others."""

    health: Health
    channel: str
    state: Condition
    figures: Figures


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key and what programs did with it; None for a figure of which there is nothing."""

    key: ApiKey
    state: Condition
    calls: int
    failed: int
    refused: int
    searches_per_booking: str
    p50_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class EndpointRow:
    endpoint: Endpoint
    state: Condition
    standing: selectors.Standing
    figures: selectors.Figures


@page(Ability.SEE_CHANNELS)
def integrations(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    period, now, zone = chosen_period(request.GET.get("period", "")), datetime.now(UTC), zone_of(visitor)
    whole, parts = list_figures(property_ids=visitor.access.property_ids, now=now, over=period.over, parts=period.parts)
    labels = [formats.moment(period.begins(now) + period.over / period.parts * at, zone) for at in range(period.parts)]
    query = request.META.get("QUERY_STRING", "")
    context = {
        **_present(request, visitor, period, now),
        "periods": PERIODS,
        "whole": whole,
        "sent": chart_counts(
            [(one.messages, one.faulty) for one in parts],
            labels,
            _("%(when)s: %(count)d messages, %(wrong)d not accepted as a whole"),
        ),
        "answers": chart_waits([one.p99_ms or 0.0 for one in parts], labels),
        "steps": [(label, one) for label, one in zip(labels, parts, strict=True) if one.messages],
        "first": labels[0],
        "last": formats.moment(now, zone),
        "width": WIDTH,
        "height": HEIGHT,
        "live_url": reverse("integrations-live") + (f"?{query}" if query else ""),
    }
    return show(request, visitor, "integrations/dashboard.html", context, section=SECTION)


@fragment(Ability.SEE_CHANNELS)
def live(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """What changes by the second; the charts stay as they were."""
    period = chosen_period(request.GET.get("period", ""))
    context = {"visitor": visitor, **_present(request, visitor, period, datetime.now(UTC))}
    return render(request, "portals/admin/integrations/_present.html", context)


def _present(request: HttpRequest, visitor: Visitor, period: Period, now: datetime) -> dict[str, Any]:
    seen = visitor.access.property_ids
    found = list_health(now=now, property_ids=seen, after=place_after(request), limit=AT_ONCE + 1)
    shown = found[:AT_ONCE]
    figures = figures_of([one.connection_id for one in shown], since=period.begins(now))
    last = shown[-1] if len(found) > AT_ONCE else None
    manages = Ability.MANAGE_PEOPLE in visitor.access.abilities
    endpoints = _endpoints(visitor, period, now) if manages else []
    return {
        "period": period,
        "tiles": _tiles(visitor, now, endpoints if manages else None),
        "rows": [Row(one, channel_name(one.vendor), condition(one, now), figures[one.connection_id]) for one in shown],
        "keys": _keys(visitor, period, now) if manages else [],
        "endpoints": endpoints,
        "manages_people": manages,
        "first_page": "after" not in request.GET,
        "next_page": urlencode(
            {"period": period.key, "after": f"{last.property_code} {last.vendor} {last.connection_id}"}
        )
        if last
        else "",
        "now": now,
    }


def _tiles(visitor: Visitor, now: datetime, endpoints: Sequence[EndpointRow] | None) -> list[Tile]:
    """endpoints: None where the visitor does not manage them."""
    seen = visitor.access.property_ids
    counts, queue = count_states(now=now, property_ids=seen), push_queue(property_ids=seen)
    attention, unread = count_needing_attention(property_ids=seen), count_unread(property_ids=seen)
    trouble = counts["stopped"] + counts["failing"] + counts["refused"]
    found = [
        Tile(
            key="connections",
            label=_("Connections"),
            number=str(counts["all"]),
            words=_("%(failing)d failing, %(stopped)d stopped, %(refused)d with refused cells") % counts
            if trouble
            else _("nothing needs you"),
            to=reverse("connections"),
            tone="bad" if counts["failing"] or counts["refused"] else "wait" if counts["stopped"] else "",
        ),
        Tile(
            key="queue",
            label=_("Not sent yet"),
            number=str(queue.connections),
            words=_("the oldest for %(long)s") % {"long": formats.span(int((now - queue.since).total_seconds()))}
            if queue.since
            else _("every channel is in step"),
            to="",
        ),
        Tile(
            key="inbox",
            label=_("Inbox"),
            number=str(attention),
            words=ngettext("%(count)d message is being applied", "%(count)d messages are being applied", unread)
            % {"count": unread}
            if unread
            else pgettext("messages", "need attention"),
            to=reverse("inbox"),
            tone="bad" if attention else "",
        ),
    ]
    if endpoints is not None:
        waiting = sum(one.standing.waiting for one in endpoints)
        faulty = sum(one.state.tone == "bad" for one in endpoints)
        found.append(
            Tile(
                key="webhooks",
                label=_("Webhooks waiting"),
                number=str(waiting),
                words=ngettext("%(count)d address fails", "%(count)d addresses fail", faulty) % {"count": faulty}
                if faulty
                else ngettext("%(count)d address", "%(count)d addresses", len(endpoints)) % {"count": len(endpoints)},
                to=reverse("endpoints"),
                tone="bad" if faulty else "",
            )
        )
    return found


def _keys(visitor: Visitor, period: Period, now: datetime) -> list[KeyRow]:
    """Those that are good, and those that were used in that time; the most used first."""
    offered, seen = offered_keys(visitor)
    hours: Mapping[UUID, list[Hour]] = defaultdict(list)
    for one in list_usage(organization_id=visitor.access.organization_id, since=period.hours_from(now), key_ids=seen):
        hours[one.key_id].append(one)
    rows = [_key(one, hours.get(one.id, []), now) for one in offered]
    return sorted((one for one in rows if one.calls or one.state.tone != "plain"), key=lambda one: -one.calls)


def _key(key: ApiKey, hours: Sequence[Hour], now: datetime) -> KeyRow:
    spread = add_up([one.spread for one in hours])
    searches, bookings = sum(one.searches for one in hours), sum(one.bookings for one in hours)
    return KeyRow(
        key=key,
        state=key_state(key, now),
        calls=sum(one.calls for one in hours),
        failed=sum(one.errors for one in hours),
        refused=sum(one.refused for one in hours),
        searches_per_booking=formats.number(searches / bookings, 1) if bookings else "–",
        p50_ms=percentile_ms(spread, 0.5),
        p99_ms=percentile_ms(spread, 0.99),
    )


def _endpoints(visitor: Visitor, period: Period, now: datetime) -> list[EndpointRow]:
    found = managed.list_managed(manager_of(visitor))
    ids = [one.id for one in found]
    standing, figures = selectors.standing_of(ids), selectors.figures_of(ids, since=period.begins(now))
    return [EndpointRow(one, endpoint_state(one, now), standing[one.id], figures[one.id]) for one in found]
