"""May this stay be sold: minimum and maximum stay, closed to arrival and departure, stop sell, selling windows.

Channels give one word different meanings; these are ours, and every channel's dialect is compiled from them
(see DESIGN "One intended rule", complaint C36):

- minimum stay on arrival, maximum stay and closed to arrival: the rules of the check-in day alone;
- minimum stay through and stop sell: the rules of every night slept, so never those of the check-out day;
- closed to departure: the rules of the check-out day alone. A closed night never forbids leaving that morning (C38).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from innsync.domain.errors import InvalidField
from innsync.domain.stay import StayDates


class ReasonCode(StrEnum):
    """Why a stay is not sold; the first word of the API's `reasons`."""

    IN_THE_PAST = "in_the_past"
    BEYOND_HORIZON = "beyond_horizon"
    ADVANCE_PURCHASE = "advance_purchase"
    LAST_MINUTE = "last_minute"
    OCCUPANCY = "occupancy"
    SOLD_OUT = "sold_out"
    NO_PRICE = "no_price"
    STOP_SELL = "stop_sell"
    CLOSED_TO_ARRIVAL = "closed_to_arrival"
    CLOSED_TO_DEPARTURE = "closed_to_departure"
    MIN_STAY = "min_stay"
    MIN_STAY_THROUGH = "min_stay_through"
    MAX_STAY = "max_stay"


class Reason(NamedTuple):
    """One rule that forbids a stay, with the number and the day that decided, as far as it has them."""

    code: ReasonCode
    number: int | None = None
    day: date | None = None

    def __str__(self) -> str:
        """The API's text: `min_stay:3`, `closed_to_arrival:2026-06-15`, `min_stay_through:4:2026-06-16`."""
        parts: list[str] = [self.code.value]
        if self.number is not None:
            parts.append(str(self.number))
        if self.day is not None:
            parts.append(self.day.isoformat())
        return ":".join(parts)


@dataclass(frozen=True, slots=True)
class DayRules:
    """The restrictions of one product on one day. Nights are counted; `max_stay` 0 means no limit."""

    min_stay_arrival: int = 1
    min_stay_through: int = 1
    max_stay: int = 0
    closed_to_arrival: bool = False
    closed_to_departure: bool = False
    stop_sell: bool = False

    def __post_init__(self) -> None:
        for field, value, least in (
            ("/min_stay_arrival", self.min_stay_arrival, 1),
            ("/min_stay_through", self.min_stay_through, 1),
            ("/max_stay", self.max_stay, 0),
        ):
            if value < least:
                raise InvalidField(field=field, problem=f"must be {least} or more")


OPEN = DayRules()
"""A day that forbids nothing."""


@dataclass(frozen=True, slots=True)
class PlanWindow:
    """How long before arrival a rate plan is sold, in days from today at the property to check-in.

    min_advance_days: advance purchase, at least so many.
    max_advance_days: last minute, at most so many; None means no limit.
    """

    min_advance_days: int = 0
    max_advance_days: int | None = None

    def __post_init__(self) -> None:
        if self.min_advance_days < 0:
            raise InvalidField(field="/min_advance_days", problem="must be 0 or more")
        if self.max_advance_days is not None and self.max_advance_days < self.min_advance_days:
            raise InvalidField(field="/max_advance_days", problem="must not be less than min_advance_days")


ALWAYS = PlanWindow()
"""Sold at any time before arrival."""

RulesByDay = Callable[[date], DayRules] | Mapping[date, DayRules]


class Booked(NamedTuple):
    """What a change of a booking brings along. on: the property's date on which its plan was taken; None: only now.

    begun: its check-in is past, and stays what it was.
    """

    on: date | None = None
    begun: bool = False

    def days_ahead(self, stay: StayDates, today: date) -> int:
        """The days from taking the plan to check-in, which its window judges."""
        ahead = (stay.check_in - (self.on or today)).days
        return max(ahead, 0) if self.begun else ahead


NOT_YET = Booked()


def window_refusals(
    stay: StayDates, window: PlanWindow, today: date, sellable_days: int, booked: Booked = NOT_YET
) -> list[Reason]:
    """What the moment of asking forbids. `today` is the date at the property.

    A stay that starts before today is past, unless it is booked and has begun; one whose check-out lies after
    today + sellable_days is beyond the horizon, and the reason names the last check-out that is sold.
    """
    found: list[Reason] = []
    if stay.check_in < today and not booked.begun:
        found.append(Reason(ReasonCode.IN_THE_PAST, day=stay.check_in))
    last_check_out = today + timedelta(days=sellable_days)
    if stay.check_out > last_check_out:
        found.append(Reason(ReasonCode.BEYOND_HORIZON, day=last_check_out))
    ahead = booked.days_ahead(stay, today)
    if ahead < window.min_advance_days:
        found.append(Reason(ReasonCode.ADVANCE_PURCHASE, window.min_advance_days))
    if window.max_advance_days is not None and ahead > window.max_advance_days:
        found.append(Reason(ReasonCode.LAST_MINUTE, window.max_advance_days))
    return found


def rule_refusals(stay: StayDates, rules: RulesByDay) -> Iterator[Reason]:
    """What the calendar forbids; a day that a mapping does not name is open."""
    on = _lookup(rules)
    length = len(stay)
    arrival = on(stay.check_in)
    if arrival.closed_to_arrival:
        yield Reason(ReasonCode.CLOSED_TO_ARRIVAL, day=stay.check_in)
    if arrival.min_stay_arrival > length:
        yield Reason(ReasonCode.MIN_STAY, arrival.min_stay_arrival)
    if 0 < arrival.max_stay < length:
        yield Reason(ReasonCode.MAX_STAY, arrival.max_stay)
    for night in stay.nights():
        rule = on(night)
        if rule.stop_sell:
            yield Reason(ReasonCode.STOP_SELL, day=night)
        if rule.min_stay_through > length:
            yield Reason(ReasonCode.MIN_STAY_THROUGH, rule.min_stay_through, night)
    if on(stay.check_out).closed_to_departure:
        yield Reason(ReasonCode.CLOSED_TO_DEPARTURE, day=stay.check_out)


def refusals(
    stay: StayDates,
    rules: RulesByDay,
    window: PlanWindow,
    today: date,
    sellable_days: int,
) -> list[Reason]:
    """Every reason why this stay is not sold; empty when it is.

    rules: the rules of a day, asked for each night and for the check-out day; a mapping may leave open days out.
    sellable_days: the property's horizon; check-out must be on or before today + sellable_days.
    Source: complaints C36 and C38; DESIGN section 2 for the words.
    """
    return [*window_refusals(stay, window, today, sellable_days), *rule_refusals(stay, rules)]


def _lookup(rules: RulesByDay) -> Callable[[date], DayRules]:
    if isinstance(rules, Mapping):
        by_day = rules
        return lambda day: by_day.get(day, OPEN)
    return rules
