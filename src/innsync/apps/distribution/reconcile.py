"""Reconciling a connection: the only code path that sends availability or rates.

Difference of wanted and acknowledged -> fewest messages -> push -> record what the vendor accepted. It may be started at
any time, by anybody, killed at any point and repeated: values are absolute, and what is about to be sent is made unknown
first, so that a message whose answer was lost is sent again even if its reason has gone away.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import structlog
from django.db import connection as database

from innsync.apps.accounts.tenancy import sql, swiftly, tenant
from innsync.apps.distribution import acknowledged, marks, push_records, schedules
from innsync.apps.distribution.access import open_session
from innsync.apps.distribution.leaving import leave, with_nothing_for_sale
from innsync.apps.distribution.marks import Mark
from innsync.apps.distribution.models import RefusedCell
from innsync.apps.distribution.push_records import Attempt
from innsync.apps.distribution.selectors import Linked, load_linked
from innsync.apps.distribution.wanted import closed_calendar, rate_calendar, room_calendar, rules_reach
from innsync.apps.inventory.selectors import list_stock
from innsync.apps.rates.selectors import list_rate_rows
from innsync.domain.ari import AriUpdate, Calendar, Target, difference, urgency
from innsync.domain.spans import compress
from innsync.domain.wording import told
from innsync.integrations.errors import (
    ContractBroken,
    IntegrationError,
    NeedsSetup,
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
)
from innsync.integrations.http import Session
from innsync.integrations.manifest import Adapter
from innsync.integrations.ports import Push, PushResult, Refusal

log = structlog.get_logger()
MOST_ROUNDS = 20
LONGEST_BACKOFF_S = 60.0


@dataclass(slots=True)
class Outcome:
    """What a reconciliation did. `done`: nothing differs any more.

    plan: the messages of a dry run; else those that the channel answered, without their bodies. In the order of sending.
    """

    pushed: int = 0
    cells: int = 0
    refused: int = 0
    done: bool = False
    why: str = ""
    plan: list[Push] = field(default_factory=list)


def reconcile(*, organization_id: UUID, connection_id: UUID, full: bool = False, dry_run: bool = False) -> Outcome:
    """Bring one connection in step. `full` compares every night instead of those marked; `dry_run` only plans.

    Raises nothing that a vendor does: what went wrong is kept with the connection, and the next try is scheduled.
    """
    outcome = Outcome()
    with _alone(connection_id):
        for _ in range(MOST_ROUNDS):
            if not _round(organization_id, connection_id, full, dry_run, outcome) or dry_run:
                break
            full = False
        if outcome.why and not dry_run:
            _compact(organization_id, connection_id)
    return outcome


def plan_all(*, organization_id: UUID, connection_id: UUID) -> Outcome:
    """What comparing every night would send now, for a person who waits for the answer: it waits for no reconciler."""
    outcome = Outcome()
    _round(organization_id, connection_id, True, True, outcome)
    return outcome


@contextmanager
def _alone(connection_id: UUID) -> Iterator[None]:
    """One reconciler a connection, whoever started it. The lock dies with its process."""
    key = (connection_id.int & 0x7FFFFFFFFFFFFFFF) ^ 0x5EED
    with sql() as cursor:
        free = cursor.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone() == (True,)
        if not free:
            cursor.execute("SET lock_timeout = '60s'")
            cursor.execute("SELECT pg_advisory_lock(%s)", (key,))
            cursor.execute("RESET lock_timeout")
    try:
        yield
    finally:
        if database.connection is not None and not database.connection.closed:
            with sql() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", (key,))


@dataclass(slots=True)
class _Work:
    """had_refused: whether the channel refused anything on these nights before. more: whether there is more to look at."""

    linked: Linked
    marked: list[Mark]
    updates: list[AriUpdate]
    known: dict[Target, Calendar]
    had_refused: bool = False
    more: bool = False


def _round(organization_id: UUID, connection_id: UUID, full: bool, dry_run: bool, outcome: Outcome) -> bool:
    """One look and its pushes. Answers whether another look is worth while."""
    now = datetime.now(UTC)
    with swiftly(organization_id):
        if full and not dry_run:
            _mark_all(connection_id, now)
        work = _look(connection_id, full and dry_run, now)
    if work is None:
        outcome.why = "the connection is not active"
        return False
    if not work.updates:
        with tenant(organization_id):
            _settle(work, now)
        outcome.done = True
        return False
    if not dry_run and (reason := _must_wait(work, now)):
        outcome.why = reason
        return False
    adapter, session = open_session(work.linked.account)
    ordered = sorted(work.updates, key=lambda update: urgency(update, now.date()))
    try:
        pushes = adapter.implementation.plan_push(work.linked.ref, ordered)
    except IntegrationError as error:
        with tenant(organization_id):
            push_records.failed(work.linked.connection, error, retry_at=None)
        outcome.why = error.words
        return False
    if dry_run:
        outcome.plan += pushes
        return False
    with swiftly(organization_id):
        _make_unknown(work, pushes)
    for push in pushes:
        if not _push_one(organization_id, work, push, adapter, session, outcome, last=push is pushes[-1]):
            return False
    return work.more


def _mark_all(connection_id: UUID, now: datetime) -> None:
    """A look at everything that fails half-way is still owed afterwards."""
    linked = load_linked(connection_id=connection_id)
    first, last = linked.window(now)
    marks.add(
        organization_id=linked.connection.organization_id,
        connection_id=connection_id,
        spans=[(None, first, last)],
        since=now,
        cause=told("full look"),
    )


def _compact(organization_id: UUID, connection_id: UUID) -> None:
    with tenant(organization_id):
        today, _ = load_linked(connection_id=connection_id).window(datetime.now(UTC))
        marks.compact(organization_id=organization_id, connection_id=connection_id, today=today)


def _look(connection_id: UUID, full: bool, now: datetime) -> _Work | None:
    marked = marks.read(connection_id)
    # What is withdrawn has no type of ours: where all marks name one, as those of sales do, none concerns it.
    linked = load_linked(
        connection_id=connection_id, withdrawn=full or any(mark.room_type_id is None for mark in marked)
    )
    if linked.connection.state not in ("active", "closing"):
        return None
    if linked.connection.state == "closing":
        # It is left when nothing differs any more: so every night is looked at.
        linked, full = with_nothing_for_sale(load_linked(connection_id=connection_id)), True
    first, last = linked.window(now)
    windows = marked_windows(linked, marked, first, last, full)
    if not windows:
        return _Work(linked, marked, [], {})
    look_first = min(window[0] for window in windows.values())
    look_last = max(window[1] for window in windows.values())
    layouts = {target: layout for target, layout in linked.layouts().items() if target in windows}
    known = acknowledged.load(connection_id=connection_id, layouts=layouts, first=look_first, last=look_last)
    known = forget_marked(linked, marked, known)
    wanted = wanted_calendars(linked, windows, today=first)
    refused = push_records.load_refused(connection_id, look_first, look_last)
    currency_of = linked.ref.currency_of
    updates: list[AriUpdate] = []
    for target, calendar in wanted.items():
        updates += _without_refused(difference(target, calendar, known[target], currency=currency_of(target)), refused)
    return _Work(linked, marked, updates, known, had_refused=bool(refused))


Window = tuple[date, date]


def marked_windows(linked: Linked, marked: Sequence[Mark], first: date, last: date, full: bool) -> dict[Target, Window]:
    """The nights to look at for each target that may differ, both ends included; within the horizon."""
    types = linked.room_types()
    targets = linked.layouts()
    back = timedelta(days=rules_reach(linked.dialect))
    if full:
        return dict.fromkeys(targets, (first, last))
    found: dict[Target, Window] = {}
    of_types = [(target, types[target]) for target in targets]
    for mark in marked:
        for target, room_type_id in of_types:
            if not mark.concerns(target, room_type_id):
                continue
            begin, end = max(first, mark.first if target.rate is None else mark.first - back), min(last, mark.last)
            if begin <= end:
                known = found.get(target, (begin, end))
                found[target] = (min(known[0], begin), max(known[1], end))
    return found


def wanted_calendars(linked: Linked, windows: Mapping[Target, Window], *, today: date) -> dict[Target, Calendar]:
    """What the connection should show for these targets on these nights, both ends included."""
    if not windows:
        return {}
    first, last = min(window[0] for window in windows.values()), max(window[1] for window in windows.values())
    rooms = [one for one in linked.rooms if one.target in windows]
    rates = [one for one in linked.rates if one.target in windows]
    types = list({one.room_type_id for one in rooms})
    stock = list_stock(property_id=linked.house.id, first=first, last=last, room_type_ids=types) if rooms else []
    ahead = timedelta(days=rules_reach(linked.dialect))
    rows = list_rate_rows(property_id=linked.house.id, first=first, last=last + ahead) if rates else []
    last_check_out = today + timedelta(days=linked.house.sellable_days)
    result = {
        one.target: room_calendar(one, stock, *windows[one.target], last_check_out=last_check_out) for one in rooms
    }
    for one in rates:
        result[one.target] = rate_calendar(
            one,
            linked.house,
            rows,
            *windows[one.target],
            dialect=linked.dialect,
            today=today,
        )
    layouts = linked.layouts()
    for target in linked.withdrawn:
        if target in windows:
            result[target] = closed_calendar(layouts[target], *windows[target])
    return result


def forget_marked(linked: Linked, marked: Sequence[Mark], known: Mapping[Target, Calendar]) -> dict[Target, Calendar]:
    """The channel moved its own picture on these nights: what it acknowledged of them no longer counts."""
    forgotten = [mark for mark in marked if mark.forget]
    if not forgotten:
        return dict(known)
    types = linked.room_types()
    result = {}
    for target, calendar in known.items():
        spans = [(mark.first, mark.last) for mark in forgotten if mark.concerns(target, types[target])]
        result[target] = acknowledged.forget(calendar, spans) if spans else calendar
    return result


def _without_refused(updates: list[AriUpdate], refused: Mapping[tuple[Target, date, str], int]) -> list[AriUpdate]:
    """Leave out the very values that the channel refused before; anything else about those cells is tried."""
    if not refused:
        return updates
    kept: list[AriUpdate] = []
    for update in updates:
        nights: dict[date, dict[str, int]] = {}
        for offset in range(update.nights):
            night = update.first + timedelta(days=offset)
            tried = {
                name: value
                for name, value in update.values.items()
                if refused.get((update.target, night, name)) != value
            }
            if any(name.startswith("price_") for name in tried):
                # Prices travel together: a new one takes along those that were refused beside the former one.
                tried = {
                    name: value for name, value in update.values.items() if name in tried or name.startswith("price_")
                }
            if tried:
                nights[night] = tried
        kept += [
            AriUpdate(update.target, span.first, span.last, span.value, update.currency) for span in compress(nights)
        ]
    return kept


def _must_wait(work: _Work, now: datetime) -> str:
    """Why nothing is sent before the connection's next try; empty when it may be."""
    link = work.linked.connection
    own = work.linked.house.currency
    if foreign := work.linked.without_exchange_rate():
        error = NeedsSetup(told(f"prices are in {own}, the channel wants {foreign}: set an exchange rate"))
        with tenant(link.organization_id):
            push_records.failed(link, error, retry_at=None)
        return error.words
    # Further ahead than any wait it was written by a clock that was wrong.
    if link.retry_at is None or not now < link.retry_at <= now + schedules.LONGEST_WAIT:
        return ""
    if link.retry_reason == "limit" and any(update.closes for update in work.updates):
        return ""
    return f"waiting until {link.retry_at:%H:%M:%S}"


def _settle(work: _Work, now: datetime) -> None:
    marks.remove([mark.id for mark in work.marked])
    push_records.recovered(work.linked.connection, now)
    refused = RefusedCell.objects.filter(connection_id=work.linked.id)
    if work.linked.connection.state == "closing" and not refused.exists():
        leave(connection_id=work.linked.id)


def _make_unknown(work: _Work, pushes: Sequence[Push]) -> None:
    told: dict[Target, list[AriUpdate]] = {}
    for push in pushes:
        for update in push.updates:
            told.setdefault(update.target, []).append(update)
    changed = {target: acknowledged.forget_told(work.known[target], updates) for target, updates in told.items()}
    spans = {target: [(update.first, update.last) for update in updates] for target, updates in told.items()}
    work.known |= changed
    acknowledged.store(
        organization_id=work.linked.connection.organization_id,
        connection_id=work.linked.id,
        calendars={target: push_records.narrow(calendar, spans[target]) for target, calendar in changed.items()},
    )


def _push_one(
    organization_id: UUID,
    work: _Work,
    push: Push,
    adapter: Adapter,
    session: Session,
    outcome: Outcome,
    *,
    last: bool,
) -> bool:
    """Send one message and record what came of it; with the last, that the marks are done with. Answers whether to go on."""
    link = work.linked.connection
    started = time.perf_counter()
    attempt = Attempt(push, datetime.now(UTC))
    session.on_answer = attempt.hear
    error: IntegrationError | None = None
    result: PushResult | None = None
    try:
        result = adapter.implementation.send_push(session, work.linked.ref, push)
    except Rejected as refusal:
        error = refusal
        result = PushResult(
            refused=tuple(
                Refusal(update.target, update.first, update.last, refusal.words, refusal.vendor_code)
                for update in push.updates
            )
        )
    except IntegrationError as failure:
        error = failure
    attempt.duration_ms = (time.perf_counter() - started) * 1000
    answered = datetime.now(UTC)
    # Models that are saved ask how many rows that were, which nobody knows yet in a transaction that goes swiftly.
    with (tenant if result is None else swiftly)(organization_id):
        if result is not None:
            accepted, refused = push_records.record_answer(
                work.linked, work.known, work.marked, attempt, result, answered, had_refused=work.had_refused
            )
            if last:
                left = marks.remove_of(link.id, [mark.id for mark in work.marked])
                work.more = left or link.state == "closing"
            outcome.plan.append(replace(push, body=b""))
            outcome.pushed += 1
            outcome.cells += accepted
            outcome.refused += refused
            return True
        assert error is not None
        outcome.why = error.words
        if not isinstance(error, RateLimited):
            push_records.record_failure(link, attempt, error)
        push_records.failed(link, error, retry_at=_retry_at(link.failures, error, answered))
        log.info("push_failed", connection_id=str(link.id), error=type(error).__name__, words=error.words[:200])
        return False


def _retry_at(failures: int, error: IntegrationError, now: datetime) -> datetime | None:
    """When to try again: never by itself after refused credentials or a missing setting."""
    if isinstance(error, NotAuthorised | NeedsSetup):
        return None
    if isinstance(error, RateLimited) and error.retry_after is not None:
        return now + error.retry_after
    assert isinstance(error, Transient | OutcomeUnknown | ContractBroken)
    backoff = min(LONGEST_BACKOFF_S, 0.5 * 2 ** min(failures, 10))
    wait = error.retry_after or timedelta(seconds=backoff * random.uniform(0.75, 1.25))  # noqa: S311  # spreads retries
    return now + wait
