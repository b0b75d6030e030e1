"""A file of bookings as a table, and how it is read: which column is what, and what its words stand for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from innsync.apps.imports.columns import FIELDS, guess_columns, guess_system
from innsync.apps.rates.selectors import House
from innsync.apps.setup.sheets import Problems, decoded, lines_of
from innsync.domain.booking_state import BookingStatus
from innsync.domain.money import minor_digits
from innsync.domain.wording import told
from innsync.domain.written_days import DayOrder, guess_decimal_sign, guess_order

LARGEST_FILE = 20_000_000
MOST_ROWS = 50_000
MOST_COLUMNS = 200
MOST_WORDS = 200
"""Different words of one kind in a file: more are no names of room types."""
_GUESSED_FROM = 5_000
KINDS = ("room_type", "rate_plan", "status", "channel")
"""The columns whose words stand for something of ours."""
_QUOTED = ("'=", "'+", "'-", "'@")
_S = BookingStatus
_STATUSES: dict[str, BookingStatus] = {
    **dict.fromkeys(
        ("", "confirmed", "ok", "new", "modified", "booked", "reserved", "definite", "guaranteed"), _S.CONFIRMED
    ),
    **dict.fromkeys(
        ("accepted", "active", "due in", "confirmada", "confirmado", "bestätigt", "committed"), _S.CONFIRMED
    ),
    **dict.fromkeys(
        ("reservation", "commit", "book", "modify", "pending", "not confirmed", "option", "tentative"), _S.CONFIRMED
    ),
    **dict.fromkeys(
        ("checked_in", "checked in", "in house", "inhouse", "in-house", "checked-in", "arrived", "started"),
        _S.CHECKED_IN,
    ),
    **dict.fromkeys(
        ("checked_out", "checked out", "checked-out", "departed", "completed", "processed"), _S.CHECKED_OUT
    ),
    **dict.fromkeys(("check-out", "check out", "stayed", "finished"), _S.CHECKED_OUT),
    **dict.fromkeys(("cancelled", "canceled", "cancelled_by_guest", "cancelled by guest"), _S.CANCELLED),
    **dict.fromkeys(("cancelled_by_hotel", "cancel", "cancelada", "cancelado", "storniert"), _S.CANCELLED),
    **dict.fromkeys(("no_show", "no show", "no-show", "noshow"), _S.NO_SHOW),
}


@dataclass(frozen=True, slots=True)
class Table:
    """A file's headings and the lines below them: (line, cells)."""

    headings: list[str]
    rows: list[tuple[int, list[str]]]

    @property
    def digest(self) -> str:
        return hashlib.sha256("\n".join(self.headings).encode()).hexdigest()

    def column(self, place: int | None) -> Iterator[str]:
        for _line, cells in self.rows:
            yield cell(cells, place)


def cell(cells: Sequence[str], place: int | None) -> str:
    """Empty where the line has no such column."""
    return cells[place] if place is not None and place < len(cells) else ""


def read_table(content: bytes, problems: Problems) -> Table:
    """What is wrong with the table as a whole goes to `problems`; then it has no rows."""
    lines = lines_of(decoded(content), problems)
    headings = [_plain(one)[:100] for one in next(lines, (0, []))[1]]
    rows: list[tuple[int, list[str]]] = []
    if len(headings) > MOST_COLUMNS:
        problems.add(1, "", told(f"has more than {MOST_COLUMNS} columns"))
        return Table(headings[:MOST_COLUMNS], [])
    for line, values in lines:
        cells = [_plain(value) for value in values[: len(headings)]]
        if not any(cells):
            continue
        if len(rows) >= MOST_ROWS:
            problems.add(line, "", told(f"is one too many: at most {MOST_ROWS} lines"))
            return Table(headings, [])
        rows.append((line, cells))
    if problems.found:
        return Table(headings, [])
    if not rows:
        problems.add(1, "", told("has no lines below the first"))
    return Table(headings, rows)


def _plain(value: str) -> str:
    """Without the mark that keeps a spreadsheet from reckoning with it, as our own export writes it."""
    text = value.strip()
    return text[1:] if text.startswith(_QUOTED) else text


@dataclass(slots=True)
class Reading:
    """How a file is read, as it was guessed and somebody corrected it.

    columns: the place of each of FIELDS. sign: before the fraction of amounts; empty: not known. plan: the rate plan of
    bookings that name none, or one that stands for nothing here. words: by kind, what a word in small letters stands for:
    the id of a room type or rate plan, a status, the id of a connection (empty: nobody's here).
    """

    system: str = ""
    columns: dict[str, int] = field(default_factory=dict)
    order: DayOrder = DayOrder.YEAR_FIRST
    sign: str = ""
    plan: str = ""
    words: dict[str, dict[str, str]] = field(default_factory=dict)
    sure: bool = True

    def to_json(self) -> dict[str, Any]:
        return {
            "system": self.system,
            "columns": self.columns,
            "order": self.order.value,
            "sign": self.sign,
            "plan": self.plan,
            "words": self.words,
            "sure": self.sure,
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Reading:
        return cls(
            said["system"],
            dict(said["columns"]),
            DayOrder(said["order"]),
            said["sign"],
            said["plan"],
            {kind: dict(words) for kind, words in said["words"].items()},
            said["sure"],
        )


@dataclass(frozen=True)
class Here:
    """What words of a file can stand for: the house, its room types and plans by id with the names they go by.

    connections: by id, (vendor, name).
    """

    house: House
    types: dict[UUID, tuple[str, str]]
    plans: dict[UUID, tuple[str, str]]
    connections: dict[UUID, tuple[str, str]]

    @cached_property
    def targets(self) -> dict[str, dict[str, str]]:
        """By kind, what a word in small letters stands for by itself."""
        return {
            "room_type": _by_name(self.types),
            "rate_plan": _by_name(self.plans),
            "status": {word: status.value for word, status in _STATUSES.items()},
            "channel": _by_name(self.connections),
        }

    def allowed(self, kind: str, target: str) -> bool:
        if kind == "status":
            return target in set(_STATUSES.values())
        ours: Mapping[UUID, object] = {
            "room_type": self.types,
            "rate_plan": self.plans,
            "channel": self.connections,
        }[kind]
        return target == "" or target in {str(one) for one in ours}


def _by_name(named: Mapping[UUID, tuple[str, str]]) -> dict[str, str]:
    return {name.casefold(): str(key) for key, names in reversed(list(named.items())) for name in names if name}


def guess(table: Table, here: Here) -> Reading:
    """How this file is most likely to be read."""
    columns = guess_columns(table.headings)
    first, last = columns.get("check_in"), columns.get("check_out")
    stays = [(cell(cells, first), cell(cells, last)) for _line, cells in table.rows[:_GUESSED_FROM]]
    order, sure = guess_order(stays)
    amounts = [cell(cells, columns.get("total")) for _line, cells in table.rows[:_GUESSED_FROM]]
    decimals = minor_digits(here.house.currency)
    reading = Reading(
        system=guess_system(table.headings) or "File",
        columns=columns,
        order=order,
        sign=guess_decimal_sign(amounts, decimals=decimals),
        plan=str(next(iter(here.plans), "")),
        sure=sure,
    )
    fill_words(reading, table, here)
    return reading


def words_of(table: Table, reading: Reading, kind: str) -> list[str]:
    """The different words of that column, in small letters, in their order in the file."""
    found = dict.fromkeys(one.casefold() for one in table.column(reading.columns.get(kind)) if one)
    return list(found)[:MOST_WORDS]


def fill_words(reading: Reading, table: Table, here: Here) -> None:
    """Say of every word of the file what it stands for, as far as that is known and may be."""
    alone = str(next(iter(here.types))) if len(here.types) == 1 else ""
    for kind in KINDS:
        said, ours = reading.words.get(kind, {}), here.targets[kind]
        fallback = {"room_type": alone, "rate_plan": reading.plan}.get(kind, "")
        kept = {}
        for word in words_of(table, reading, kind):
            target = said.get(word, "")
            # A channel may have been connected since: its own name can mean no other.
            unsaid = word not in said or (kind == "channel" and not target)
            if unsaid or not here.allowed(kind, target):
                target = ours.get(word, fallback)
            kept[word] = target
        reading.words[kind] = kept


def clean_columns(said: Mapping[str, str], width: int) -> dict[str, int]:
    """The columns that a person chose: for each field a place in the file, or nothing."""
    found = {}
    for name in FIELDS:
        text = said.get(name, "")
        if text.isascii() and text.isdecimal() and len(text) < 4 and int(text) < width:
            found[name] = int(text)
    return found
