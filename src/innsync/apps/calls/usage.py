"""How much each key is used, by the hour: kept up as calls are written, so that nobody has to go through them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import psycopg

from innsync.apps.accounts.tenancy import sql
from innsync.apps.calls.models import NOBODY
from innsync.apps.calls.spread import PLACES, place_of

SEARCH, CALENDAR = "api/booking-engine/availability", "/calendar"
BOOKING = "api/booking-engine/bookings"
REFUSED = frozenset({401, 403, 429})
_COUNTS = ("calls", "errors", "refused", "unhappy", "searches", "bookings")
_ADD = f"""
INSERT INTO calls_usage AS u (organization_id, key_id, hour, {", ".join(_COUNTS)}, spread)
SELECT %s, key_id, hour, {", ".join(_COUNTS)}, ARRAY(SELECT json_array_elements_text(spread)::int)
FROM json_to_recordset(%s::json) AS x(key_id uuid, hour timestamptz, {", ".join(f"{n} int" for n in _COUNTS)}, spread json)
ON CONFLICT (organization_id, key_id, hour) DO UPDATE SET
  {", ".join(f"{n} = u.{n} + excluded.{n}" for n in _COUNTS)},
  spread = ARRAY(SELECT a + b FROM unnest(u.spread, excluded.spread) AS pair(a, b))
"""  # noqa: S608  # names of our own
_SEEN = """
INSERT INTO calls_address (organization_id, key_id, address, since)
SELECT %s, key_id, address, since FROM json_to_recordset(%s::json) AS x(key_id uuid, address text, since timestamptz)
ON CONFLICT DO NOTHING
"""


@dataclass(slots=True)
class _Counted:
    calls: int = 0
    errors: int = 0
    refused: int = 0
    unhappy: int = 0
    searches: int = 0
    bookings: int = 0
    spread: list[int] = field(default_factory=lambda: [0] * PLACES)

    def add(self, row: Mapping[str, Any]) -> None:
        status, route = row["status"], row["route"]
        self.calls += 1
        if status >= 500:
            self.errors += 1
        elif status in REFUSED:
            self.refused += 1
        elif status >= 400:
            self.unhappy += 1
        elif route.startswith(SEARCH) and not route.endswith(CALENDAR):
            self.searches += 1
        elif status == 201 and route == BOOKING:
            self.bookings += 1
        self.spread[place_of(row["duration_us"])] += 1


def count(cursor: psycopg.Cursor[Any], organization_id: UUID, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add these calls to their hours, and note from where keys were used. What was missed can't be told apart."""
    hours: dict[tuple[str, str], _Counted] = defaultdict(_Counted)
    seen: dict[tuple[str, str], str] = {}
    for row in rows:
        if row["missed"]:
            continue
        hours[row["key_id"] or NOBODY, row["at"][:13]].add(row)
        if row["key_id"] and row["status"] not in REFUSED:
            seen.setdefault((row["key_id"], row["address"]), row["at"])
    if hours:
        counted = [
            {
                "key_id": key_id,
                "hour": f"{hour}:00:00+00:00",
                "spread": one.spread,
                **{name: getattr(one, name) for name in _COUNTS},
            }
            for (key_id, hour), one in sorted(hours.items())
        ]
        cursor.execute(_ADD, (organization_id, orjson.dumps(counted).decode()))
    if seen:
        addresses = [{"key_id": key, "address": address, "since": at} for (key, address), at in sorted(seen.items())]
        cursor.execute(_SEEN, (organization_id, orjson.dumps(addresses).decode()))


@dataclass(frozen=True, slots=True)
class Hour:
    """A key's, as `models.Usage` has it."""

    key_id: UUID
    hour: datetime
    calls: int
    errors: int
    refused: int
    unhappy: int
    searches: int
    bookings: int
    spread: list[int]


def list_usage(*, organization_id: UUID, since: datetime, key_ids: Sequence[UUID] | None = None) -> list[Hour]:
    """By hour. key_ids None: of all keys and none. Within the tenant's transaction."""
    with sql() as cursor:
        rows = cursor.execute(
            f"SELECT key_id, hour, {', '.join(_COUNTS)}, spread FROM calls_usage"  # noqa: S608  # names of our own
            " WHERE organization_id = %s AND hour >= %s AND (%s::uuid[] IS NULL OR key_id = ANY(%s)) ORDER BY hour",
            (organization_id, since, key_ids, key_ids),
        ).fetchall()
    return [Hour(*row) for row in rows]
