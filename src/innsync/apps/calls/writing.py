"""Writes calls as rows and ties them to the chain, one organization's at a time, each whole or not at all."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import count
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import psycopg

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.calls import bodies, usage
from innsync.apps.calls.models import NOBODY
from innsync.apps.distribution.doors import owners_of
from innsync.domain.call_chain import FIRST, Link, digest

NOBODYS_AT_ONCE = 25
"""Of calls by callers that nobody knows so many are written at once; the rest is counted, so that nobody can fill the disk."""
ROWS_BETWEEN_BREAKS = 50
MOST_PATH, MOST_QUERY, MOST_ADDRESS, MOST_BOOKING = 500, 1_000, 64, 64
"""Characters."""
_NOBODY = UUID(NOBODY)
_COLUMNS = {
    "id": "uuid",
    "at": "timestamptz",
    "key_id": "uuid",
    "caller": "text",
    "address": "text",
    "method": "text",
    "route": "text",
    "path": "text",
    "query": "text",
    "status": "smallint",
    "problem": "text",
    "duration_us": "bigint",
    "request_id": "text",
    "booking": "text",
    "body": "text",
    "missed": "int",
}
FIELDS = ("organization_id", *_COLUMNS)
_KEEP = f"""
INSERT INTO calls_call (organization_id, {", ".join(_COLUMNS)})
SELECT %s, {", ".join(_COLUMNS)} FROM json_to_recordset(%s::json) AS x({", ".join(f"{n} {t}" for n, t in _COLUMNS.items())})
"""  # noqa: S608  # names of our own
_HEAD = "SELECT number, at, hash FROM calls_link WHERE organization_id = %s ORDER BY number DESC LIMIT 1"
_LINK = """
INSERT INTO calls_link (organization_id, number, at, previous_at, previous, ids, digests, hash)
VALUES (%s, %s, %s, %s, %s, %s::text::uuid[], %s, %s)
"""


class Answered(NamedTuple):
    """A call and its answer, as whoever answered knows it. at: seconds since 1970, when it came.

    organization_id None: the writer finds out, by the hash of the key that was tried or the channel's address in the path,
    or it is nobody's. body: as it came; what of it may be kept is decided when it is written.
    """

    at: float
    seconds: float
    method: str
    route: str
    path: str
    status: int
    request_id: str
    address: str
    organization_id: UUID | None = None
    key_id: UUID | None = None
    caller: str = ""
    query: str = ""
    problem: str = ""
    booking: str = ""
    body: bytes = b""
    tried: str = ""
    door: UUID | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """An organization's rows, in order, each as its line."""

    organization_id: UUID
    rows: Sequence[Mapping[str, Any]]

    def without_what_fails(self) -> list[Batch]:
        """The same as halves; of a single row only that it was."""
        if len(self.rows) > 1:
            middle = len(self.rows) // 2
            return [Batch(self.organization_id, part) for part in (self.rows[:middle], self.rows[middle:])]
        return [Batch(self.organization_id, [_missed_row(self.organization_id, str(self.rows[0]["at"]), 1, 0)])]


class Unwritable(Exception):
    """The database takes the values of a row for none."""


def line_of(row: Mapping[str, Any]) -> bytes:
    """A call as it is exported, and as its digest covers it: one line of JSON, names in order, nothing between."""
    return orjson.dumps(row, option=orjson.OPT_SORT_KEYS)


def sort_out(calls: Sequence[Answered], lost: Mapping[UUID, tuple[float, int]]) -> list[Batch]:
    """Rows of each organization. lost: since when, and how many."""
    known, doors = _keys([one.tried for one in calls if one.tried]), owners_of({one.door for one in calls if one.door})
    found: dict[UUID, list[Answered]] = defaultdict(list)
    for call in calls:
        if call.organization_id is None and call.tried in known:
            organization_id, key_id, prefix = known[call.tried]
            call = call._replace(organization_id=organization_id, key_id=key_id, caller=prefix)
        whose = call.organization_id or (doors.get(call.door) if call.door else None) or _NOBODY
        found[whose].append(call)
    missed = {one: (since, number) for one, (since, number) in lost.items()}
    crowd = found.get(_NOBODY, [])
    if len(crowd) > NOBODYS_AT_ONCE:
        since, number = missed.get(_NOBODY, (crowd[NOBODYS_AT_ONCE].at, 0))
        missed[_NOBODY] = (since, number + len(crowd) - NOBODYS_AT_ONCE)
        del crowd[NOBODYS_AT_ONCE:]
    return [_batch(one, found.get(one, []), missed.get(one)) for one in sorted({*found, *missed})]


def _batch(organization_id: UUID, calls: Sequence[Answered], missed: tuple[float, int] | None) -> Batch:
    wanted = policy_of(organization_id) if any(call.body for call in calls) else bodies.USUAL
    rows = []
    for number, call in enumerate(calls):
        if number % ROWS_BETWEEN_BREAKS == 0:
            time.sleep(0)  # whoever answers gets the processor first
        rows.append(_row(organization_id, call, wanted))
    if missed:
        since, number = missed
        span_us = max(0, round((datetime.now(UTC).timestamp() - since) * 1_000_000))
        rows.append(_missed_row(organization_id, _instant(since), number, span_us))
    rows.sort(key=itemgetter("id"))
    return Batch(organization_id, rows)


def policy_of(organization_id: UUID) -> str:
    with tenant(organization_id), sql() as cursor:
        row = cursor.execute(
            "SELECT bodies FROM calls_policy WHERE organization_id = %s", (organization_id,)
        ).fetchone()
    return str(row[0]) if row else bodies.USUAL


def _keys(tried: Sequence[str]) -> dict[str, tuple[UUID, UUID, str]]:
    """Whose keys these are that were refused: withdrawn, ended, or used from elsewhere."""
    if not tried:
        return {}
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT secret_hash, organization_id, id, prefix FROM accounts_apikey WHERE secret_hash = ANY(%s)",
            (list(set(tried)),),
        ).fetchall()
    return {row[0]: row[1:] for row in rows}


def _row(organization_id: UUID, call: Answered, wanted: str) -> dict[str, Any]:
    return {
        **_repeated(
            organization_id,
            call.key_id,
            call.caller,
            call.address,
            call.method,
            call.route,
            call.path,
            call.query,
            call.status,
            call.problem,
        ),
        "id": _id_of(call.at),
        "at": _instant(call.at),
        "duration_us": round(call.seconds * 1_000_000),
        "request_id": call.request_id,
        "booking": _text(call.booking)[:MOST_BOOKING],
        "body": _text(kept) if (kept := bodies.kept_body(call.body, wanted)) is not None else None,
    }


@lru_cache(maxsize=8_192)
def _repeated(
    organization_id: UUID,
    key_id: UUID | None,
    caller: str,
    address: str,
    method: str,
    route: str,
    path: str,
    query: str,
    status: int,
    problem: str,
) -> dict[str, Any]:
    """What many calls have in common, made once."""
    return {
        "organization_id": str(organization_id),
        "key_id": str(key_id) if key_id else None,
        "caller": _text(caller),
        "address": _text(address)[:MOST_ADDRESS],
        "method": _text(method),
        "route": route,
        "path": _text(path)[:MOST_PATH],
        "query": _text(bodies.kept_query(query))[:MOST_QUERY],
        "status": status,
        "problem": problem,
        "missed": 0,
    }


def _missed_row(organization_id: UUID, at: str, number: int, span_us: int) -> dict[str, Any]:
    texts = ("caller", "address", "method", "route", "path", "query", "problem", "request_id", "booking")
    return {
        **dict.fromkeys(texts, ""),
        "organization_id": str(organization_id),
        "id": _id_of(datetime.fromisoformat(at).timestamp()),
        "at": at,
        "key_id": None,
        "status": 0,
        "duration_us": span_us,
        "body": None,
        "missed": number,
    }


_numbers, _tail = count(), ""


def _renew_tail() -> None:
    global _tail
    _tail = os.urandom(6).hex()


_renew_tail()
os.register_at_fork(after_in_child=_renew_tail)


def _id_of(at: float) -> str:
    """A UUIDv7 of that moment: a counter and what is random for each process make it one of a kind (RFC 9562, 6.2)."""
    number, moment = next(_numbers), int(at * 1000)
    low = 0x8000 | number >> 12 & 0x3FFF
    return f"{moment >> 16:08x}-{moment & 0xFFFF:04x}-7{number & 0xFFF:03x}-{low:04x}-{_tail}"


def _instant(at: float) -> str:
    """As `datetime.isoformat` says it, in a fraction of its time."""
    second = int(at)
    return f"{_second(second)}.{int((at - second) * 1_000_000):06d}+00:00"


@lru_cache(maxsize=64)
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()[:19]


def _text(said: str) -> str:
    """What PostgreSQL takes as text: no NUL, no halves of characters."""
    if said.isascii() and "\0" not in said:
        return said
    return said.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def write(batch: Batch) -> None:
    """Once, however often it is called with the same rows. Raises Unwritable, and what the database raises."""
    organization_id, rows = batch.organization_id, batch.rows
    lines = [line_of(row) for row in rows]
    ids = [str(row["id"]) for row in rows]
    try:
        with tenant(organization_id), sql() as cursor:
            # All processes write to one chain: one after the other.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('calls:' || %s, 0))", (str(organization_id),))
            there = cursor.execute(
                "SELECT 1 FROM calls_call WHERE organization_id = %s AND id = %s", (organization_id, ids[0])
            ).fetchone()
            if there:  # the answer to the first try was lost on its way
                return
            cursor.execute(_KEEP, (organization_id, (b"[" + b",".join(lines) + b"]").decode()))
            _tie(cursor, organization_id, ids, b"".join(digest(line) for line in lines))
            usage.count(cursor, organization_id, rows)
    except psycopg.DataError as error:
        raise Unwritable(str(error)) from error
    except Exception as error:
        if isinstance(error.__cause__, psycopg.DataError):  # Django's error, and the server's behind it
            raise Unwritable(str(error)) from error
        raise


def _tie(cursor: psycopg.Cursor[Any], organization_id: UUID, ids: Sequence[str], digests: bytes) -> None:
    number, previous_at, previous = cursor.execute(_HEAD, (organization_id,)).fetchone() or (0, None, FIRST)
    together = bytes.fromhex("".join(ids).replace("-", ""))
    link = Link(organization_id, number + 1, datetime.now(UTC), previous_at, bytes(previous), together, digests)
    cursor.execute(
        _LINK,
        (
            organization_id,
            link.number,
            link.at,
            link.previous_at,
            link.previous,
            f"{{{','.join(ids)}}}",
            digests,
            link.hash(),
        ),
    )


def rows_of(found: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    """Calls as they were when they were written, from what the database answers: for lines and digests."""
    for one in found:
        yield {name: _plain(one[name]) for name in FIELDS}


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    return value.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(value, datetime) else value
