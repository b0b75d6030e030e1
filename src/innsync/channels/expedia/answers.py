"""Which cells an AR answer refuses, and whom an AR error blames. Pure. Source: NOTES.md 2.8 and 4."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from innsync.domain.ari import (
    AVAILABILITY,
    CLOSED_TO_ARRIVAL,
    CLOSED_TO_DEPARTURE,
    MAX_STAY,
    MIN_STAY_ARRIVAL,
    MIN_STAY_THROUGH,
    STOP_SELL,
    AriUpdate,
    Target,
)
from innsync.domain.spans import compress
from innsync.integrations.ports import Refusal

LENGTHS = (MIN_STAY_ARRIVAL, MIN_STAY_THROUGH, MAX_STAY)
RULES = (*LENGTHS, CLOSED_TO_ARRIVAL, CLOSED_TO_DEPARTURE)
PRICES = "prices"

HARMLESS = {"7022"}
"""The rate plan is not active: what was sent is stored, and sold once Expedia activates it."""

FIELDS: dict[str, tuple[str, ...]] = {
    "7009": (PRICES,),
    "7010": (AVAILABILITY,),
    "7013": (AVAILABILITY,),
    "7014": (STOP_SELL,),
    "7016": LENGTHS,
    "7018": (AVAILABILITY,),
    "7019": (PRICES,),
    "7021": (PRICES,),
    "7023": RULES,
    "7024": (PRICES,),
    "7025": (PRICES,),
    "7026": (STOP_SELL,),
    "7027": (PRICES,),
    "7028": (PRICES,),
}
"""What each warning is about; one that is not listed may be about anything."""

_ROOM = re.compile(r"room type ids?:?\s*(\w+)", re.IGNORECASE)
_RATE = re.compile(r"rate plan ids?:?\s*(\w+)", re.IGNORECASE)
_DATE = re.compile(r"date:?\s*(\d{4}-\d{2}-\d{2})", re.IGNORECASE)
_COUNT = re.compile(r"\bwarning (\d+) out of (\d+)", re.IGNORECASE)
_OCCUPANCY = re.compile(r"occupancy:?\s*(\d{1,2})\b", re.IGNORECASE)
_REFERENCE = re.compile(r"ref=\[([^\]]+)\]", re.IGNORECASE)
_NUMBER = re.compile(r"\(\[?(\d+)\]?\)")
_ID = re.compile(r"\b\d+A?\b")


@dataclass(frozen=True, slots=True)
class Warning:
    """One warning of an answer that is a success otherwise."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Place:
    """What a warning names: a room, a rate plan, a night, each of them or not."""

    room: str = ""
    rate: str = ""
    night: date | None = None

    @classmethod
    def named_in(cls, words: str) -> Place:
        room, rate, night = _ROOM.search(words), _RATE.search(words), _DATE.search(words)
        return cls(room[1] if room else "", rate[1] if rate else "", _day(night[1]) if night else None)

    def covers(self, target: Target, night: date) -> bool:
        return self.room in ("", target.room) and self.rate in ("", target.rate or "") and self.night in (None, night)

    def wider(self) -> list[Place]:
        """Itself, then ever less exact places. A linked plan that suffers with the listed one is not listed (7025)."""
        return [self, replace(self, rate=""), Place(night=self.night), Place()]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class _Cell:
    target: Target
    night: date
    fields: tuple[str, ...]


def refusals(warnings: Sequence[Warning], updates: Sequence[AriUpdate]) -> list[Refusal]:
    """The cells of the updates that these warnings refuse, neighbouring nights as one."""
    found: dict[tuple[Target, str, tuple[str, ...]], dict[date, str]] = {}
    for warning in warnings:
        if warning.code in HARMLESS:
            continue
        for cell in _cells(warning, updates):
            by_night = found.setdefault((cell.target, warning.code, cell.fields), {})
            by_night.setdefault(cell.night, _plain(warning.words))
    return [
        Refusal(target, span.first, span.last, span.value, code, fields)
        for (target, code, fields), by_night in found.items()
        for span in compress(by_night)
    ]


def remarks(warnings: Iterable[Warning]) -> tuple[str, ...]:
    """The warnings in the vendor's words, for a person."""
    return tuple(f"{warning.code}: {warning.words}" for warning in warnings)


def reference(warnings: Iterable[Warning]) -> str:
    """The id by which Expedia finds the message again; only warnings and errors carry it."""
    return next((match[1] for warning in warnings if (match := _REFERENCE.search(warning.words))), "")


def _plain(words: str) -> str:
    """The words without what differs from night to night, so that equal reasons can be told together."""
    for pattern in (_COUNT, _DATE, _REFERENCE):
        words = pattern.sub("", words)
    return " ".join(words.replace(" for this cause.", "").replace("Inventory ;", "").split())


def _cells(warning: Warning, updates: Sequence[AriUpdate]) -> list[_Cell]:
    """The cells that a warning refuses.

    20 warnings of a kind are listed at most (NOTES.md 2.8): when more were counted than that, any cell of the kind may
    be among those not listed, and rather a cell too many is taken for refused than one too few.
    """
    counted = _COUNT.search(warning.words)
    last_listed = bool(counted and counted[1] == "20" and int(counted[2]) > 20)
    places = [Place()] if last_listed else Place.named_in(warning.words).wider()
    for place in places:
        cells = [
            _Cell(update.target, night, fields)
            for update in updates
            if (fields := concerned(warning, update))
            for night in _nights(update)
            if place.covers(update.target, night)
        ]
        if cells:
            return cells
    return []


def concerned(warning: Warning, update: AriUpdate) -> tuple[str, ...]:
    """The fields of an update that a warning is about."""
    wanted = FIELDS.get(warning.code)
    if wanted is None:
        return tuple(update.values)
    if warning.code == "7009" and (occupancy := _OCCUPANCY.search(warning.words)):
        named = f"price_{int(occupancy[1])}"
        if named in update.values:
            return (named,)
    return tuple(
        field for field in update.values if field in wanted or (PRICES in wanted and field.startswith("price_"))
    )


def _nights(update: AriUpdate) -> list[date]:
    return [date.fromordinal(update.first.toordinal() + offset) for offset in range(update.nights)]


def blame(code: str, words: str, updates: Sequence[AriUpdate]) -> tuple[list[Refusal], list[AriUpdate]]:
    """Whom an error blames among the updates, and the updates without that. No refusals when it can't be told.

    One wrong id or value makes Expedia refuse a whole message. What it names is taken out, so that the rest, which may
    close a room, can go on its way.
    """
    refused: list[Refusal] = []
    kept: list[AriUpdate] = []
    for update in updates:
        guilty = _guilty(code, words, update)
        if guilty:
            refused.append(Refusal(update.target, update.first, update.last, words, code, guilty))
        rest = {field: value for field, value in update.values.items() if field not in guilty}
        if rest:
            kept.append(replace(update, values=rest))
    return refused, kept


def _guilty(code: str, words: str, update: AriUpdate) -> tuple[str, ...]:
    everything = tuple(update.values)
    if code == "3203":
        return everything if update.target.room in _ID.findall(words) else ()
    if code in ("3204", "3205", "3142"):
        return everything if update.target.rate in _ID.findall(words) else ()
    if code == "3135":
        numbers = [int(number) for number in _NUMBER.findall(words)]
        if len(numbers) == 2:
            return tuple(field for field in LENGTHS[:2] if update.values.get(field, 0) > numbers[1])
    return ()
