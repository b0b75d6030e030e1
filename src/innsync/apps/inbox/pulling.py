"""Fetching bookings from channels, and telling the channels that they are safe here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Lock
from uuid import UUID

import structlog
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Greatest

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution.access import open_session
from innsync.apps.distribution.models import Account, Connection
from innsync.apps.distribution.schedules import hasten, hasten_all
from innsync.apps.distribution.selectors import load_linked
from innsync.apps.distribution.services import finish_resuming, follow_missed_list, schedule
from innsync.apps.distribution.telling import (
    BOOKINGS,
    CALENDAR,
    is_silent,
    tell_failed,
    tell_recovered,
    was_silent,
)
from innsync.apps.inbox import services
from innsync.apps.inbox.models import Message
from innsync.integrations.errors import (
    ContractBroken,
    IntegrationError,
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Transient,
)
from innsync.integrations.http import Session
from innsync.integrations.manifest import Adapter
from innsync.integrations.ports import AckItem, AckResult, Listing, RawMessage

log = structlog.get_logger()
MOST_PAGES = 200
MOST_PARTS = 2000  # of a list: one that goes on for ever would never let go of its worker
MOST_IN_VAIN = 3  # tries in a row of which nothing was taken: then it is not the messages that are wrong
ACK_AT_ONCE = 25
# Times that many at the same time: as many connections to the database as a process has to spare beside its jobs'.
ACK_TOGETHER = 3
_side_by_side = Lock()
OLDER_AT_ONCE = 10 * ACK_AT_ONCE  # while the queue brings nothing that would wait for them
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=5)
LISTED_DAYS = 3
LOOK_AGAIN = timedelta(minutes=10)
# Channels keep what nobody acknowledged for half an hour; then it is in no queue, and only the second look finds it.
QUEUES_FORGET = timedelta(minutes=20)
# What came in since the beginning of a look is left to the next one: so that is not too long ago.
READ_ON_WITHIN = timedelta(hours=1)
RESUME_AGAIN = timedelta(seconds=20)


def pull(*, organization_id: UUID, account_id: UUID) -> int:
    """Read the account's queue until it is empty: store, commit, apply, acknowledge. Answers how many were new.

    A fault leaves what was stored stored; the next pull acknowledges what this one could not.
    """
    with tenant(organization_id):
        account = Account.objects.get(id=account_id)
        if account.state != "active":
            return 0
    adapter, session = open_session(account)
    new, answered = 0, False
    try:
        for _ in range(MOST_PAGES):
            page = adapter.implementation.pull_bookings(session)
            answered = True
            new += services.receive(
                organization_id=organization_id, account=account, messages=page.messages, now=datetime.now(UTC)
            )
            if page.messages:
                services.apply_pending(organization_id=organization_id, account_id=account_id)
            brought = [services.stored_id(message.message_id) for message in page.messages]
            went_on = _acknowledge(organization_id, account, adapter, session, brought)
            if page.failure is not None:
                raise page.failure
            if not page.more or not (page.messages and went_on):
                break
    except IntegrationError as error:
        _went_wrong(organization_id, account, error)
        _pull_again_soon(organization_id, account, error, answered=answered)
        return new
    now = datetime.now(UTC)
    with tenant(organization_id):
        if was_silent(account):
            tell_recovered(_served(account.id), what=BOOKINGS, now=now)
        Account.objects.filter(id=account_id).update(last_pulled_at=now, last_error="")
        if account.last_pulled_at is not None and now - account.last_pulled_at > QUEUES_FORGET:
            log.info("queue_was_away", account_id=str(account_id), vendor=account.vendor, since=account.last_pulled_at)
            # What the queue forgot stands at the list's beginning, which one under way has left behind.
            Connection.objects.filter(account_id=account_id).update(listing=None)
            hasten_all(account.id, "second_look", due_at=now)
    services.apply_pending(organization_id=organization_id, account_id=account_id)
    return new


def _acknowledge(
    organization_id: UUID, account: Account, adapter: Adapter, session: Session, brought: Collection[str]
) -> bool:
    """Tell the channel that messages are stored for good. Answers whether any of it was taken, or none waits.

    Those that the queue has just brought all at once, since it brings them again, and nothing behind them, until they
    are acknowledged; of older ones that were not taken a few, or more of them where it brought nothing.
    """
    if not adapter.can("acknowledge"):
        return True
    waiting = _unacknowledged(organization_id, account, brought)
    chunks = [waiting[start : start + ACK_AT_ONCE] for start in range(0, len(waiting), ACK_AT_ONCE)]
    taken, in_vain = not waiting, 0
    while chunks and in_vain < MOST_IN_VAIN:
        # The first alone, and whenever one was not taken; side by side while all goes well.
        together = ACK_TOGETHER if taken and not in_vain else 1
        wave = chunks[:together]
        answers = _say(adapter, session, wave, set(brought))
        chunks = chunks[len(answers) :]
        failures = [said for said in answers if isinstance(said, IntegrationError)]
        for some, said in zip(wave, answers, strict=False):
            if isinstance(said, IntegrationError):
                in_vain += 1  # these come again; what is behind them need not
                continue
            _record(organization_id, some, said, datetime.now(UTC))
            if any(result.accepted or result.final for result in said):
                taken, in_vain = True, 0
            else:
                in_vain += 1
        lasting = [error for error in failures if not isinstance(error, (OutcomeUnknown, Transient))]
        if lasting:
            raise lasting[0]
        if failures and in_vain >= MOST_IN_VAIN:
            raise failures[-1]
    return taken


def _say(
    adapter: Adapter, session: Session, wave: Sequence[Sequence[Message]], brought: Collection[str]
) -> list[Sequence[AckResult] | IntegrationError]:
    """Acknowledge each chunk, at the same time where nobody else in this process does that, else the first alone. A fault
    stands in place of the answer."""

    def say(some: Sequence[Message]) -> Sequence[AckResult] | IntegrationError:
        try:
            items = [_item(message, just_delivered=message.message_id in brought) for message in some]
            said: Sequence[AckResult] = adapter.implementation.acknowledge(session, items)
            return said
        except IntegrationError as error:
            return error

    def say_apart(context: Context, some: Sequence[Message]) -> Sequence[AckResult] | IntegrationError:
        try:
            return context.run(say, some)
        finally:
            connection.close()  # limits are counted in the database, and this thread ends

    if len(wave) == 1 or not _side_by_side.acquire(blocking=False):
        return [say(wave[0])]
    try:
        with ThreadPoolExecutor(len(wave), thread_name_prefix="acknowledge") as pool:
            return list(pool.map(say_apart, [copy_context() for _ in wave], wave))
    finally:
        _side_by_side.release()


def _unacknowledged(organization_id: UUID, account: Account, brought: Collection[str]) -> list[Message]:
    with tenant(organization_id):
        unknown = Message.objects.filter(account=account, acknowledged_at__isnull=True).defer("body")
        # What only the second look brought is in no queue, and not waited for, unless the channel says so.
        owed = Q(found_by="") | Q(deliveries__gt=1) | Q(listed_unacknowledged=True)
        older = unknown.filter(owed).exclude(message_id__in=brought)
        most = ACK_AT_ONCE if brought else OLDER_AT_ONCE
        waiting = list(older.filter(acknowledge_words="").order_by("received_at", "id")[:most])
        # What was not taken before comes last (of older ones, by turns): what is never taken stands in nobody's way.
        waiting += older.exclude(acknowledge_words="").order_by("?")[: most - len(waiting)]
        fresh = list(unknown.filter(message_id__in=brought).order_by("received_at", "id"))
        return [*sorted(fresh, key=lambda message: message.acknowledge_words != ""), *waiting]


def _item(message: Message, *, just_delivered: bool) -> AckItem:
    return AckItem(
        message.message_id,
        message.property_ref,
        message.booking_ref,
        message.confirmation,
        message.acknowledge,
        message.received_at,
        just_delivered,
    )


def _record(organization_id: UUID, waiting: Sequence[Message], results: Sequence[AckResult], now: datetime) -> None:
    by_id = {message.message_id: message for message in waiting}
    with tenant(organization_id):
        taken = [result.message_id for result in results if result.accepted]
        Message.objects.filter(id__in=[by_id[one].id for one in taken]).update(
            acknowledged_at=now, acknowledge_words=""
        )
        for result in results:
            if not result.accepted:
                message = by_id[result.message_id]
                message.acknowledge_words = result.words[:2000]
                message.acknowledged_at = now if result.final else None
                message.save(update_fields=["acknowledge_words", "acknowledged_at"])


def _went_wrong(organization_id: UUID, account: Account, error: IntegrationError) -> None:
    now = datetime.now(UTC)
    log.info("pull_failed", account_id=str(account.id), vendor=account.vendor, error=type(error).__name__)
    with tenant(organization_id):
        if isinstance(error, NotAuthorised):
            _shut_out(account, error, now)
        if not isinstance(error, RateLimited):
            fresh = Account.objects.get(id=account.id)
            if is_silent(fresh, now) and not was_silent(fresh):
                tell_failed(_served(account.id), what=BOOKINGS, error=error.words or type(error).__name__, now=now)
            Account.objects.filter(id=account.id).update(
                last_error=(error.words or type(error).__name__)[:2000], last_error_at=now
            )


def _shut_out(account: Account, error: NotAuthorised, now: datetime) -> None:
    """Nothing can be sent either. Counted as a failure of each connection, whose end is told once it works again."""
    Account.objects.filter(id=account.id).update(state="unauthorised")
    links = list(Connection.objects.select_for_update().filter(account=account, state="active"))
    tell_failed((one for one in links if not one.failures), what=CALENDAR, error=error.words, now=now)
    Connection.objects.filter(id__in=[one.id for one in links]).update(
        state="unauthorised", failures=Greatest("failures", 1), last_error=error.words[:2000], last_error_at=now
    )


def _served(account_id: UUID) -> list[Connection]:
    """The connections that the account's bookings are for."""
    return list(Connection.objects.filter(account_id=account_id).exclude(state="left").order_by("id"))


def _pull_again_soon(organization_id: UUID, account: Account, error: IntegrationError, *, answered: bool) -> None:
    """A queue that was not read to its end is not left alone for its whole interval: it is read on at once where it
    answered, and where it did not, after twice as long each time."""
    if isinstance(error, (NotAuthorised, RateLimited)):
        return
    now = datetime.now(UTC)
    since = now - account.last_pulled_at if account.last_pulled_at else LONGEST_PAUSE
    if answered:
        since = SHORTEST_PAUSE
    with tenant(organization_id):
        hasten(account.id, "bookings", due_at=now + min(max(since, SHORTEST_PAUSE), LONGEST_PAUSE))


def list_changed(*, organization_id: UUID, connection_id: UUID, since: datetime | None = None) -> int:
    """The second look: what the channel's own list has and its queue never brought. Answers how many bookings were adopted.

    It goes back to the last one that succeeded, and three days at least. The list is stored part by part, and one that
    ended in a fault is read on from there, unless a moment to go back to is given. What the channel lists as not
    acknowledged is acknowledged, known here or not: it has not heard of it.
    """
    now = datetime.now(UTC)
    with tenant(organization_id):
        linked = load_linked(connection_id=connection_id)
    adapter, session = open_session(linked.account)
    if not adapter.can("list_bookings"):
        return 0
    account = linked.account
    with tenant(organization_id):
        follow_missed_list(account=account, connection_id=connection_id, now=now)
    look = _Look.go_on(linked.connection, now) if since is None else _Look.begin(linked.connection, now, since)
    written = linked.connection.listing
    seen = {look.after}
    adopted = 0
    try:
        while True:
            part: Listing = adapter.implementation.list_bookings(session, linked.ref, look.since, look.after)
            adopted += _adopt(organization_id, account, adapter, session, part.messages)
            if part.after and (part.after in seen or len(seen) >= MOST_PARTS):
                raise ContractBroken(
                    "the list of bookings never ends", vendor=account.vendor, operation="list_bookings"
                )
            look = replace(look, after=part.after)
            if not _keep(organization_id, connection_id, written, look):
                look, written, seen = _Look.begin(linked.connection, now, since), None, {""}
                continue
            if not part.after:
                break
            written = look.written()
            seen.add(part.after)
    except IntegrationError as error:
        _went_wrong(organization_id, account, error)
        _look_again_later(organization_id, connection_id, error, now)
    return adopted


def _keep(organization_id: UUID, connection_id: UUID, written: object, look: _Look) -> bool:
    """Write down how far a look has come, unless another one is under way. Answers False when it is to begin anew."""
    with tenant(organization_id):
        found = Connection.objects.select_for_update().filter(id=connection_id)
        standing = found.values_list("listing", flat=True).get()
        if standing == written and look.after:
            found.update(listing=look.written())
        elif standing == written:
            found.update(listing=None, last_listed_at=look.began)
        return standing == written or standing is not None


@dataclass(frozen=True, slots=True)
class _Look:
    """How far a second look has come: what it goes back to, when it began, and where to read on."""

    since: datetime
    began: datetime
    after: str = ""

    @classmethod
    def begin(cls, connection: Connection, now: datetime, since: datetime | None = None) -> _Look:
        starts = [now - timedelta(days=LISTED_DAYS), connection.last_listed_at, since]
        return cls(min(one for one in starts if one), now)

    @classmethod
    def go_on(cls, connection: Connection, now: datetime) -> _Look:
        """With the one that a fault ended just now, if there is one."""
        left = connection.listing
        if left and now - datetime.fromisoformat(left["began"]) < READ_ON_WITHIN:
            return cls(datetime.fromisoformat(left["since"]), datetime.fromisoformat(left["began"]), left["after"])
        return cls.begin(connection, now)

    def written(self) -> dict[str, str]:
        return {"since": self.since.isoformat(), "began": self.began.isoformat(), "after": self.after}


def _adopt(
    organization_id: UUID, account: Account, adapter: Adapter, session: Session, listed: Sequence[RawMessage]
) -> int:
    """Store, apply and acknowledge what the queue never brought. Answers how many bookings were adopted."""
    waiting = [services.stored_id(message.message_id) for message in listed if message.unacknowledged]
    unknown = _unknown(organization_id, account, listed)
    adopted = 0
    if unknown:
        now = datetime.now(UTC)
        services.receive(organization_id=organization_id, account=account, messages=unknown, now=now, found_by="audit")
        services.apply_pending(organization_id=organization_id, account_id=account.id)
        ids = [services.stored_id(message.message_id) for message in unknown]
        with tenant(organization_id):
            applied = Message.objects.filter(account=account, message_id__in=ids, state="applied", applied_at__gte=now)
            adopted = applied.values("booking_id").distinct().count()
    if waiting:
        _acknowledge(organization_id, account, adapter, session, waiting)
    return adopted


def _unknown(organization_id: UUID, account: Account, messages: Sequence[RawMessage]) -> list[RawMessage]:
    ids = [services.stored_id(message.message_id) for message in messages]
    with tenant(organization_id):
        known = set(Message.objects.filter(account=account, message_id__in=ids).values_list("message_id", flat=True))
    return [one for one in messages if one.unacknowledged or services.stored_id(one.message_id) not in known]


def _look_again_later(organization_id: UUID, connection_id: UUID, error: IntegrationError, now: datetime) -> None:
    """The list is as good a little later; a poll that took the vendor's last call must not cost the day's look."""
    wait = min(error.retry_after or LOOK_AGAIN, LOOK_AGAIN)
    with tenant(organization_id), sql() as cursor:
        cursor.execute(
            "UPDATE distribution_schedule SET due_at = CASE WHEN every_s > %(wait)s THEN %(due_at)s ELSE due_at END"
            " WHERE subject_id = %(subject)s AND kind = 'second_look'",
            {"wait": wait.total_seconds(), "due_at": now + wait, "subject": connection_id},
        )


def resume(*, organization_id: UUID, connection_id: UUID) -> bool:
    """Fetch what was sold while the connection was off, then let it send again. Answers whether that worked."""
    with tenant(organization_id):
        linked = load_linked(connection_id=connection_id)
    adapter, _ = open_session(linked.account)
    began = datetime.now(UTC)
    if adapter.can("pull_bookings"):
        pull(organization_id=organization_id, account_id=linked.account.id)
        with tenant(organization_id):
            linked.account.refresh_from_db()
        if linked.account.last_pulled_at is None or linked.account.last_pulled_at < began:
            with tenant(organization_id):
                schedule(
                    organization_id=organization_id,
                    subject_id=connection_id,
                    kind="resume",
                    every_s=0,
                    due_at=datetime.now(UTC) + RESUME_AGAIN,
                )
            return False
    list_changed(organization_id=organization_id, connection_id=connection_id, since=linked.connection.last_push_at)
    with tenant(organization_id):
        finish_resuming(connection=linked.connection, now=datetime.now(UTC))
    return True
