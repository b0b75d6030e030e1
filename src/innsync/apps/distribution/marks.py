"""Marks: the nights on which a connection may differ from what is wanted, and since when.

Whoever changes something adds marks; only the connection's reconciler, which runs alone, takes them away.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.domain.ari import Target
from innsync.domain.spans import compress

MOST_READ = 20_000
CAUSE_KEPT = 120
FIRST_LOAD = "connected"


@dataclass(frozen=True, slots=True)
class Mark:
    """One row of the model `Dirty`; see there."""

    id: int
    room_type_id: UUID | None
    first: date
    last: date
    since: datetime
    what: str
    forget: bool
    cause: str

    @property
    def is_a_load(self) -> bool:
        """Whether everything is sent for the first time or, as somebody asked, once more."""
        return self.cause == FIRST_LOAD or (self.forget and self.room_type_id is None)

    def concerns(self, target: Target, room_type_id: UUID) -> bool:
        """Whether this target of that room type may differ because of it."""
        if self.room_type_id not in (None, room_type_id):
            return False
        return self.what == "all" or (self.what == "stock") == (target.rate is None)


@dataclass(frozen=True, slots=True)
class Change:
    """Nights (both ends included) of a property that may differ at every channel. room_type_id None: all its types."""

    property_id: UUID
    room_type_id: UUID | None
    first: date
    last: date
    since: datetime
    what: str
    cause: str


# A connection hears only of the room types that it maps.
_ADD_EVERYWHERE = """
INSERT INTO distribution_dirty (organization_id, connection_id, room_type_id, first, last, since, what, forget, cause)
SELECT c.organization_id, c.id, s.room_type_id, s.first, s.last, s.since, s.what, false, s.cause
FROM unnest(%(properties)s::uuid[], %(types)s::uuid[], %(firsts)s::date[], %(lasts)s::date[], %(sinces)s::timestamptz[],
  %(whats)s::text[], %(causes)s::text[]) AS s(property_id, room_type_id, first, last, since, what, cause)
JOIN distribution_connection c ON c.property_id = s.property_id AND c.state <> 'left'
WHERE s.room_type_id IS NULL OR EXISTS (
  SELECT 1 FROM distribution_roommapping m WHERE m.connection_id = c.id AND m.room_type_id = s.room_type_id)
RETURNING connection_id
"""
_ADD = """
INSERT INTO distribution_dirty (organization_id, connection_id, room_type_id, first, last, since, what, forget, cause)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def add_everywhere(changes: Sequence[Change]) -> set[UUID]:
    """Mark at every connection of the properties, paused ones too: a person sees what waits. Answers which they are."""
    with sql() as cursor:
        rows = cursor.execute(
            _ADD_EVERYWHERE,
            {
                "properties": [change.property_id for change in changes],
                "types": [change.room_type_id for change in changes],
                "firsts": [change.first for change in changes],
                "lasts": [change.last for change in changes],
                "sinces": [change.since for change in changes],
                "whats": [change.what for change in changes],
                "causes": [change.cause[:CAUSE_KEPT] for change in changes],
            },
        ).fetchall()
    return {row[0] for row in rows}


def add(
    *,
    organization_id: UUID,
    connection_id: UUID,
    spans: Iterable[tuple[UUID | None, date, date]],
    since: datetime,
    cause: str,
    what: str = "all",
    forget: bool = False,
) -> None:
    """Mark (room type or None for all, first, last) at one connection."""
    with sql() as cursor:
        cursor.executemany(
            _ADD,
            [
                (organization_id, connection_id, room_type_id, first, last, since, what, forget, cause[:CAUSE_KEPT])
                for room_type_id, first, last in spans
            ],
        )


def read(connection_id: UUID) -> list[Mark]:
    """The oldest marks of the connection; what is beyond `MOST_READ` comes in the next round."""
    with sql() as cursor:
        return [
            Mark(*row)
            for row in cursor.execute(
                "SELECT id, room_type_id, first, last, since, what, forget, cause FROM distribution_dirty"
                " WHERE connection_id = %s ORDER BY id LIMIT %s",
                (connection_id, MOST_READ),
            )
        ]


def remove(ids: Sequence[int]) -> None:
    if ids:
        with sql() as cursor:
            cursor.execute("DELETE FROM distribution_dirty WHERE id = ANY(%s)", (list(ids),))


def remove_of(connection_id: UUID, ids: Sequence[int]) -> bool:
    """Take these away; answers whether the connection has others."""
    with sql() as cursor:
        found = cursor.execute(
            "WITH gone AS (DELETE FROM distribution_dirty WHERE id = ANY(%(ids)s)) SELECT EXISTS"
            " (SELECT FROM distribution_dirty WHERE connection_id = %(connection)s AND id <> ALL(%(ids)s))",
            {"ids": list(ids), "connection": connection_id},
        )
        return found.fetchone() == (True,)


def compact(*, organization_id: UUID, connection_id: UUID, today: date) -> None:
    """Say once what is marked many times, so that a connection that waits for months keeps no more than its nights.

    A night keeps its oldest mark; nights before today at the property need none.
    """
    marks = read(connection_id)
    nights: dict[tuple[UUID | None, str, bool], dict[date, tuple[datetime, str]]] = {}
    for mark in sorted(marks, key=lambda one: one.since, reverse=True):
        own = nights.setdefault((mark.room_type_id, mark.what, mark.forget), {})
        begin = max(mark.first, today)
        for offset in range((mark.last - begin).days + 1):
            own[begin + timedelta(days=offset)] = (mark.since, mark.cause)
    wanted = {
        (room_type_id, span.first, span.last, span.value[0], what, forget, span.value[1])
        for (room_type_id, what, forget), own in nights.items()
        for span in compress(own)
    }
    if len(wanted) >= len(marks):
        return
    surplus = []
    for mark in marks:
        said = (mark.room_type_id, mark.first, mark.last, mark.since, mark.what, mark.forget, mark.cause)
        if said in wanted:
            wanted.remove(said)
        else:
            surplus.append(mark.id)
    remove(surplus)
    with sql() as cursor:
        cursor.executemany(_ADD, [(organization_id, connection_id, *said) for said in wanted])
