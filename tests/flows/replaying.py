"""Replays of bookings inside a test: how they are played, and by what worker."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from uuid import uuid4

from innsync.ops.replay.run import Options, Summary, Watcher, replay
from innsync.ops.settling import Backlog

ROOT = Path(__file__).parents[2]
SMALL_HOTEL = ROOT / "tests" / "data" / "small_hotel.csv"


class Nobody:
    """Watches, and says nothing."""

    def phase(self, text: str, total: int = 0) -> None: ...

    def day(self, day: date) -> None: ...

    def one(self) -> None: ...

    def left(self, backlog: Backlog) -> None: ...


@contextmanager
def lasting_sandbox() -> Iterator[str]:
    """A sandbox that nobody resets: the replays' organization stays connected to it."""
    from innsync.integrations.conformance.server import serve
    from innsync.integrations.simulation.app import installed_worlds
    from innsync.integrations.simulation.world import Clock

    with serve(*installed_worlds(Clock()), control=True) as url:
        yield url


def start_worker(database: str) -> subprocess.Popen[bytes]:
    """The product's worker as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "innsync.ops.worker"],
        env={**os.environ, "DATABASE_URL": database, "INNSYNC_SANDBOX": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def play(
    file: Path,
    sandbox_url: str,
    *,
    limit: int | None = None,
    rooms_scale: float = 1.0,
    faults: bool = False,
    watcher: Watcher | None = None,
) -> Summary:
    return replay(
        Options(
            file=file,
            code=f"replay-{uuid4().hex[:8]}",
            limit=limit,
            rooms_scale=rooms_scale,
            faults=faults,
            sandbox_url=sandbox_url,
            patience_s=60,
        ),
        watcher or Nobody(),
    )


def wrong(summary: Summary) -> dict[str, list[str]]:
    """The first that is wrong of each failed check."""
    return {check.name: [line[:120] for line in check.wrong[:1]] for check in summary.checks if not check.passed}


def looked_at(summary: Summary, name: str) -> int:
    return next(check.looked_at for check in summary.checks if check.name.startswith(name))
