"""The courier's book: what is to be sent to an endpoint now, and what became of it.

Nothing is remembered outside the database, so that a courier may be killed at any moment: what it had not written down is
sent again, with the same id.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from innsync.apps.accounts.tenancy import jsonb, sql, tenant
from innsync.apps.events.kinds import shown
from innsync.apps.events.stream import StreamedEvent
from innsync.apps.webhooks import endpoints
from innsync.apps.webhooks.models import Endpoint, Why
from innsync.apps.webhooks.notices import tell_disabled

_HOURS = (1, 2, 4, 6, 8, 12, 16, 24)
WAITS = [timedelta(seconds=wait) for wait in (5, 30, 120, 600, 1_800, *(hours * 3_600 for hours in _HOURS))]
"""After each failure of a delivery. After the last one, some three days on, it is given up, if others arrived meanwhile."""
JITTER = 0.2
DISABLED_AFTER = timedelta(days=3)
"""Of nothing but failures."""
RESTS_AFTER = 3
"""Failures in a row, whichever deliveries' they are: then an endpoint is asked with one at a time, less and less often."""
FIRST_REST, LONGEST_REST = timedelta(seconds=5), timedelta(minutes=5)
HURRIED = 8
"""When an endpoint is back, deliveries that were not tried more often go at once; one that it always refuses keeps its pace."""
HANDFUL = 64
"""Deliveries taken at once, of as many lanes."""
PLANNED_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Letter:
    """A delivery to be sent: the event as programs see it."""

    delivery_id: UUID
    event_id: UUID
    tries: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Turn:
    """What is to be done for an endpoint. letters: none while it rests. again_at: None: when something happens."""

    url: str
    secrets: Sequence[str]
    letters: Sequence[Letter]
    again_at: datetime | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt. status: None without an answer; then `error` says why. retry_after: what the endpoint asked for."""

    letter: Letter
    at: datetime
    status: int | None
    duration_ms: float
    answer: str
    error: str = ""
    retry_after: timedelta | None = None

    @property
    def well(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    def to_json(self) -> dict[str, Any]:
        return {
            "at": self.at.isoformat(),
            "status": self.status,
            "duration_ms": round(self.duration_ms, 1),
            "answer": self.answer,
            "error": self.error,
        }


_PLAN = """
WITH seen AS (
  SELECT max(position) AS last, count(*) AS found FROM (
    SELECT position FROM events_streamentry WHERE organization_id = %(organization)s AND position > %(cursor)s
    ORDER BY position LIMIT %(most)s) next
), written AS (
  INSERT INTO webhooks_delivery (<columns>) <select>
  WHERE s.organization_id = %(organization)s AND s.position > %(cursor)s AND s.position <= (SELECT last FROM seen)
  ON CONFLICT (endpoint_id, event_id) DO NOTHING
)
UPDATE webhooks_endpoint SET cursor = seen.last FROM seen WHERE id = %(endpoint)s AND seen.last IS NOT NULL
RETURNING cursor, seen.found
""".replace("<columns>", endpoints.COLUMNS).replace("<select>", endpoints.SELECT)
_HEADS = """
WITH RECURSIVE heads AS (
  (SELECT lane, id, position, next_at FROM webhooks_delivery
   WHERE endpoint_id = %(endpoint)s AND state = 'pending' ORDER BY lane, position LIMIT 1)
  UNION ALL
  SELECT next.lane, next.id, next.position, next.next_at FROM heads, LATERAL (
    SELECT lane, id, position, next_at FROM webhooks_delivery
    WHERE endpoint_id = %(endpoint)s AND state = 'pending' AND lane > heads.lane ORDER BY lane, position LIMIT 1) next
)
SELECT h.id, h.position, h.next_at FROM heads h ORDER BY h.next_at > %(now)s, h.position LIMIT %(most)s
"""
_LETTERS = """
SELECT d.id, d.tries, d.position, e.id, e.type, e.property_id, e.occurred_at, e.data
FROM webhooks_delivery d JOIN events_event e ON e.id = d.event_id AND e.organization_id = d.organization_id
WHERE d.id = ANY(%s) ORDER BY d.position
"""


def take(*, organization_id: UUID, endpoint_id: UUID, now: datetime) -> Turn | None:
    """Write down what the endpoint is to be told of besides, and say what of all is to be sent now.

    None: it is not to be served any more.
    """
    with tenant(organization_id):
        endpoint = Endpoint.objects.filter(id=endpoint_id, disabled_at=None).first()
        if endpoint is None:
            return None
        if not _key_lives(endpoint, now):
            endpoints.disable(endpoint, why=Why.KEY, now=now)
            tell_disabled(endpoint, now=now)
            return None
        more = _plan(endpoint, now)
        letters, again_at = _due(endpoint, now)
        return Turn(endpoint.url, endpoints.secrets_of(endpoint, now), letters, now if more else again_at)


def _key_lives(endpoint: Endpoint, now: datetime) -> bool:
    """Whether the program that made it still has a key: what a withdrawn one began ends with it."""
    if endpoint.program_id is None:
        return True
    with sql() as cursor:
        row = cursor.execute(
            "SELECT EXISTS (SELECT FROM accounts_apikey WHERE organization_id = %s AND coalesce(first_key_id, id) = %s"
            " AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %s))",
            (endpoint.organization_id, endpoint.program_id, now),
        ).fetchone()
    return row == (True,)


def _plan(endpoint: Endpoint, now: datetime) -> bool:
    """Whether there is more in the stream."""
    asked = {**endpoints.wanted(endpoint), "cursor": endpoint.cursor, "now": now, "most": PLANNED_AT_ONCE}
    with sql() as cursor:
        row = cursor.execute(_PLAN, asked).fetchone()
    return row is not None and row[1] == PLANNED_AT_ONCE


def _due(endpoint: Endpoint, now: datetime) -> tuple[list[Letter], datetime | None]:
    """The first of each lane, where it is due; and when the next one is."""
    rests = endpoint.failures >= RESTS_AFTER
    if rests and endpoint.rest_until is not None and endpoint.rest_until > now:
        return [], endpoint.rest_until
    with sql() as cursor:
        heads = cursor.execute(
            _HEADS, {"endpoint": endpoint.id, "now": now, "most": 1 if rests else HANDFUL}
        ).fetchall()
        due = [head[0] for head in heads if head[2] <= now]
        rows = cursor.execute(_LETTERS, (due,)).fetchall() if due else []
        if not due and heads:
            row = cursor.execute(
                "SELECT min(next_at) FROM webhooks_delivery WHERE endpoint_id = %s AND state = 'pending'"
                " AND next_at > %s",
                (endpoint.id, now),
            ).fetchone()
            return [], row[0] if row else None
    return [
        Letter(
            delivery_id,
            event_id,
            tries,
            orjson.dumps(shown(StreamedEvent(position, event_id, *event)), option=orjson.OPT_UTC_Z),
        )
        for delivery_id, tries, position, event_id, *event in rows
    ], None


_RECORD = """
UPDATE webhooks_delivery d SET state = n.state, tries = tries + 1, attempts = attempts || n.attempt,
  next_at = n.next_at, settled_at = n.settled_at
FROM jsonb_to_recordset(%s) AS n(id uuid, state text, attempt jsonb, next_at timestamptz, settled_at timestamptz)
WHERE d.id = n.id
"""


def record(*, organization_id: UUID, endpoint_id: UUID, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Write down what became of a turn's letters; rest, recover or disable the endpoint accordingly."""
    with tenant(organization_id):
        endpoint = Endpoint.objects.select_for_update().filter(id=endpoint_id).first()
        if endpoint is None:
            return
        well = any(one.well for one in outcomes)
        others_arrive = well or endpoint.failing_since is None
        with sql() as cursor:
            cursor.execute(_RECORD, (jsonb([_line(one, others_arrive) for one in outcomes]),))
        was_down = endpoint.failures >= RESTS_AFTER
        for one in outcomes:
            endpoint.failures = 0 if one.well else endpoint.failures + 1
            endpoint.failing_since = None if one.well else endpoint.failing_since or one.at
        endpoint.rest_until = now + _rest(endpoint.failures, outcomes) if endpoint.failures >= RESTS_AFTER else None
        endpoint.save(update_fields=["failures", "failing_since", "rest_until"])
        if was_down and well:
            _hurry(endpoint, now)
        gone = any(one.status == 410 for one in outcomes)
        failing = endpoint.failing_since is not None and now - endpoint.failing_since >= DISABLED_AFTER
        if endpoint.disabled_at is None and (gone or failing):
            endpoints.disable(endpoint, why=Why.GONE if gone else Why.FAILING, now=now)
            tell_disabled(endpoint, now=now)


def _line(one: Outcome, others_arrive: bool) -> dict[str, Any]:
    state, next_at = "delivered", one.at
    if not one.well:
        state = "failed" if one.letter.tries >= len(WAITS) and others_arrive else "pending"
        wait = WAITS[min(one.letter.tries, len(WAITS) - 1)]
        next_at = one.at + max(_about(wait), one.retry_after or timedelta(0))
    return {
        "id": one.letter.delivery_id,
        "state": state,
        "attempt": one.to_json(),
        "next_at": next_at,
        "settled_at": None if state == "pending" else one.at,
    }


def _rest(failures: int, outcomes: Sequence[Outcome]) -> timedelta:
    rest: timedelta = min(FIRST_REST * 2 ** min(failures - RESTS_AFTER, 10), LONGEST_REST)
    return max(_about(rest), outcomes[-1].retry_after or timedelta(0))


def _about(wait: timedelta) -> timedelta:
    """Not all at one moment."""
    return wait * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # nothing is to be kept from anybody here


def _hurry(endpoint: Endpoint, now: datetime) -> None:
    with sql() as cursor:
        cursor.execute(
            "UPDATE webhooks_delivery SET next_at = %s WHERE endpoint_id = %s AND state = 'pending' AND tries <= %s"
            " AND next_at > %s",
            (now, endpoint.id, HURRIED, now),
        )


KEPT_FOR = timedelta(days=31)


def forget(*, organization_id: UUID, now: datetime) -> int:
    """Remove what was settled long ago from the log. Answers how many deliveries it was."""
    with tenant(organization_id), sql() as cursor:
        return cursor.execute("DELETE FROM webhooks_delivery WHERE settled_at < %s", (now - KEPT_FOR,)).rowcount


@dataclass(frozen=True, slots=True)
class Served:
    """An endpoint that is to be served."""

    organization_id: UUID
    version: int


def list_served() -> dict[UUID, Served]:
    with sql() as cursor:
        rows = cursor.execute("SELECT endpoint_id, organization_id, version FROM webhooks_round").fetchall()
    return {endpoint_id: Served(organization_id, version) for endpoint_id, organization_id, version in rows}
