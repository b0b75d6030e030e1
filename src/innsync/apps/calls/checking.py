"""Walks an organization's chain of recorded calls, and names what was changed, removed or put in since it was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.calls.writing import FIELDS, line_of, rows_of
from innsync.domain.call_chain import FIRST, Link, digest

LINKS_AT_ONCE = 200
KEPT_AT_LEAST = timedelta(days=30)
"""Younger links nobody can have forgotten by the way provided for it (migration 0002)."""
_LINKS = """
SELECT number, at, previous_at, previous, ids, digests, hash FROM calls_link
WHERE organization_id = %s AND number > %s ORDER BY number LIMIT %s
"""
_CALLS = f"SELECT {', '.join(FIELDS)} FROM calls_call WHERE organization_id = %s AND id = ANY(%s)"  # noqa: S608  # our own names
_UNTIED = """
SELECT min(id::text)::uuid FROM (
  SELECT id FROM calls_call WHERE organization_id = %(whose)s
  EXCEPT SELECT unnest(ids) FROM calls_link WHERE organization_id = %(whose)s) extra
"""


@dataclass(frozen=True, slots=True)
class Broken:
    """The first thing that is not as it was written. link: its number; call_id None: the link itself."""

    link: int
    call_id: UUID | None
    what: str


@dataclass(frozen=True, slots=True)
class Chain:
    """What was walked. number, hash, at: of the newest link; whoever notes them can check later that it still ends so."""

    calls: int
    first: int
    number: int
    hash: str
    at: datetime | None
    broken: Broken | None


def verify(
    *, organization_id: UUID, now: datetime, known: Mapping[int, str] | None = None, newest_links: int | None = None
) -> Chain:
    """known: hashes of links that were noted before, outside of the database.

    newest_links: only so many; then nothing before them is looked at, and what belongs to no link is not looked for.
    """
    walk = _Walk(organization_id, now, dict(known or {}))
    with tenant(organization_id):
        if newest_links is not None:
            walk.begin_late(newest_links)
        broken = next(walk.find(), None)
    return Chain(walk.calls, walk.first, walk.number, walk.hash.hex() if walk.number else "", walk.at, broken)


class _Walk:
    def __init__(self, organization_id: UUID, now: datetime, known: dict[int, str]) -> None:
        self._organization_id, self._now, self._known = organization_id, now, known
        self.calls = self.first = self.number = 0
        self.hash = FIRST
        self.at: datetime | None = None
        self._whole = True

    def begin_late(self, newest: int) -> None:
        with sql() as cursor:
            row = cursor.execute(
                "SELECT number, hash, at FROM calls_link WHERE organization_id = %s ORDER BY number DESC OFFSET %s LIMIT 1",
                (self._organization_id, newest),
            ).fetchone()
        if row:
            self._whole = False
            self.number, self.hash, self.at = row[0], bytes(row[1]), row[2]
            self.first = self.number + 1

    def find(self) -> Iterator[Broken]:
        while links := self._next():
            rows = self._rows([call_id for link, _ in links for call_id, _digest in link.calls()])
            for link, said in links:
                yield from self._compare(link, said)
                yield from self._compare_calls(link, rows)
                self.calls += len(link)
                self.number, self.hash, self.at = link.number, said, link.at
        missing = [number for number in self._known if number > self.number]
        if missing:
            yield Broken(min(missing), None, "is missing: the chain ends before it")
        if not self._whole:
            return
        with sql() as cursor:
            row = cursor.execute(_UNTIED, {"whose": self._organization_id}).fetchone()
        if row and row[0]:
            yield Broken(self.number, row[0], "belongs to no link: it was put in")

    def _next(self) -> list[tuple[Link, bytes]]:
        with sql() as cursor:
            found = cursor.execute(_LINKS, (self._organization_id, self.number, LINKS_AT_ONCE)).fetchall()
        return [
            (
                Link(
                    self._organization_id,
                    number,
                    at,
                    previous_at,
                    bytes(previous),
                    b"".join(one.bytes for one in ids),
                    bytes(digests),
                ),
                bytes(said),
            )
            for number, at, previous_at, previous, ids, digests, said in found
        ]

    def _rows(self, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
        with sql() as cursor:
            cursor.row_factory = dict_row
            found = cursor.execute(_CALLS, (self._organization_id, list(ids))).fetchall()
        return {UUID(row["id"]): row for row in rows_of(found)}

    def _compare(self, link: Link, said: bytes) -> Iterator[Broken]:
        if link.number in self._known and self._known[link.number].lower() != said.hex():
            yield Broken(link.number, None, "is another one than was noted")
        if not self.number:
            self.first = link.number
            yield from self._compare_first(link)
        elif link.number != self.number + 1:
            yield Broken(self.number + 1, None, "is missing")
        elif (link.previous, link.previous_at) != (self.hash, self.at):
            yield Broken(link.number, None, "does not follow from the link before it")
        if link.hash() != said:
            yield Broken(link.number, None, "was changed")

    def _compare_first(self, link: Link) -> Iterator[Broken]:
        """Older ones may have served their time."""
        if link.number == 1:
            if link.previous != FIRST or link.previous_at is not None:
                yield Broken(1, None, "was changed")
        elif link.previous_at is None or link.previous_at > self._now - KEPT_AT_LEAST:
            yield Broken(link.number - 1, None, "is missing, and too young to have been forgotten")

    def _compare_calls(self, link: Link, rows: Mapping[UUID, dict[str, Any]]) -> Iterator[Broken]:
        for call_id, expected in link.calls():
            row = rows.get(call_id)
            if row is None:
                yield Broken(link.number, call_id, "is missing")
            elif digest(line_of(row)) != expected:
                yield Broken(link.number, call_id, "was changed")


def head_of(organization_id: UUID) -> tuple[int, str, datetime] | None:
    """Number, hash and time of the newest link."""
    with tenant(organization_id), sql() as cursor:
        row = cursor.execute(
            "SELECT number, encode(hash, 'hex'), at FROM calls_link WHERE organization_id = %s"
            " ORDER BY number DESC LIMIT 1",
            (organization_id,),
        ).fetchone()
    return (row[0], row[1], row[2].astimezone(UTC)) if row else None
