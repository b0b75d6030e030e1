"""Reading who changed prices and restrictions, and when."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.domain.rate_cells import CellChange, read_runs

MOST_CHANGES = 10
MOST_OF_A_CELL = 50


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
            "SELECT c.id, c.at, c.actor, c.kind, s.key, f.key, f.value FROM rates_ratechange c,"
            " jsonb_each(c.changes) s, jsonb_each(s.value) f"
            " WHERE c.property_id = %s AND %s BETWEEN c.first AND c.last AND c.slots && %s::smallint[]"
            " AND s.key = ANY(%s) AND f.key = ANY(%s) ORDER BY c.id DESC, s.key, f.key LIMIT %s",
            (property_id, day, list(slots), [str(slot) for slot in slots], list(fields), 4 * limit),
        ).fetchall()
    found = [
        CellEntry(change_id, at, actor, kind, CellChange(int(slot), night, field, before, after))
        for change_id, at, actor, kind, slot, field, runs in rows
        for night, before, after in read_runs(runs)
        if night == day
    ]
    return found[:limit]
