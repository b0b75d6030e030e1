"""Seasons as thin bands above the dates of the grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from django.utils.html import escape
from django.utils.translation import gettext as _

from innsync.apps.rates.models import Season
from innsync.apps.rates.seasons import periods_of
from innsync.domain.seasons import Period, common, lanes
from innsync.portals import formats
from innsync.portals.admin.rates.window import Window


class Band(NamedTuple):
    """A period of a season as far as the window shows it. whole: all of the period."""

    name: str
    colour: str
    shown: Period
    whole: Period


def bands_of(seasons: Sequence[Season], window: Window) -> list[list[Band]]:
    """In as few lines as hold them side by side."""
    nights = Period(window.first, window.last)
    found = [
        (Band(season.name, season.colour, shown, whole), shown)
        for season in seasons
        for whole in periods_of(season, since=window.first)
        if (shown := common(whole, nights))
    ]
    return [[band for band, _ in line] for line in lanes(found)]


def draw_bands(lines: Sequence[Sequence[Band]], window: Window) -> Iterator[str]:
    """The rows of the table's head that come before its dates."""
    for number, line in enumerate(lines):
        yield '<tr class="bands">'
        if number == 0:
            yield f'<th scope="rowgroup" rowspan="{len(lines)}" class="names">{escape(_("Seasons"))}</th>'
        next_night = window.first
        for band in line:
            yield _gap((band.shown.first - next_night).days)
            yield _band(band)
            next_night = band.shown.last + timedelta(days=1)
        yield _gap((window.last - next_night).days + 1)
        yield "</tr>"


def _gap(nights: int) -> str:
    return f'<td colspan="{nights}"></td>' if nights else ""


def _band(band: Band) -> str:
    nights = (band.shown.last - band.shown.first).days + 1
    kinds = ["season", band.colour, "before" * (band.whole.first < band.shown.first)]
    kinds.append("after" * (band.whole.last > band.shown.last))
    title = escape(f"{band.name}: {formats.nights(*band.whole)}")
    kind = " ".join(filter(None, kinds))
    return f'<td colspan="{nights}" class="{kind}" title="{title}"><span>{escape(band.name)}</span></td>'
