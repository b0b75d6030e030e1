"""Finding recorded calls, and giving them out as lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.calls.writing import FIELDS, line_of, rows_of

AT_ONCE = 2_000
_COLUMNS = ", ".join(FIELDS)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which calls. key_ids None: of all keys and none; booking: any of these ids or codes; status: `4` means 400 to 499, `0` what was
    missed.

    since and until: moments, the second excluded. path: what it contains.
    """

    key_ids: Sequence[UUID] | None = None
    status: str = ""
    method: str = ""
    path: str = ""
    bookings: Sequence[str] = ()
    request_id: str = ""
    address: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> tuple[list[str], list[Any]]:
        """SQL and its values."""
        parts: list[tuple[str, Any]] = []
        if self.key_ids is not None:
            parts.append(("key_id = ANY(%s)", list(self.key_ids)))
        if self.status:
            low, wide = int(self.status) * 10 ** (3 - len(self.status)), 10 ** (3 - len(self.status))
            # Numbers of our own, written out: an index with a condition is not used for values that come later.
            parts.append((f"status >= {low} AND status < %s", low + wide))
            if low >= 400 or low == 0:
                parts.append(("(status >= 400 OR missed > 0) AND %s", True))
        if self.method:
            parts.append(("method = %s", self.method))
        if self.path:
            parts.append(("strpos(path, %s) > 0", self.path))
        if self.bookings:
            parts.append(("booking <> '' AND booking = ANY(%s)", list(self.bookings)))
        if self.request_id:
            parts.append(("request_id = %s", self.request_id))
        if self.address:
            parts.append(("address = %s", self.address))
        if self.since:
            parts.append(("id >= %s", first_id_of(self.since)))
        if self.until:
            parts.append(("id < %s", first_id_of(self.until)))
        return [part for part, _ in parts], [value for _, value in parts]


def first_id_of(moment: datetime) -> UUID:
    """What no id of an earlier moment reaches."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def find_calls(
    *, organization_id: UUID, wanted: Wanted, limit: int, before: UUID | None = None, after: UUID | None = None
) -> list[dict[str, Any]]:
    """The newest first, older than `before`; with `after`, the oldest first. Within the tenant's transaction."""
    conditions, values = wanted.conditions()
    conditions.insert(0, "organization_id = %s")
    values.insert(0, organization_id)
    if before:
        conditions.append("id < %s")
        values.append(before)
    if after:
        conditions.append("id > %s")
        values.append(after)
    order = "ASC" if after else "DESC"
    statement = f"SELECT {_COLUMNS} FROM calls_call WHERE {' AND '.join(conditions)} ORDER BY id {order} LIMIT %s"  # noqa: S608  # our own words
    with sql() as cursor:
        cursor.row_factory = dict_row
        return cursor.execute(statement, [*values, limit]).fetchall()


def lines(*, organization_id: UUID, wanted: Wanted, most: int | None = None) -> Iterator[bytes]:
    """JSON lines, the oldest first, each as its digest covers it. A transaction for each few thousand."""
    after, given = UUID(int=0), 0
    while True:
        limit = AT_ONCE if most is None else min(AT_ONCE, most - given)
        if limit <= 0:
            return
        with tenant(organization_id):
            found = find_calls(organization_id=organization_id, wanted=wanted, limit=limit, after=after)
        for row in rows_of(found):
            yield line_of(row) + b"\n"
        if len(found) < limit:
            return
        after, given = found[-1]["id"], given + len(found)


def link_lines(*, organization_id: UUID) -> Iterator[bytes]:
    """The chain itself, for whoever checks the lines without this database."""
    number = 0
    while True:
        with tenant(organization_id), sql() as cursor:
            found = cursor.execute(
                "SELECT number, at, previous_at, encode(previous, 'hex'), ids, encode(digests, 'hex'), encode(hash, 'hex')"
                " FROM calls_link WHERE organization_id = %s AND number > %s ORDER BY number LIMIT 200",
                (organization_id, number),
            ).fetchall()
        for row in found:
            names = ("number", "at", "previous_at", "previous", "ids", "digests", "hash")
            link = dict(zip(names, row, strict=True))
            moments = {name: link[name] and link[name].isoformat(timespec="microseconds") for name in names[1:3]}
            yield line_of({**link, **moments, "ids": [str(one) for one in link["ids"]]}) + b"\n"
        if not found:
            return
        number = found[-1][0]
