"""How long a channel was behind, over an hour to 30 days, as bars and as a table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from innsync.apps.distribution.measured import LimitUse, Part, list_limits, measure
from innsync.apps.distribution.models import Connection
from innsync.portals import formats
from innsync.portals.admin.sparkline import Bar

WIDTH, HEIGHT, LOWEST = 720.0, 120.0, 2.0
SPANS: dict[str, tuple[Promise, timedelta, int]] = {
    "hour": (gettext_lazy("1 hour"), timedelta(hours=1), 60),
    "day": (gettext_lazy("1 day"), timedelta(days=1), 48),
    "week": (gettext_lazy("1 week"), timedelta(days=7), 56),
    "month": (gettext_lazy("30 days"), timedelta(days=30), 60),
}
"""What one may look at: its name, how long it is, and into how many bars it is divided."""


@dataclass(frozen=True, slots=True)
class Column:
    """A bar and what it says; the same as a line of the table."""

    bar: Bar
    words: str
    part: Part
    when: str


def chart_of(link: Connection, now: datetime, over: str) -> dict[str, Any]:
    """What the page draws it from. over: a key of SPANS; the first where it is none."""
    over = over if over in SPANS else next(iter(SPANS))
    _name, span, parts = SPANS[over]
    found = measure(connection_id=link.id, now=now, over=span, parts=parts)
    zone = ZoneInfo(link.property.time_zone)
    return {
        "over": over,
        "spans": [(key, name) for key, (name, _span, _parts) in SPANS.items()],
        "measured": found,
        "columns": _columns(found.parts, span / parts, zone),
        "chart_width": WIDTH,
        "chart_height": HEIGHT,
        "begins": _when(now - span, zone),
        "ends": _when(now, zone),
    }


def _columns(parts: list[Part], width: timedelta, zone: ZoneInfo) -> list[Column]:
    """A bar for each part in which something was sent; as high as its worst wait."""
    step = WIDTH / len(parts)
    top = max((one.p99_ms for one in parts), default=0.0) or 1.0
    found = []
    for index, one in enumerate(parts):
        if not one.cells:
            continue
        height = round(max(LOWEST, one.p99_ms / top * HEIGHT), 2)
        bar = Bar(round(index * step, 2), round(HEIGHT - height, 2), round(step * 0.8, 2), height)
        when = _when(one.begins, zone)
        words = ngettext(
            "%(when)s: %(count)d value, %(median)s median, %(worst)s p99",
            "%(when)s: %(count)d values, %(median)s median, %(worst)s p99",
            one.cells,
        ) % {
            "when": when,
            "count": one.cells,
            "median": formats.duration(one.p50_ms),
            "worst": formats.duration(one.p99_ms),
        }
        found.append(Column(bar, words, one, when))
    return found


def _when(at: datetime, zone: ZoneInfo) -> str:
    return formats.moment(at, zone)


@dataclass(frozen=True, slots=True)
class LimitLine:
    """A limit as the page tells it. share: used of a hundred."""

    use: LimitUse
    name: str
    words: str
    share: int


def limits_of(link: Connection, now: datetime) -> list[LimitLine]:
    found = []
    for one in list_limits(connection=link, now=now):
        words = _("%(used)d of %(calls)d calls in %(span)s") % {
            "used": one.used,
            "calls": one.calls,
            "span": formats.duration(one.per_s * 1000),
        }
        share = min(100, round(100 * one.used / one.calls)) if one.calls else 0
        found.append(LimitLine(one, one.name.replace("_", " "), words, share))
    return found
