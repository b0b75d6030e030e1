"""Reading who changed prices and restrictions, and when."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.domain.rate_cells import CellChange, read_runs

MOST_CHANGES = 10
MOST_OF_A_CELL = 50
_CELLS = "rates_ratechange c, jsonb_each(c.changes) s, jsonb_each(s.value) f"
_OF_THESE = (
    "c.property_id = %(property)s AND c.first <= %(last)s AND c.last >= %(first)s"
    " AND c.slots && %(slots)s::smallint[] AND s.key = ANY(%(keys)s) AND f.key = ANY(%(fields)s)"
)


@dataclass(frozen=True, slots=True)
class Change:
    """One change as a list shows it. fields: which of them it set. undone: somebody has undone it since."""

    id: UUID
    at: datetime
    actor: str
    kind: str
    slots: tuple[int, ...]
    fields: tuple[str, ...]
    first: date
    last: date
    cells: int
    undone: bool


@dataclass(frozen=True, slots=True)
class CellEntry:
    """One change of one cell: its own value before and after."""

    change_id: UUID
    at: datetime
    actor: str
    kind: str
    cell: CellChange


def list_changes(*, property_id: UUID, limit: int = MOST_CHANGES) -> list[Change]:
    """The last changes of a property, newest first."""
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT c.id, c.at, c.actor, c.kind, c.slots, c.first, c.last, c.cells,"
            " (SELECT array_agg(DISTINCT f) FROM jsonb_each(c.changes) s, jsonb_object_keys(s.value) f),"
            " EXISTS (SELECT FROM rates_ratechange u WHERE u.undoes_id = c.id)"
            " FROM rates_ratechange c WHERE c.property_id = %s ORDER BY c.id DESC LIMIT %s",
            (property_id, limit),
        ).fetchall()
    return [
        Change(id, at, actor, kind, tuple(slots), tuple(fields or ()), first, last, cells, undone)
        for id, at, actor, kind, slots, first, last, cells, fields, undone in rows
    ]


def list_cell_history(
    *, property_id: UUID, slots: Collection[int], day: date, fields: Collection[str], limit: int = MOST_OF_A_CELL
) -> list[CellEntry]:
    """What was done to these fields of these products on that night, newest first."""
    with sql() as cursor:
        rows = cursor.execute(
            f"SELECT c.id, c.at, c.actor, c.kind, s.key, f.key, night.before, night.after FROM {_CELLS},"  # noqa: S608  # all of it is ours
            " LATERAL (SELECT (run->>1)::int AS before, (run->>2)::int AS after FROM ("
            "   SELECT run, sum((run->>0)::int) OVER (ORDER BY place) AS past"
            "   FROM jsonb_array_elements(f.value - 0) WITH ORDINALITY AS runs (run, place)) placed"
            "   WHERE jsonb_array_length(run) = 3 AND %(day)s::date - (f.value->>0)::date >= past - (run->>0)::int"
            "   AND %(day)s::date - (f.value->>0)::date < past) night"
            f" WHERE {_OF_THESE} ORDER BY c.id DESC, s.key, f.key LIMIT %(limit)s",
            {**_asked(property_id, slots, fields, day, day), "day": day, "limit": limit},
        ).fetchall()
    return [
        CellEntry(change_id, at, actor, kind, CellChange(int(slot), day, field, before, after))
        for change_id, at, actor, kind, slot, field, before, after in rows
    ]


def list_last_actors(
    *, property_id: UUID, cells: Collection[tuple[int, date, str]]
) -> dict[tuple[int, date, str], str]:
    """Who changed each of these cells (product's slot, night, field) last; a cell that nobody did is left out."""
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT DISTINCT ON (w.slot, w.day, w.field) w.slot, w.day, w.field, c.actor"
            " FROM unnest(%(slots)s::smallint[], %(days)s::date[], %(fields)s::text[]) AS w(slot, day, field)"
            " JOIN rates_ratechange c ON c.property_id = %(property)s AND w.day BETWEEN c.first AND c.last"
            "   AND w.slot = ANY(c.slots)"
            " CROSS JOIN LATERAL (SELECT c.changes -> w.slot::text -> w.field AS runs) f"
            " CROSS JOIN LATERAL (SELECT run, sum((run->>0)::int) OVER (ORDER BY place) AS past"
            "   FROM jsonb_array_elements(f.runs - 0) WITH ORDINALITY AS runs (run, place)) placed"
            " WHERE jsonb_array_length(run) = 3 AND w.day - (f.runs->>0)::date >= past - (run->>0)::int"
            "   AND w.day - (f.runs->>0)::date < past"
            " ORDER BY w.slot, w.day, w.field, c.id DESC",
            {
                "property": property_id,
                "slots": [slot for slot, _, _ in cells],
                "days": [day for _, day, _ in cells],
                "fields": [field for _, _, field in cells],
            },
        ).fetchall()
    return {(slot, day, field): actor for slot, day, field, actor in rows}


def list_stops(*, property_id: UUID, slots: Collection[int], first: date, last: date) -> list[list[CellChange]]:
    """Every change of stop sell of these products on these nights, newest first: what each of them set, all at once."""
    with sql() as cursor:
        rows = cursor.execute(
            f"SELECT c.id, s.key, f.value FROM {_CELLS} WHERE {_OF_THESE} ORDER BY c.id DESC",  # noqa: S608  # all of it is ours
            _asked(property_id, slots, ["stop_sell"], first, last),
        ).fetchall()
    found: dict[UUID, list[CellChange]] = {}
    for change_id, slot, runs in rows:
        found.setdefault(change_id, []).extend(
            CellChange(int(slot), night, "stop_sell", before, after)
            for night, before, after in read_runs(runs)
            if first <= night <= last
        )
    return list(found.values())


def _asked(
    property_id: UUID, slots: Collection[int], fields: Collection[str], first: date, last: date
) -> dict[str, Any]:
    return {
        "property": property_id,
        "first": first,
        "last": last,
        "slots": list(slots),
        "keys": [str(slot) for slot in slots],
        "fields": list(fields),
    }
