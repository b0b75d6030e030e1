"""The part of a bulk edit's form that says which nights: ranges, seasons, weekdays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.http import QueryDict
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _

from innsync.apps.rates.models import Season
from innsync.apps.rates.seasons import periods_of
from innsync.domain.seasons import Period
from innsync.portals.admin.rates.options import Option
from innsync.portals.admin.reading import read_day

MOST_SPANS = 12


@dataclass(frozen=True, slots=True)
class SeasonOption:
    """A season to tick; periods: those that are not over."""

    value: str
    name: str
    colour: str
    periods: tuple[Period, ...]
    on: bool


@dataclass(frozen=True, slots=True)
class NightsForm:
    """spans: first and last nights, as typed."""

    spans: list[tuple[str, str]]
    seasons: list[SeasonOption]
    weekdays: list[Option]

    def read(self, problems: list[str]) -> list[tuple[date, date]]:
        """The ranges and the periods of the ticked seasons. What can't be read is added to the problems."""
        found = [(first, last) for one in self.seasons if one.on for first, last in one.periods]
        typed = [pair for pair in self.spans if any(pair)]
        if not typed and not found:
            problems.append(
                _("Tick a season, or give a range of nights.")
                if self.seasons
                else _("Give each range of nights a first and a last night.")
            )
        for first_text, last_text in typed:
            first, last = read_day(first_text), read_day(last_text)
            if first is None or last is None:
                problems.append(_("Give each range of nights a first and a last night."))
            elif last < first:
                problems.append(_("The last night must not be before the first."))
            else:
                found.append((first, last))
        return found

    def read_weekdays(self) -> frozenset[int]:
        return frozenset(int(one.value) for one in self.weekdays if one.on)


def read_nights(asked: QueryDict, seasons: Sequence[Season], today: date) -> NightsForm:
    """The form that the address describes."""
    ticked = asked.getlist("season")
    offered = [
        SeasonOption(str(one.id), one.name, one.colour, periods, str(one.id) in ticked)
        for one in seasons
        if (periods := periods_of(one, since=today))
    ]
    typed = list(zip(asked.getlist("first"), asked.getlist("last"), strict=False))[:MOST_SPANS]
    # Dates that nobody asked for would be edited too by whoever only ticks a season, or asks for one that is gone.
    untouched = ("", "") if offered or "look" in asked else _default_span(asked, today)
    return NightsForm(
        spans=[pair for pair in typed if any(pair)] or [untouched],
        seasons=offered,
        weekdays=[
            Option(str(day), str(words), str(day) in asked.getlist("day")) for day, words in WEEKDAYS_ABBR.items()
        ],
    )


def _default_span(asked: QueryDict, today: date) -> tuple[str, str]:
    first = max(today, read_day(asked.get("from", "")) or today)
    return first.isoformat(), (first if asked.get("do") == "close" else first + timedelta(days=6)).isoformat()
