"""One intended rule, said in a channel's dialect.

Channels differ in what they can express. What can't be said is replaced by the nearest rule that forbids at least as
much: a stay is rather refused there than sold against the house's rules. Every replacement is reported, day by day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from innsync.domain.restrictions import DayRules


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules a channel knows."""

    arrival: bool = True
    through: bool = True
    max_stay: bool = True
    closed_to_arrival: bool = True
    closed_to_departure: bool = True
    stop_sell: bool = True


@dataclass(frozen=True, slots=True)
class Replaced:
    """A rule of one day (index into the calendar) that was said in another way."""

    day: int
    rule: str
    by: str


@dataclass(frozen=True, slots=True)
class Compiled:
    """The calendar in the channel's dialect, and what had to be replaced."""

    days: tuple[DayRules, ...]
    replaced: tuple[Replaced, ...]


LONGEST_STAY = 365
"""Nights: no rule is said about arrivals that could touch its night only with a longer stay."""


def reach(known: Rules, longest_stay: int = LONGEST_STAY) -> int:
    """How many days before its own a day's rules may show in this dialect: so far must be looked ahead to compile a day."""
    if not known.through:
        return longest_stay - 1
    return 0 if known.closed_to_departure else 1


def compile_rules(days: Sequence[DayRules], known: Rules, longest_stay: int = LONGEST_STAY) -> Compiled:
    """Say the rules of consecutive days with those that the channel knows. The last `reach` days lack what follows them.

    Law: a stay that the result allows is allowed by the intended rules, as far as any rule of the channel can forbid it.
    """
    result = list(days)
    replaced: list[Replaced] = []
    if not known.through:
        _through_as_arrival(result, days, replaced, longest_stay)
    if not known.arrival:
        _arrival_as_through(result, days, replaced)
    if not known.closed_to_arrival:
        _close_instead(result, days, replaced, "closed_to_arrival")
    if not known.closed_to_departure:
        _close_night_before(result, days, replaced)
    if not known.max_stay:
        replaced += [Replaced(index, "max_stay", "nothing") for index, day in enumerate(days) if day.max_stay]
        result = [replace(day, max_stay=0) for day in result]
    return Compiled(tuple(result), tuple(replaced))


def _through_as_arrival(
    result: list[DayRules], days: Sequence[DayRules], replaced: list[Replaced], longest_stay: int
) -> None:
    """A stay over night n needs T nights: whoever arrives up to T - 2 nights before n might stay over it too short."""
    for index, day in enumerate(days):
        nights = day.min_stay_through
        if nights > 1:
            for arrival in range(max(0, index - min(nights - 2, longest_stay - 1)), index + 1):
                if result[arrival].min_stay_arrival < nights:
                    result[arrival] = replace(result[arrival], min_stay_arrival=nights)
            replaced.append(Replaced(index, "min_stay_through", "min_stay_arrival"))
    for index, day in enumerate(result):
        result[index] = replace(day, min_stay_through=1)


def _arrival_as_through(result: list[DayRules], days: Sequence[DayRules], replaced: list[Replaced]) -> None:
    """Whoever arrives on a day also sleeps there: the night itself may ask for the same length."""
    for index, day in enumerate(days):
        if day.min_stay_arrival > 1:
            through = max(result[index].min_stay_through, day.min_stay_arrival)
            result[index] = replace(result[index], min_stay_through=through)
            replaced.append(Replaced(index, "min_stay_arrival", "min_stay_through"))
        result[index] = replace(result[index], min_stay_arrival=1)


def _close_instead(result: list[DayRules], days: Sequence[DayRules], replaced: list[Replaced], rule: str) -> None:
    for index, day in enumerate(days):
        if day.closed_to_arrival:
            result[index] = replace(result[index], closed_to_arrival=False, stop_sell=True)
            replaced.append(Replaced(index, rule, "stop_sell"))


def _close_night_before(result: list[DayRules], days: Sequence[DayRules], replaced: list[Replaced]) -> None:
    """Nobody who can't sleep the night before can leave on that morning."""
    for index, day in enumerate(days):
        if day.closed_to_departure:
            result[index] = replace(result[index], closed_to_departure=False)
            if index:
                result[index - 1] = replace(result[index - 1], stop_sell=True)
            replaced.append(Replaced(index, "closed_to_departure", "stop_sell of the night before"))
