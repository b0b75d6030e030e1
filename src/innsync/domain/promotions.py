"""Promotions: what a hotel takes off its own price for guests who book it directly, and when.

They are never combined: of those that hold for a stay, the one that takes most off is given. A promotion moves the price of
the room's nights and nothing else, so that taxes are those of the reduced price; channels sell without.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from innsync.domain.errors import InvalidField
from innsync.domain.fields import Fields
from innsync.domain.stay import StayDates

MOST_NIGHTS = 366
MOST_DAYS_AHEAD = 1_000


class CutKind(StrEnum):
    PERCENT = "percent"  # of each night
    PER_NIGHT = "per_night"  # minor units off each night
    PER_STAY = "per_stay"  # minor units off a room's stay, spread over its nights
    FREE_NIGHT = "free_night"  # every n-th night for nothing


class WhyNot(StrEnum):
    """Which condition a stay does not meet."""

    USED_UP = "used_up"
    NOT_YET = "not_yet"
    OVER = "over"
    OTHER_NIGHTS = "other_nights"
    MIN_NIGHTS = "min_nights"
    MAX_NIGHTS = "max_nights"
    TOO_LATE = "too_late"
    TOO_EARLY = "too_early"
    OTHER_ROOMS = "other_rooms"


class Refusal(NamedTuple):
    """A condition with the number or the day that decided, as far as it has one."""

    why: WhyNot
    number: int | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class PromotionRule:
    """What is taken off, and when. Days are the property's; both ends are included; None: no limit.

    booked_from, booked_to: when it may be booked. stay_from, stay_to, weekdays (Monday 0; none named: all): the nights
    that are reduced; a stay may have others too, which cost what they cost, but not only others. min_nights, max_nights:
    of the whole stay. min_days_ahead, max_days_ahead: from booking to check-in. room_type_ids, rate_plan_ids: as text;
    none named: all.
    """

    kind: CutKind
    value: Decimal
    booked_from: date | None = None
    booked_to: date | None = None
    stay_from: date | None = None
    stay_to: date | None = None
    weekdays: frozenset[int] = frozenset()
    min_nights: int = 1
    max_nights: int | None = None
    min_days_ahead: int = 0
    max_days_ahead: int | None = None
    room_type_ids: frozenset[str] = frozenset()
    rate_plan_ids: frozenset[str] = frozenset()
    _whole: int = field(init=False, repr=False, compare=False)
    """The value as searches compute with it: hundredths of a per cent, or as it is."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", CutKind(self.kind))
        object.__setattr__(self, "value", Decimal(self.value))
        self._check_value()
        object.__setattr__(self, "_whole", int(self.value * 100 if self.kind is CutKind.PERCENT else self.value))
        for first, last, name in (
            (self.booked_from, self.booked_to, "/booked_to"),
            (self.stay_from, self.stay_to, "/stay_to"),
        ):
            if first is not None and last is not None and last < first:
                raise InvalidField(field=name, problem="must not be before the first day")
        if any(day not in range(7) for day in self.weekdays):
            raise InvalidField(field="/weekdays", problem="must be 0 (Monday) to 6 (Sunday)")
        for name, least, most, floor, limit in (
            ("nights", self.min_nights, self.max_nights, 1, MOST_NIGHTS),
            ("days_ahead", self.min_days_ahead, self.max_days_ahead, 0, MOST_DAYS_AHEAD),
        ):
            if not floor <= least <= limit:
                raise InvalidField(field=f"/min_{name}", problem=f"must be {floor} to {limit}")
            if most is not None and not least <= most <= limit:
                raise InvalidField(field=f"/max_{name}", problem=f"must be {least} to {limit}")

    def _check_value(self) -> None:
        value = self.value
        if not value.is_finite():
            raise InvalidField(field="/value", problem="must be a number")
        if self.kind is CutKind.PERCENT:
            if not 0 < value <= 100 or value != round(value, 2):
                raise InvalidField(
                    field="/value", problem="must be more than 0 and at most 100, with two decimals at most"
                )
        elif value != value.to_integral_value() or not 0 < value < 10**12:
            raise InvalidField(field="/value", problem="must be whole and more than 0")
        elif self.kind is CutKind.FREE_NIGHT and not 2 <= value <= MOST_NIGHTS:
            raise InvalidField(field="/value", problem=f"must be 2 to {MOST_NIGHTS}")

    def refusal(self, stay: StayDates, booked_on: date) -> Refusal | None:
        """The first condition that the stay does not meet, whatever room it is for. booked_on: the property's date."""
        if self.booked_from is not None and booked_on < self.booked_from:
            return Refusal(WhyNot.NOT_YET, day=self.booked_from)
        if self.booked_to is not None and booked_on > self.booked_to:
            return Refusal(WhyNot.OVER, day=self.booked_to)
        if len(stay) < self.min_nights:
            return Refusal(WhyNot.MIN_NIGHTS, self.min_nights)
        if self.max_nights is not None and len(stay) > self.max_nights:
            return Refusal(WhyNot.MAX_NIGHTS, self.max_nights)
        ahead = (stay.check_in - booked_on).days
        if ahead < self.min_days_ahead:
            return Refusal(WhyNot.TOO_LATE, self.min_days_ahead)
        if self.max_days_ahead is not None and ahead > self.max_days_ahead:
            return Refusal(WhyNot.TOO_EARLY, self.max_days_ahead)
        if not any(self.counted(stay)):
            return Refusal(WhyNot.OTHER_NIGHTS)
        if self.kind is CutKind.FREE_NIGHT and sum(self.counted(stay)) < self.value:
            return Refusal(WhyNot.MIN_NIGHTS, int(self.value))
        return None

    def counted(self, stay: StayDates) -> list[bool]:
        """For each night whether it is one of those that are reduced."""
        return [
            (self.stay_from is None or night >= self.stay_from)
            and (self.stay_to is None or night <= self.stay_to)
            and (not self.weekdays or night.weekday() in self.weekdays)
            for night in stay.nights()
        ]

    def is_for(self, room_type_id: Hashable, rate_plan_id: Hashable) -> bool:
        return (not self.room_type_ids or str(room_type_id) in self.room_type_ids) and (
            not self.rate_plan_ids or str(rate_plan_id) in self.rate_plan_ids
        )

    def cuts(self, nightly: Sequence[int], counted: Sequence[bool], given: Sequence[int] = ()) -> tuple[int, ...]:
        """What is taken off each night of one room, never more than it costs. nightly: before, in minor units.

        given: what was taken off the first nights, which are over and stay so; an amount off the stay counts it.
        """
        over, value = len(given), self._whole
        if self.kind is CutKind.PER_STAY:
            ahead = [night if counts else 0 for night, counts in zip(nightly[over:], counted[over:], strict=True)]
            return (*given, *_spread(max(0, value - sum(given)), ahead))
        if self.kind is CutKind.PERCENT:
            cuts = [(night * value + 5_000) // 10_000 for night in nightly]
        elif self.kind is CutKind.PER_NIGHT:
            cuts = [min(night, value) for night in nightly]
        else:
            cuts = _free(nightly, counted, value)
        if not over and False not in counted:
            return tuple(cuts)
        return (*given, *(cut if counts else 0 for cut, counts in zip(cuts[over:], counted[over:], strict=True)))

    def to_json(self) -> dict[str, object]:
        """Only what is not as if nothing were said."""
        return {
            "kind": self.kind.value,
            "value": str(self.value),
            **{name: day.isoformat() for name in _DAYS if (day := getattr(self, name)) is not None},
            **{name: sorted(members) for name in _SETS if (members := getattr(self, name))},
            **{name: number for name, usual in _NUMBERS.items() if (number := getattr(self, name)) != usual},
        }

    @classmethod
    def from_json(cls, value: object) -> PromotionRule:
        fields = Fields(value)
        rule = cls(
            kind=fields.choice("kind", CutKind),
            value=fields.decimal("value"),
            **{name: fields.optional(name, _day) for name in _DAYS},
            weekdays=frozenset(fields.each("weekdays", _weekday)),
            min_nights=fields.integer("min_nights", 1),
            max_nights=fields.optional_integer("max_nights"),
            min_days_ahead=fields.integer("min_days_ahead", 0),
            max_days_ahead=fields.optional_integer("max_days_ahead"),
            room_type_ids=frozenset(fields.each("room_type_ids", str)),
            rate_plan_ids=frozenset(fields.each("rate_plan_ids", str)),
        )
        fields.end()
        return rule


_DAYS = ("booked_from", "booked_to", "stay_from", "stay_to")
_SETS = ("weekdays", "room_type_ids", "rate_plan_ids")
_NUMBERS = {"min_nights": 1, "max_nights": None, "min_days_ahead": 0, "max_days_ahead": None}


def _day(value: object) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise InvalidField(field="", problem="must be a date such as 2026-06-15") from None


def _weekday(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidField(field="", problem="must be 0 (Monday) to 6 (Sunday)")
    return value


def _free(nightly: Sequence[int], counted: Sequence[bool], every: int) -> list[int]:
    cuts, count = [], 0
    for night, counts in zip(nightly, counted, strict=True):
        count += counts
        cuts.append(night if counts and count % every == 0 else 0)
    return cuts


def _spread(amount: int, nightly: Sequence[int]) -> list[int]:
    """The amount over these nights by what they cost, to the last minor unit; no night gives more than it has."""
    whole = sum(nightly)
    amount = min(amount, whole)
    cuts, up_to, given = [], 0, 0
    for night in nightly:
        up_to += night
        cut = (amount * up_to // whole if whole else 0) - given
        given += cut
        cuts.append(cut)
    return cuts


@dataclass(frozen=True, slots=True)
class Promotion:
    """A promotion of a property. code: in capital letters; empty: for everybody. names: other than `name`, by language.

    used_up: it was given as often as it may be. The id is opaque here. booked_on: the property's date on which a
    booking took it, which then decides instead of today.
    """

    id: str
    code: str
    name: str
    rule: PromotionRule
    names: Mapping[str, str] = field(default_factory=dict, hash=False)
    used_up: bool = False
    booked_on: date | None = None

    def refusal(self, stay: StayDates, today: date) -> Refusal | None:
        """The first condition that the stay does not meet; a booking that has it needs no other use of it."""
        if self.used_up and self.booked_on is None:
            return Refusal(WhyNot.USED_UP)
        return self.rule.refusal(stay, self.booked_on or today)


def clean_code(text: str) -> str:
    """A code as it is kept and compared: guests write it as they like."""
    return text.strip().upper()


class Holding(NamedTuple):
    """A promotion whose conditions a stay meets, and which of its nights it reduces."""

    promotion: Promotion
    counted: Sequence[bool]


def holding(promotions: Iterable[Promotion], stay: StayDates, today: date) -> list[Holding]:
    """Those that hold for the stay, in the order in which they are preferred where they take the same off.

    One without a code first, since its uses are not rare; then the older one.
    """
    found = [one for one in promotions if one.refusal(stay, today) is None]
    found.sort(key=lambda one: (bool(one.code), one.id))
    return [Holding(one, one.rule.counted(stay)) for one in found]


class Given(NamedTuple):
    """What is taken off each night of each room."""

    promotion: Promotion
    cuts: list[tuple[int, ...]]


class Room(NamedTuple):
    """Rooms of one price: each night before any promotion, how many are alike, and what was taken off nights that are over."""

    nightly: Sequence[int]
    alike: int = 1
    given: Sequence[int] = ()


def best(
    holding: Iterable[Holding], room_type_id: Hashable, rate_plan_id: Hashable, rooms: Sequence[Room]
) -> Given | None:
    """The promotion that takes most off all these rooms of one product together; None where none takes anything off."""
    found, most = None, 0
    for promotion, counted in holding:
        if not promotion.rule.is_for(room_type_id, rate_plan_id):
            continue
        cuts = [promotion.rule.cuts(room.nightly, counted, room.given) for room in rooms]
        off = sum(room.alike * sum(cut) for room, cut in zip(rooms, cuts, strict=True))
        if off > most:
            found, most = Given(promotion, cuts), off
    return found
