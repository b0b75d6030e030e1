"""Extras: what a house sells with a stay, what a rate plan covers of it, how often that is, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple

from innsync.domain.errors import InvalidField

MOST_WISHES = 30
"""Extras of one booking that are asked for."""
MOST_PIECES = 100


class Per(StrEnum):
    """What the price is for. A room that several share counts once, and a child as a guest."""

    STAY = "stay"  # a room, however long
    NIGHT = "night"  # a night of a room
    PERSON = "person"  # a guest, however long
    PERSON_NIGHT = "person_night"  # a night of a guest
    PIECE = "piece"  # each of as many as are asked for


class Room(NamedTuple):
    """A room of a booking. plan_id: None where nobody knows what it was sold at."""

    plan_id: str | None
    guests: int
    nights: int


class Wish(NamedTuple):
    """An extra that is asked for. pieces: how many of what is sold by the piece; of everything else one."""

    code: str
    pieces: int = 1


@dataclass(frozen=True, slots=True)
class Extra:
    """What is sold with a stay. plan_ids: the rate plans whose price covers it. offered: others may buy it.

    price_minor: all that the guest pays for one, taxes included. most: pieces that a booking may have.
    names: in languages that have their own.
    """

    code: str
    name: str
    per: Per
    price_minor: int
    names: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    most: int = 1
    offered: bool = True
    plan_ids: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "per", Per(self.per))

    def covered(self, rooms: Iterable[Room]) -> list[Room]:
        """Those whose rate plan includes it."""
        return [one for one in rooms if one.plan_id in self.plan_ids]

    def uncovered(self, rooms: Iterable[Room]) -> list[Room]:
        return [one for one in rooms if one.plan_id not in self.plan_ids]


@dataclass(frozen=True, slots=True)
class Taken:
    """An extra of a booking, as it was agreed. times: how often the price is for. pieces: as asked for, where it counts those.

    included: a rate plan's price covers it; then it costs nothing more.
    """

    extra: Extra
    times: int
    pieces: int = 1
    included: bool = False

    @property
    def unit_minor(self) -> int:
        return 0 if self.included else self.extra.price_minor

    @property
    def amount_minor(self) -> int:
        return self.unit_minor * self.times

    def anew(self, rooms: Sequence[Room]) -> Taken:
        """The same for these rooms; `times` is 0 where there is none of it any more."""
        if self.included:
            return replace(self, times=count(self.extra.per, self.extra.covered(rooms)))
        return replace(self, times=_bought(self.extra, rooms, self.pieces))

    def to_json(self) -> dict[str, Any]:
        one = self.extra
        return {
            "code": one.code,
            "name": one.name,
            "names": dict(one.names),
            "per": one.per.value,
            "price_minor": one.price_minor,
            "plan_ids": sorted(one.plan_ids),
            "times": self.times,
            "pieces": self.pieces,
            "included": self.included,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Taken:
        extra = Extra(
            kept["code"],
            kept["name"],
            kept["per"],
            kept["price_minor"],
            kept["names"],
            plan_ids=frozenset(kept["plan_ids"]),
        )
        return cls(extra, kept["times"], kept["pieces"], kept["included"])


def count(per: Per, rooms: Sequence[Room]) -> int:
    """How often the price is for these rooms; a piece is for each."""
    if per is Per.NIGHT:
        return sum(one.nights for one in rooms)
    if per is Per.PERSON:
        return sum(one.guests for one in rooms)
    if per is Per.PERSON_NIGHT:
        return sum(one.guests * one.nights for one in rooms)
    return len(rooms)


def _bought(extra: Extra, rooms: Sequence[Room], pieces: int) -> int:
    return pieces if extra.per is Per.PIECE else count(extra.per, extra.uncovered(rooms))


def included_in(extras: Iterable[Extra], rooms: Sequence[Room]) -> list[Taken]:
    """What the rooms' rate plans cover."""
    found = [(one, one.covered(rooms)) for one in extras]
    return [Taken(one, count(one.per, covered), included=True) for one, covered in found if covered]


def take(extras: Sequence[Extra], rooms: Sequence[Room], wishes: Sequence[Wish]) -> list[Taken]:
    """All extras of a booking: what its rate plans cover, and what is asked for beyond that.

    Raises InvalidField for what is not offered, stands twice, is covered in every room, or is too much.
    """
    if len(wishes) > MOST_WISHES:
        raise InvalidField(field="/extras", problem=f"must be {MOST_WISHES} at most")
    offered = {one.code: one for one in extras if one.offered}
    bought: dict[str, Taken] = {}
    for index, wish in enumerate(wishes):
        extra, place = offered.get(wish.code), f"/extras/{index}"
        if extra is None:
            raise InvalidField(field=f"{place}/code", problem="is not an extra that is offered")
        if wish.code in bought:
            raise InvalidField(field=f"{place}/code", problem="stands there twice")
        if extra.per is not Per.PIECE and wish.pieces != 1:
            raise InvalidField(field=f"{place}/quantity", problem="must be 1: it is not sold by the piece")
        if not 1 <= wish.pieces <= extra.most:
            raise InvalidField(field=f"{place}/quantity", problem=f"must be 1 to {extra.most}")
        times = _bought(extra, rooms, wish.pieces)
        if not times:
            raise InvalidField(field=f"{place}/code", problem="is included in the price already")
        bought[wish.code] = Taken(extra, times, wish.pieces)
    return [*included_in(extras, rooms), *bought.values()]
