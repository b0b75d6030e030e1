"""Single cells of rate rows: what a product says of itself on a night, and how a set of changed cells is kept.

A cell is one field of one product (by slot) on one night. Its own value is None where the product says nothing: a derived
product then follows its parent, any other has no price or no such rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple

from innsync.domain.products import CTA, CTD, STOP_SELL, Column, RateRow

COLUMNS = {
    "price": "prices",
    "min_stay_arrival": "min_arrival",
    "min_stay_through": "min_through",
    "max_stay": "max_stay",
}
"""Fields that have an array of a rate row to themselves, and its name."""
FLAGS = {"closed_to_arrival": CTA, "closed_to_departure": CTD, "stop_sell": STOP_SELL}
"""Fields that are a bit of a rate row's flags; as a value 0 or 1."""
FIELDS = (*COLUMNS, *FLAGS)
LIMITS = {
    "price": (1, 2_000_000_000),
    "min_stay_arrival": (1, 999),
    "min_stay_through": (1, 999),
    "max_stay": (0, 999),
    **dict.fromkeys(FLAGS, (0, 1)),
}
"""The least and the most that a field may be set to; prices in minor units, stays in nights."""

Cell = tuple[int, date, str]
"""(slot, night, field)"""
Packed = dict[str, dict[str, list[object]]]
"""slot -> field -> [first night, [nights, before, after], [nights without a change], ...], as JSON keeps it."""


class CellChange(NamedTuple):
    """A cell whose own value changed."""

    slot: int
    day: date
    field: str
    before: int | None
    after: int | None

    @property
    def cell(self) -> Cell:
        return self.slot, self.day, self.field


def own_value(row: RateRow | None, slot: int, field: str) -> int | None:
    """What the product itself says; None where it leaves that to its parent, or says nothing."""
    if row is None:
        return None
    if field in COLUMNS:
        return _at(getattr(row, COLUMNS[field]), slot)
    flags = _at(row.flags, slot)
    bit = FLAGS[field]
    if flags is None or not (flags >> 3 or 7) & bit:
        return None
    return int(bool(flags & bit))


def with_values(rows: Mapping[date, RateRow], values: Mapping[Cell, int | None]) -> dict[date, RateRow]:
    """The rows as they are once those cells have those own values; rows of nights that had none are made."""
    by_day: dict[date, list[tuple[int, str, int | None]]] = {}
    for (slot, day, field), value in values.items():
        by_day.setdefault(day, []).append((slot, field, value))
    return {**rows, **{day: _with(rows.get(day) or RateRow(day), cells) for day, cells in by_day.items()}}


def _with(row: RateRow, cells: Iterable[tuple[int, str, int | None]]) -> RateRow:
    columns: dict[str, list[int | None]] = {}
    for slot, field, value in cells:
        name = COLUMNS.get(field, "flags")
        column = columns.setdefault(name, list(getattr(row, name)))
        column += [None] * (slot - len(column))
        column[slot - 1] = value if field in COLUMNS else _flags_with(column[slot - 1], FLAGS[field], value)
    return RateRow(row.day, *(columns.get(name, getattr(row, name)) for name in (*COLUMNS.values(), "flags")))


def _flags_with(flags: int | None, bit: int, value: int | None) -> int | None:
    """As `services.set_rates` writes them: the bits, and eight times higher which of them are own; nothing own is None."""
    kept = (flags or 0) & ~(bit | bit << 3)
    return kept | (0 if value is None else bit << 3 | bit * value) or None


def changes(rows: Mapping[date, RateRow], values: Mapping[Cell, int | None]) -> list[CellChange]:
    """Those of the cells whose own value in the rows is another, by slot, field and night."""
    found = (
        CellChange(slot, day, field, own_value(rows.get(day), slot, field), value)
        for (slot, day, field), value in values.items()
    )
    return sorted((one for one in found if one.before != one.after), key=lambda one: (one.slot, one.field, one.day))


def pack(found: Iterable[CellChange]) -> Packed:
    """Changes in few words: neighbouring nights that changed alike are one entry."""
    packed: Packed = {}
    last: dict[tuple[int, str], date] = {}
    for slot, day, field, before, after in sorted(found, key=lambda one: (one.slot, one.field, one.day)):
        runs = packed.setdefault(str(slot), {}).setdefault(field, [day.isoformat()])
        gap = (day - last[slot, field]).days - 1 if len(runs) > 1 else 0
        last[slot, field] = day
        latest = runs[-1]
        if gap:
            runs += [[gap], [1, before, after]]
        elif isinstance(latest, list) and latest[1:] == [before, after]:
            latest[0] += 1
        else:
            runs.append([1, before, after])
    return packed


def column_of(rows: Iterable[RateRow | None], slot: int, field: str) -> list[int | None]:
    """What the product itself says in each of these rows."""
    if field not in COLUMNS:
        return [own_value(row, slot, field) for row in rows]
    name = COLUMNS[field]
    columns = (getattr(row, name) if row is not None else () for row in rows)
    return [column[slot - 1] if slot <= len(column) else None for column in columns]


def pack_column(nights: Sequence[date], before: Sequence[int | None], after: Sequence[int | None]) -> list[object]:
    """One field of one product, as `pack` says it; empty where nothing changed. nights: in order."""
    runs: list[object] = []
    end: date | None = None
    index = 0
    for (old, new), alike in groupby(zip(before, after, strict=True)):
        begin, index = index, index + len(list(alike))
        if old == new:
            continue
        for first, last in _unbroken(nights, begin, index):
            if end is None:
                runs.append(first.isoformat())
            elif gap := (first - end).days - 1:
                runs.append([gap])
            runs.append([(last - first).days + 1, old, new])
            end = last
    return runs


def _unbroken(nights: Sequence[date], begin: int, until: int) -> Iterator[tuple[date, date]]:
    """(first, last) of the neighbouring nights among those from one index up to another."""
    if (nights[until - 1] - nights[begin]).days == until - 1 - begin:
        yield nights[begin], nights[until - 1]
        return
    for index in range(begin, until):
        if index == begin or (nights[index] - nights[index - 1]).days > 1:
            first = nights[index]
        if index == until - 1 or (nights[index + 1] - nights[index]).days > 1:
            yield first, nights[index]


def unpack(packed: Packed) -> list[CellChange]:
    """What was packed, by slot, field and night."""
    found = [
        CellChange(int(slot), day, field, before, after)
        for slot, fields in packed.items()
        for field, runs in fields.items()
        for day, before, after in read_runs(runs)
    ]
    return sorted(found, key=lambda one: (one.slot, one.field, one.day))


class Run(NamedTuple):
    """Neighbouring nights, both included, on which a cell changed alike."""

    first: date
    last: date
    before: int | None
    after: int | None


def spans_of(runs: list[object]) -> Iterator[Run]:
    """One slot and field of what was packed, in order."""
    first, *rest = runs
    day = date.fromisoformat(str(first))
    for run in rest:
        assert isinstance(run, list)
        following = day + timedelta(days=run[0])
        if len(run) == 3:
            yield Run(day, following - timedelta(days=1), run[1], run[2])
        day = following


def read_runs(runs: list[object]) -> Iterator[tuple[date, int | None, int | None]]:
    """(night, before, after) of one slot and field of what was packed, in order."""
    for run in spans_of(runs):
        for offset in range((run.last - run.first).days + 1):
            yield run.first + timedelta(days=offset), run.before, run.after


def _at(column: Column, slot: int) -> int | None:
    return column[slot - 1] if slot <= len(column) else None
