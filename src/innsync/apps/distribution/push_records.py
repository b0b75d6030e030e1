"""What is written down about pushes: acknowledged cells, refusals, the log, divergence, the connection's health."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution import acknowledged
from innsync.apps.distribution.marks import FIRST_LOAD, Mark
from innsync.apps.distribution.models import Connection, PushLog
from innsync.apps.distribution.selectors import Linked
from innsync.apps.distribution.telling import CALENDAR, tell_failed, tell_recovered
from innsync.domain.ari import AriUpdate, Calendar, Target, apply
from innsync.integrations.errors import IntegrationError, NotAuthorised, RateLimited, quote
from innsync.integrations.ports import Push, PushResult

BODY_KEPT, ANSWER_KEPT = 20_000, 10_000
_CREDENTIAL = re.compile(
    r"""(password|username|user-api-key|client_secret|\w*token)(["']?\s*[=:]\s*["'])[^"']*""", re.IGNORECASE
)


@dataclass(slots=True)
class Attempt:
    """One push under way."""

    push: Push
    at: datetime
    duration_ms: float = 0.0
    answer: str = ""

    def hear(self, answer: str) -> None:
        """What the channel answered to the last call of the push; some vendors take several for one."""
        self.answer = answer

    @property
    def cells(self) -> int:
        return sum(update.nights * len(update.values) for update in self.push.updates)

    def log(self, link: Connection, *, outcome: str, words: str, refused: int, reference: str) -> PushLog:
        updates = self.push.updates
        body = self.push.body.decode("utf-8", "replace")[:BODY_KEPT]
        return PushLog(
            organization_id=link.organization_id,
            connection_id=link.id,
            at=self.at,
            operation=self.push.operation,
            updates=len(updates),
            cells=self.cells,
            refused=refused,
            outcome=outcome,
            words=words[:4000],
            reference=reference[:200],
            duration_ms=self.duration_ms,
            first=min((update.first for update in updates), default=None),
            last=max((update.last for update in updates), default=None),
            body=_CREDENTIAL.sub(r"\1\2***", body),
            answer=_CREDENTIAL.sub(r"\1\2***", quote(self.answer[:ANSWER_KEPT])),
        )


def record_answer(
    linked: Linked,
    known: dict[Target, Calendar],
    marks: Sequence[Mark],
    attempt: Attempt,
    result: PushResult,
    answered: datetime,
    *,
    had_refused: bool,
) -> tuple[int, int]:
    """Acknowledge what was accepted, keep what was refused. Answers (accepted cells, refused cells).

    had_refused: whether anything on these nights may have been refused before.

    Nobody waits for the disk with it: what a server that breaks down forgets is unknown still, and sent again.
    """
    link = linked.connection
    told: dict[Target, list[AriUpdate]] = {}
    for update in attempt.push.updates:
        told.setdefault(update.target, []).append(update)
    updated = {target: apply(known[target], updates) for target, updates in told.items()}
    spans = {target: [(update.first, update.last) for update in updates] for target, updates in told.items()}
    refused = _refused_cells(attempt.push, result)
    for target, day, name, _, _, _ in refused:
        updated[target] = acknowledged.forget(updated[target], [(day, day)], [name])
    known |= updated
    acknowledged.store(
        organization_id=link.organization_id,
        connection_id=link.id,
        calendars={target: narrow(calendar, spans[target]) for target, calendar in updated.items()},
    )
    if had_refused or refused:
        _store_refused(link, attempt.push, refused, answered)
    accepted = attempt.cells - len(refused)
    words = "; ".join(dict.fromkeys([*(one.words for one in result.refused), *result.warnings]))
    outcome = "accepted" if not refused else "partly refused" if accepted else "refused"
    log = attempt.log(link, outcome=outcome, words=words, refused=len(refused), reference=result.reference)
    _write(log, _waits(linked, marks, attempt.push, answered), answered)
    recovered(link, answered, written=True)
    if refused:
        Connection.objects.filter(id=link.id).update(last_error=words[:4000], last_error_at=answered)
    return accepted, len(refused)


def narrow(calendar: Calendar, spans: Sequence[tuple[date, date]]) -> Calendar:
    """Just the nights around the spans, so that no other month is written."""
    first = max(calendar.first, min(span[0] for span in spans))
    last = min(calendar.last, max(span[1] for span in spans))
    start = (first - calendar.first).days
    return Calendar(first, calendar.layout, calendar.rows[start : start + (last - first).days + 1])


RefusedLine = tuple[Target, date, str, int, str, str]


def _refused_cells(push: Push, result: PushResult) -> list[RefusedLine]:
    """(target, day, field, value, code, words) of every cell that a refusal covers."""
    found: dict[tuple[Target, date, str], RefusedLine] = {}
    for refusal in result.refused:
        for update in push.updates:
            if update.target != refusal.target:
                continue
            day, last = max(update.first, refusal.first), min(update.last, refusal.last)
            while day <= last:
                for name, value in update.values.items():
                    if not refusal.fields or name in refusal.fields:
                        found[update.target, day, name] = (
                            update.target, day, name, value, refusal.code[:60], refusal.words[:1000],
                        )  # fmt: skip
                day += timedelta(days=1)
    return list(found.values())


def _store_refused(link: Connection, push: Push, refused: Sequence[RefusedLine], at: datetime) -> None:
    with sql() as cursor:
        cursor.execute(
            "DELETE FROM distribution_refusedcell c USING unnest(%(rooms)s::text[], %(rates)s::text[],"
            " %(firsts)s::date[], %(lasts)s::date[], %(fields)s::text[]) AS u(room, rate, first, last, fields)"
            " WHERE c.connection_id = %(connection)s AND c.room = u.room AND c.rate = u.rate"
            " AND c.day BETWEEN u.first AND u.last AND c.field = ANY(string_to_array(u.fields, ' '))",
            {
                "connection": link.id,
                "rooms": [update.target.room for update in push.updates],
                "rates": [update.target.rate or "" for update in push.updates],
                "firsts": [update.first for update in push.updates],
                "lasts": [update.last for update in push.updates],
                "fields": [" ".join(update.values) for update in push.updates],
            },
        )
        if refused:
            cursor.executemany(
                "INSERT INTO distribution_refusedcell (organization_id, connection_id, room, rate, day, field, value,"
                " code, words, at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    (link.organization_id, link.id, target.room, target.rate or "", day, name, value, code, words, at)
                    for target, day, name, value, code, words in refused
                ],
            )


def load_refused(connection_id: UUID, first: date, last: date) -> dict[tuple[Target, date, str], int]:
    """The values that the channel refused, by cell."""
    with sql() as cursor:
        return {
            (Target(room, rate or None), day, name): value
            for room, rate, day, name, value in cursor.execute(
                "SELECT room, rate, day, field, value FROM distribution_refusedcell"
                " WHERE connection_id = %s AND day BETWEEN %s AND %s",
                (connection_id, first, last),
            )
        }


_WRITE = """
WITH logged AS (
  INSERT INTO distribution_pushlog (id, organization_id, connection_id, at, operation, updates, cells, refused, outcome,
    words, reference, duration_ms, first, last, body, answer)
  VALUES (%(id)s, %(organization_id)s, %(connection_id)s, %(at)s, %(operation)s, %(updates)s, %(cells)s, %(refused)s,
    %(outcome)s, %(words)s, %(reference)s, %(duration_ms)s, %(first)s, %(last)s, %(body)s, %(answer)s)),
measured AS (
  INSERT INTO distribution_divergence (organization_id, connection_id, at, cells, p50_ms, p99_ms, max_ms)
  SELECT %(organization_id)s, %(connection_id)s, %(answered)s, %(waited)s, %(p50_ms)s, %(p99_ms)s, %(max_ms)s
  WHERE %(waited)s > 0)
UPDATE distribution_connection SET failures = 0, retry_at = NULL, retry_reason = '', last_push_at = %(answered)s
WHERE id = %(connection_id)s
RETURNING set_config('synchronous_commit', 'off', true)
"""
_OF_LOG = [field.attname for field in PushLog._meta.concrete_fields]


def _write(log: PushLog, waits: Waits, answered: datetime) -> None:
    """The log's line, how long the cells had differed, and that the connection works: in one statement."""
    with sql() as cursor:
        cursor.execute(
            _WRITE,
            {
                **{name: getattr(log, name) for name in _OF_LOG},
                "answered": answered,
                "waited": sum(cells for _, cells in waits),
                "p50_ms": _quantile(waits, 0.5),
                "p99_ms": _quantile(waits, 0.99),
                "max_ms": waits[-1][0] if waits else 0.0,
            },
        )


Waits = list[tuple[float, int]]
"""Milliseconds, and how many cells waited for so long; the shortest first."""


def _waits(linked: Linked, marks: Sequence[Mark], push: Push, answered: datetime) -> Waits:
    """How long the accepted cells had differed, from the commit of the change to the channel's answer.

    Before its first load a channel shows nothing that could differ, and a full sync alone says nothing about that: all
    of it is sent, whether it changed or not. Nights of a full sync that had changed as well count, and nothing but these.
    """
    types = linked.room_types()
    never_shown = [mark for mark in marks if mark.cause == FIRST_LOAD]
    changes = sorted((mark for mark in marks if not mark.is_a_load), key=lambda mark: mark.since)
    waits: Waits = []
    for update in push.updates if changes else ():
        since: dict[date, datetime] = {}
        for mark in changes:
            if mark.concerns(update.target, types[update.target]):
                first, last = max(mark.first, update.first), min(mark.last, update.last)
                for offset in range((last - first).days + 1):
                    since.setdefault(first + timedelta(days=offset), mark.since)
        waits += [
            ((answered - one).total_seconds() * 1000, len(update.values))
            for night, one in since.items()
            if not any(mark.first <= night <= mark.last for mark in never_shown)
        ]
    return sorted(waits)


def _quantile(waits: Sequence[tuple[float, int]], share: float) -> float:
    goal = share * sum(cells for _, cells in waits)
    seen = 0
    for wait, cells in waits:
        seen += cells
        if seen >= goal:
            return wait
    return 0.0


def record_failure(link: Connection, attempt: Attempt, error: IntegrationError) -> None:
    outcome = "unknown" if type(error).__name__ == "OutcomeUnknown" else "failed"
    attempt.log(
        link, outcome=outcome, words=error.words or type(error).__name__, refused=0, reference=error.request_id
    ).save(force_insert=True)


def failed(link: Connection, error: IntegrationError, *, retry_at: datetime | None) -> None:
    """Keep what went wrong in the vendor's words, and when the next try is."""
    now = datetime.now(UTC)
    limited = isinstance(error, RateLimited)
    link.failures += 0 if limited else 1
    link.retry_at = retry_at
    link.retry_reason = "limit" if limited else "fault"
    if not limited:
        link.last_error = (error.words or type(error).__name__)[:4000]
        link.last_error_at = now
    if isinstance(error, NotAuthorised) and link.state != "closing":
        link.state = "unauthorised"
    link.save(update_fields=["failures", "retry_at", "retry_reason", "last_error", "last_error_at", "state"])
    if link.failures == 1 and not limited:
        tell_failed([link], what=CALENDAR, error=link.last_error, now=now)
    if retry_at is not None:
        with sql() as cursor:
            cursor.execute(
                "INSERT INTO distribution_schedule (organization_id, subject_id, kind, every_s, due_at)"
                " VALUES (%s, %s, 'retry', 0, %s) ON CONFLICT (subject_id, kind) DO UPDATE SET due_at = excluded.due_at",
                (link.organization_id, link.id, retry_at),
            )


def recovered(link: Connection, now: datetime, *, written: bool = False) -> None:
    """The connection works: clear what was wrong. written: that a push was taken, and all of this, stands there already."""
    was_down = link.failures > 0
    if was_down or link.retry_at is not None or written:
        link.failures = 0
        link.retry_at = None
        link.retry_reason = ""
        link.last_push_at = now if written else link.last_push_at
        if not written:
            link.save(update_fields=["failures", "retry_at", "retry_reason"])
    if was_down:
        tell_recovered([link], what=CALENDAR, now=now)
