"""What can't be handed on from the outbox waits by itself, and holds up nobody else's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from innsync.apps.accounts.tenancy import sql
from innsync.apps.events import relay, services
from innsync.apps.events.relay import Entry

Handed = list[tuple[UUID, list[int]]]


@pytest.fixture
def outbox(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Writes rows of a topic of the test's own; nothing else is in the outbox."""
    monkeypatch.setattr(relay, "_handlers", dict(relay._handlers))
    with sql() as cursor:
        cursor.execute("DELETE FROM events_outbox")

    def write(organization_id: UUID, *numbers: int, topic: str = "tested") -> None:
        for number in numbers:
            services.enqueue(
                organization_id=organization_id, property_id=uuid4(), topic=topic, payload={"number": number}
            )

    yield write
    with sql() as cursor:
        cursor.execute("DELETE FROM events_outbox")


def waiting() -> list[tuple[str, int, bool]]:
    """(topic, number, whether it was put off) of each row."""
    with sql() as cursor:
        return cursor.execute(
            "SELECT topic, (payload->>'number')::int, due_at >= created_at + interval '500 ms' FROM events_outbox ORDER BY 1, 2"
        ).fetchall()


def handling(fails: Callable[[UUID, Sequence[Entry]], None]) -> Handed:
    handed: Handed = []

    @relay.handles("tested")
    def handle(organization_id: UUID, entries: Sequence[Entry]) -> None:
        with sql() as cursor:  # what a handler writes before it fails must not stay
            cursor.execute("SELECT set_config('innsync.tested', 'x', true)")
        fails(organization_id, entries)
        handed.append((organization_id, [entry.payload["number"] for entry in entries]))

    return handed


def test_what_one_organization_wrote_holds_up_no_other(outbox: Any) -> None:
    bad, good = sorted((uuid4(), uuid4()), key=lambda one: one.int)

    def fail(organization_id: UUID, _: Sequence[Entry]) -> None:
        if organization_id == bad:
            raise KeyError("spans")

    handed = handling(fail)
    outbox(bad, 1)
    outbox(good, 2, 3)
    relay.relay_once()
    assert handed == [(good, [2, 3])]
    assert waiting() == [("tested", 1, True)], "kept, and tried again later"


def test_one_row_holds_up_none_of_its_neighbours(outbox: Any) -> None:
    whose = uuid4()

    def fail(_: UUID, entries: Sequence[Entry]) -> None:
        with sql() as cursor:
            for entry in entries:
                cursor.execute("SELECT 1 / %s", (entry.payload["number"],))

    handed = handling(fail)
    outbox(whose, 1, 0, 2)
    relay.relay_once()
    assert handed == [(whose, [1]), (whose, [2])]
    assert waiting() == [("tested", 0, True)]


def test_a_topic_that_only_a_newer_release_knows_is_left_for_it(outbox: Any) -> None:
    """Two releases run side by side while the installation is upgraded."""
    whose = uuid4()
    handed = handling(lambda *_: None)
    outbox(whose, 1, topic="of tomorrow")
    outbox(whose, 2)
    relay.relay_once()
    assert handed == [(whose, [2])]
    assert waiting() == [("of tomorrow", 1, True)]


def test_a_lock_that_is_not_had_costs_its_own_rows_a_moment(outbox: Any) -> None:
    whose = uuid4()
    tries: list[int] = []

    def fail(_: UUID, entries: Sequence[Entry]) -> None:
        tries.append(len(entries))
        if len(tries) == 1:
            raise psycopg.errors.LockNotAvailable

    handed = handling(fail)
    outbox(whose, 1, 2)
    relay.relay_once()
    assert tries == [2], "not tried one by one: each would wait for the lock"
    assert [put_off for _, _, put_off in waiting()] == [True, True]
    until = time.monotonic() + 30
    while not handed and time.monotonic() < until:
        relay.relay_once()
        time.sleep(0.05)
    assert handed == [(whose, [1, 2])]


def test_rows_that_were_put_back_keep_the_moment_of_their_change(outbox: Any) -> None:
    """Divergence is counted from it."""
    handling(lambda *_: (_ for _ in ()).throw(ValueError("never")))
    outbox(uuid4(), 1)
    with sql() as cursor:
        before = cursor.execute("SELECT created_at FROM events_outbox").fetchone()
    relay.relay_once()
    with sql() as cursor:
        assert cursor.execute("SELECT created_at FROM events_outbox").fetchone() == before


def test_a_chore_that_fails_keeps_no_other_from_its_turn(outbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    done: list[datetime] = []

    def fail(now: datetime) -> None:
        raise KeyError("nobody knows this kind")

    def work(now: datetime) -> None:
        done.append(now)
        stop.set()

    monkeypatch.setattr(relay, "_chores", [fail, work])
    thread = threading.Thread(target=relay.run, args=(stop,))
    thread.start()
    thread.join(10)
    stop.set()
    thread.join(5)
    assert done[0] <= datetime.now(UTC)
