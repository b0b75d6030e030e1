"""A property's seasons: named nights that bulk edits and the grid refer to. They set no price by themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from innsync.apps.events import services as events
from innsync.apps.properties.models import Property
from innsync.apps.rates.models import Season
from innsync.apps.rates.services import lock_rates
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.seasons import MOST_PERIODS, Period, checked, next_year

COLOURS = ("teal", "blue", "violet", "rose", "amber", "slate")
MOST_SEASONS = 60
LONGEST_NAME = 60


@dataclass(eq=False)
class NothingToRepeat(DomainError):
    """All nights of the season's last year stand in its next one already, or it has no room for more periods."""


@dataclass(eq=False)
class SeasonChanged(DomainError):
    """The season is not what was seen any more; nothing was saved."""


@dataclass(eq=False)
class SeasonRemoved(DomainError):
    """The season is not there any more; nothing was saved."""


@dataclass(frozen=True, slots=True)
class SeasonFacts:
    """What is said of a season. colour: one of COLOURS, or empty."""

    name: str
    colour: str
    periods: tuple[Period, ...]


def list_seasons(*, property_id: UUID) -> list[Season]:
    """By their first nights."""
    return list(Season.objects.filter(property_id=property_id)[:MOST_SEASONS])


def periods_of(season: Season, *, since: date = date.min) -> tuple[Period, ...]:
    """Its periods that are not over by the night `since`, in order."""
    return tuple(Period(first, last) for first, last in zip(season.firsts, season.lasts, strict=True) if last >= since)


def add_season(*, prop: Property, facts: SeasonFacts, now: datetime, actor: str) -> Season:
    """Raises InvalidField."""
    lock_rates(property_id=prop.id)
    if Season.objects.filter(property=prop).count() >= MOST_SEASONS:
        raise InvalidField(field="/name", problem=f"must be one of at most {MOST_SEASONS} seasons")
    season = Season(organization_id=prop.organization_id, property=prop)
    _put_facts(season, facts)
    season.save()
    _tell(season, "added", now, actor)
    return season


def fingerprint(season: Season) -> str:
    """Another as soon as anything is said otherwise of the season."""
    said = (season.name, season.colour, periods_of(season))
    return hashlib.sha256(repr(said).encode()).hexdigest()[:32]


def change_season(*, season: Season, facts: SeasonFacts, seen: str, now: datetime, actor: str) -> Season:
    """Nothing happens where the season is so already.

    seen: the fingerprint of the season that whoever changes it has seen. Raises InvalidField, SeasonChanged, SeasonRemoved.
    """
    lock_rates(property_id=season.property_id)
    try:
        season.refresh_from_db()
    except Season.DoesNotExist:
        raise SeasonRemoved from None
    before = fingerprint(season)
    _put_facts(season, facts)
    if fingerprint(season) == before:
        return season
    if seen != before:
        raise SeasonChanged
    season.save()
    _tell(season, "changed", now, actor)
    return season


def repeat_season(*, season: Season, now: datetime, actor: str) -> tuple[Period, ...]:
    """Add the periods of its last year a year later. Answers them. Raises NothingToRepeat."""
    lock_rates(property_id=season.property_id)
    season.refresh_from_db()
    added = next_year(periods := periods_of(season))
    if not added or len(periods) + len(added) > MOST_PERIODS:
        raise NothingToRepeat
    _put(season, checked((*periods, *added)))
    season.save()
    _tell(season, "changed", now, actor)
    return added


def remove_season(*, season: Season, now: datetime, actor: str) -> None:
    """Prices and restrictions of its nights stay as they are."""
    _tell(season, "removed", now, actor)
    season.delete()


def _put_facts(season: Season, facts: SeasonFacts) -> None:
    """Raises InvalidField. Saves nothing."""
    name = " ".join(facts.name.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise InvalidField(field="/name", problem=f"must be from 1 to {LONGEST_NAME} characters")
    if Season.objects.filter(property_id=season.property_id, name__iexact=name).exclude(id=season.id).exists():
        raise InvalidField(field="/name", problem="is the name of another season")
    if facts.colour and facts.colour not in COLOURS:
        raise InvalidField(field="/colour", problem=f"must be one of {', '.join(COLOURS)}")
    season.name, season.colour = name, facts.colour
    _put(season, checked(facts.periods))


def _put(season: Season, periods: Iterable[Period]) -> None:
    season.firsts, season.lasts = (list(ends) for ends in zip(*periods, strict=True))


def _tell(season: Season, what: str, now: datetime, actor: str) -> None:
    """An event of its own: what is sold does not change, so no channel hears of it."""
    periods = [[first.isoformat(), last.isoformat()] for first, last in periods_of(season)]
    events.record(
        organization_id=season.organization_id,
        property_id=season.property_id,
        type=f"season.{what}",
        at=now,
        data={"season": season.name, "periods": periods, "actor": actor},
    )
