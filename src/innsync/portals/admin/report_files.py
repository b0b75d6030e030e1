"""The reports as CSV, for other programs: dates as ISO 8601, amounts with a point."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse

from innsync.apps.accounts.roles import Ability
from innsync.apps.reports.performance import Figures, measure
from innsync.domain.money import Money
from innsync.portals.access import Visitor, page
from innsync.portals.admin.choice import choose_property, today_at
from innsync.portals.admin.reports import Range, measure_months

_FIGURES = ("rooms", "sold", "occupancy", "revenue", "adr", "revpar", "currency")
NIGHTS = ("property", "night", *_FIGURES)
CHANNELS = ("property", "first", "last", "channel", *_FIGURES)
PACE = (
    "property",
    "month",
    "first",
    *_FIGURES,
    "pick_up_nights",
    "pick_up_revenue",
    "sold_52_weeks_ago",
    "sold_as_it_ended",
)


@page(Ability.SEE_REPORTS)
def nights_csv(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """A line for each night asked for."""
    prop = choose_property(request, visitor)
    if prop is None:
        return _file(NIGHTS, [], "")
    nights = Range(request.GET, today_at(prop)).nights(prop)
    by_night = measure(nights, currency=prop.currency).by_night
    rows = [[prop.code, night, *_figures(one, prop.currency)] for night, one in by_night.items()]
    return _file(NIGHTS, rows, f"{prop.code}-{nights.first}-{nights.last}")


@page(Ability.SEE_REPORTS)
def channels_csv(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """A line for each channel that sold any of the nights asked for."""
    prop = choose_property(request, visitor)
    if prop is None:
        return _file(CHANNELS, [], "")
    nights = Range(request.GET, today_at(prop)).nights(prop)
    found = measure(nights, currency=prop.currency).by_channel
    span = [prop.code, nights.first, nights.last]
    rows = [[*span, channel, *_figures(one, prop.currency)] for channel, one in found.items()]
    return _file(CHANNELS, rows, f"{prop.code}-channels-{nights.first}-{nights.last}")


@page(Ability.SEE_REPORTS)
def pace_csv(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """A line for each coming month. first: its first night that counts, today in the month that has begun."""
    prop = choose_property(request, visitor)
    if prop is None:
        return _file(PACE, [], "")
    now = datetime.now(UTC)
    today = today_at(prop, now)
    rows = [
        [
            prop.code,
            f"{one.first:%Y-%m}",
            max(one.first, today),
            *_figures(one.on_books, prop.currency),
            one.pick_up_nights,
            Money(one.pick_up_minor, prop.currency),
            one.year_before.sold,
            one.year_before_final.sold,
        ]
        for one in measure_months(prop, now)
    ]
    return _file(PACE, rows, f"{prop.code}-pace-{today}")


def _figures(one: Figures, currency: str) -> list[object]:
    occupancy = "" if one.occupancy is None else f"{one.occupancy:.4f}"
    return [one.rooms, one.sold, occupancy, one.revenue, one.adr or "", one.revpar or "", currency]


def _file(head: Sequence[str], rows: Iterable[Sequence[object]], name: str) -> HttpResponse:
    """name: of the file, without its ending; where it is empty there is nothing to save."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    writer = csv.writer(response)
    writer.writerow(head)
    writer.writerows(rows)
    if name:
        response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response
