"""A worker is killed at each point where something is half done, while bookings come in: none is lost, none is twice."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from innsync.apps.accounts.tenancy import sql
from tests.flows.checks import check_all
from tests.flows.stack import Stack, small_hotel

POINTS = (
    "kept, not applied",
    "applied, not committed",
    "applied, not acknowledged",
    "acknowledged, not recorded",
    "about to push",
    "pushed, not recorded",
)
VENDORS = ("booking_com", "expedia", "channex")
ROOT = Path(__file__).parent.parent.parent
PATIENCE_S = 60.0


@contextmanager
def worker(point: str) -> Iterator[subprocess.Popen[bytes]]:
    """The product's worker as a process of its own; it is killed in the end, if it was not before."""
    keys = {
        "INNSYNC_SECRET_KEY": settings.SECRET_KEY,
        "INNSYNC_ENCRYPTION_KEYS": ",".join(settings.ENCRYPTION_KEYS),
        "INNSYNC_WORKER_CONCURRENCY": "4",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.flows.doomed_worker", point],
        cwd=ROOT,
        env={**os.environ, **keys},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def wait_until_there(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
    assert ready, "the worker never got there"
    assert process.stdout.readline() == b"here\n"


def wait_until(what: str, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def nothing_waits(stack: Stack) -> bool:
    """No change on its way, nothing to be sent, no message unapplied or untold."""
    with sql() as cursor:
        outbox = cursor.execute("SELECT count(*) FROM events_outbox WHERE due_at IS NULL OR due_at <= now()").fetchone()
    (waiting,) = stack.rows(
        "SELECT (SELECT count(*) FROM distribution_dirty), (SELECT count(*) FROM inbox_message"
        " WHERE state <> 'applied' OR acknowledged_at IS NULL)"
    )
    return outbox == (0,) and waiting == (0, 0)


def is_right(stack: Stack) -> bool:
    try:
        check_all(stack)
    except AssertionError:
        return False
    return True


@pytest.mark.timeout(600)
def test_workers_killed_with_work_half_done_lose_no_booking_and_make_none_twice(
    make_stack: Callable[..., Stack],
) -> None:
    chance = random.Random(11)
    stack = make_stack(plan=small_hotel("killed-workers", rooms=40))
    stack.settle()
    told: dict[str, str] = {}
    direct = 0
    for point in chance.sample(POINTS, len(POINTS)):
        for vendor in chance.sample(VENDORS, 2):
            told[stack.guest_books(vendor, chance.randrange(10, 16), chance.randrange(1, 4))] = vendor
        stack.book(chance.randrange(10, 16))
        direct += 1
        with worker(point) as process:
            wait_until_there(process)
            vendor = chance.choice(VENDORS)
            told[stack.guest_books(vendor, chance.randrange(10, 16))] = vendor
            process.send_signal(signal.SIGKILL)
            assert process.wait(10) == -signal.SIGKILL
    with worker("none"):
        wait_until(
            "every booking is here",
            lambda: stack.rows("SELECT count(*) FROM reservations_booking") == [(len(told) + direct,)],
        )
        wait_until("all of it is told", lambda: nothing_waits(stack))
        wait_until("every calendar is right", lambda: is_right(stack))
    check_all(stack)
    found = stack.rows("SELECT channel_ref, channel FROM reservations_booking WHERE channel <> 'direct'")
    assert sorted(found) == sorted(told.items()), "each once"
    assert stack.rows("SELECT count(*) FROM reservations_booking WHERE channel = 'direct'") == [(direct,)]
    stays = "SELECT count(*), count(DISTINCT booking_id) FROM reservations_roomstay WHERE holds_stock"
    assert stack.rows(stays) == [(len(told) + direct, len(told) + direct)]
