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


ALL_RULES = Rules()


@dataclass(frozen=True, slots=True)
class Replaced:
    """A rule of one day (index into the calendar) that was said in another way.

    rule, wanted: what it is called and its nights; 1 for a rule that only is or is not. by: the rule that was said
    instead, on every day from `first` to `last` (indices as well, both included, as far as they lie in the calendar);
    empty where the channel has no word for it.
    """

    day: int
    rule: str
    wanted: int
    by: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Compiled:
    """The calendar in the channel's dialect, and what had to be replaced."""

    days: tuple[DayRules, ...]
    replaced: tuple[Replaced, ...]


LONGEST_STAY = 365
"""Nights: no rule is said about arrivals that could touch its night only with a longer stay."""


def reach(known: Rules, max_nights: int = 0) -> int:
    """How many days before its own a day's rules may show in this dialect: so far must be looked ahead to compile a day."""
    if not known.through:
        return (max_nights or LONGEST_STAY) - 1
    return 0 if known.closed_to_departure else 1


def compile_rules(days: Sequence[DayRules], known: Rules, max_nights: int = 0) -> Compiled:
    """Say the rules of consecutive days with those that the channel knows. The last `reach` days lack what follows them.

    max_nights: the channel sells no longer stay, and takes no larger number of nights; 0 where it knows no such limit.
    Law: a stay that the result allows is allowed by the intended rules, as far as any rule of the channel can forbid it.
    """
    replaced: list[Replaced] = []
    if max_nights:
        days = _close_what_is_too_long(days, replaced, max_nights)
    result = list(days)
    if not known.through:
        _through_as_arrival(result, days, replaced, max_nights or LONGEST_STAY)
    if not known.arrival:
        _arrival_as_through(result, days, replaced)
    if not known.closed_to_arrival:
        _close_instead(result, days, replaced)
    if not known.closed_to_departure:
        _close_night_before(result, days, replaced)
    if not known.max_stay:
        replaced += [
            Replaced(index, "max_stay", day.max_stay, "", index, index)
            for index, day in enumerate(days)
            if day.max_stay
        ]
        result = [replace(day, max_stay=0) if day.max_stay else day for day in result]
    return Compiled(tuple(result), tuple(replaced))


def _close_what_is_too_long(days: Sequence[DayRules], replaced: list[Replaced], max_nights: int) -> list[DayRules]:
    """What asks for a longer stay than the channel sells is closed there: the arrival, or the night itself.

    A maximum stay that allows the channel's longest is the channel's own limit, so nothing is lost with it.
    """
    result: list[DayRules] = []
    for index, day in enumerate(days):
        if day.min_stay_arrival > max_nights:
            replaced.append(
                Replaced(index, "min_stay_arrival", day.min_stay_arrival, "closed_to_arrival", index, index)
            )
            day = replace(day, min_stay_arrival=1, closed_to_arrival=True)
        if day.min_stay_through > max_nights:
            replaced.append(Replaced(index, "min_stay_through", day.min_stay_through, "stop_sell", index, index))
            day = replace(day, min_stay_through=1, stop_sell=True)
        result.append(day if day.max_stay < max_nights else replace(day, max_stay=0))
    return result


def _through_as_arrival(
    result: list[DayRules], days: Sequence[DayRules], replaced: list[Replaced], longest_stay: int
) -> None:
    """A stay over night n needs T nights: whoever arrives up to T - 2 nights before n might stay over it too short."""
    needed = [day.min_stay_arrival for day in result]
    for index, day in enumerate(days):
        nights = day.min_stay_through
        if nights > 1:
            first = max(0, index - min(nights - 2, longest_stay - 1))
            for arrival in range(first, index + 1):
                needed[arrival] = max(needed[arrival], nights)
            replaced.append(Replaced(index, "min_stay_through", nights, "min_stay_arrival", first, index))
    for index, day in enumerate(result):
        if (day.min_stay_arrival, day.min_stay_through) != (needed[index], 1):
            result[index] = replace(day, min_stay_arrival=needed[index], min_stay_through=1)


def _arrival_as_through(result: list[DayRules], days: Sequence[DayRules], replaced: list[Replaced]) -> None:
    """Whoever arrives on a day also sleeps there: the night itself may ask for the same length."""
    for index, day in enumerate(days):
        if (nights := day.min_stay_arrival) > 1:
            through = max(result[index].min_stay_through, nights)
            result[index] = replace(result[index], min_stay_through=through)
            replaced.append(Replaced(index, "min_stay_arrival", nights, "min_stay_through", index, index))
            result[index] = replace(result[index], min_stay_arrival=1)


def _close_instead(result: list[DayRules], days: Sequence[DayRules], replaced: list[Replaced]) -> None:
    for index, day in enumerate(days):
        if day.closed_to_arrival:
            result[index] = replace(result[index], closed_to_arrival=False, stop_sell=True)
            replaced.append(Replaced(index, "closed_to_arrival", 1, "stop_sell", index, index))


def _close_night_before(result: list[DayRules], days: Sequence[DayRules], replaced: list[Replaced]) -> None:
    """Nobody who can't sleep the night before can leave on that morning."""
    for index, day in enumerate(days):
        if day.closed_to_departure:
            result[index] = replace(result[index], closed_to_departure=False)
            if index:
                result[index - 1] = replace(result[index - 1], stop_sell=True)
            replaced.append(Replaced(index, "closed_to_departure", 1, "stop_sell", index - 1, index - 1))
