"""What runs beside the database: every process that `innsync up` starts, as data."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum


class StopOrder(IntEnum):
    """First those who take in work, last those whom the others talk to."""

    WORK = 1
    OUTSIDE_WORLD = 2


@dataclass(frozen=True, slots=True)
class Process:
    """One child of the supervisor. Its output goes to `<name>.log`."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_order: StopOrder = StopOrder.WORK
    # From the kernel, when the supervisor was killed. A server must be able to end its own processes.
    when_orphaned: signal.Signals = signal.SIGTERM


def web(*, port: int, environment: Mapping[str, str]) -> Process:
    """A few processes with many threads, since each request mostly waits for the database."""
    return Process(
        name="web",
        command=(
            *_granian("innsync.config.server:application", interface="rsgi", port=port, kill_after_s=4),
            *("--workers", str(min(2, os.cpu_count() or 1)), "--backlog", "4096", "--task-impl", "asyncio"),
        ),
        environment=environment,
    )


def workers(*, count: int) -> list[Process]:
    """The database ends at the same moment as an orphaned worker: there is nothing left to be polite to, and its jobs are safe."""
    return [
        Process(name=f"worker-{number}", command=_python("innsync.ops.worker"), when_orphaned=signal.SIGKILL)
        for number in range(1, count + 1)
    ]


def sandbox(*, port: int, state: str | None) -> Process:
    """All vendors' worlds live in one process; `state` is the folder that keeps them over a restart."""
    return Process(
        name="sandbox",
        command=_granian(
            "innsync.integrations.simulation.app:application", interface="asgi", port=port, kill_after_s=1
        ),
        environment={"INNSYNC_SANDBOX_STATE": state} if state else {},
        stop_order=StopOrder.OUTSIDE_WORLD,
    )


def migrate() -> tuple[str, ...]:
    """A command that ends: bring the tables up to date."""
    return (*_python("innsync.ops.cli"), "manage", "migrate", "--no-input", "--verbosity", "0")


def seed_demo() -> tuple[str, ...]:
    """A command that ends: make the sample portfolio and print its sign-ins as JSON on the last line."""
    return _python("innsync.ops.demo")


def _python(module: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module)


def _granian(application: str, *, interface: str, port: int, kill_after_s: int) -> tuple[str, ...]:
    where = ("--host", "127.0.0.1", "--port", str(port))
    manners = ("--log-level", "warning", "--no-access-log", "--respawn-failed-workers")
    ending = ("--workers-kill-timeout", str(kill_after_s))
    return (*_python("granian"), "--interface", interface, *where, *manners, *ending, application)
