"""What an operation costs beside time: statements, the database's log, memory."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any

import psutil
import psycopg

LOOK_EVERY_S = 0.2
# What a process of ours is started with: the web server, the worker, the benchmark's own loads of the service layer.
_OURS = ("innsync.config.server", "innsync.ops.worker")
MB = 1_000_000
_RECORDING = "calls"  # the name of the thread


@dataclass(slots=True)
class Count:
    """How many statements this process sent. Beginning and ending a transaction is none."""

    statements: int = 0


@contextlib.contextmanager
def counted_statements() -> Iterator[Count]:
    """Counts what all threads of this process send in the meantime, through Django or plain psycopg.

    But for the one that writes down the calls of several organizations some time after they were answered.
    """
    count = Count()
    kinds: tuple[Any, ...] = (psycopg.Cursor, psycopg.AsyncCursor)
    before = [(kind, name, getattr(kind, name)) for kind in kinds for name in ("execute", "executemany")]

    def counting(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def wrapped(*args: Any, **named: Any) -> Any:
            later = threading.current_thread().name == _RECORDING
            count.statements += args[1] not in ("BEGIN", "COMMIT") and not later
            return method(*args, **named)

        return wrapped

    for kind, name, method in before:
        setattr(kind, name, counting(method))
    try:
        yield count
    finally:
        for kind, name, method in before:
            setattr(kind, name, method)


def log_position() -> int:
    """How many bytes the server has written into its log so far. All databases of it write into the same."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, connect_timeout=10) as connection:
        row = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
    return int(row[0]) if row else 0


class Memory:
    """The most that web server and workers below this process held together; without any, this process itself."""

    def __init__(self) -> None:
        self.most_mb = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        own, most_of_others, most_of_own = psutil.Process(), 0, 0
        while True:
            most_of_others = max(most_of_others, memory_held())
            most_of_own = max(most_of_own, own.memory_info().rss)
            self.most_mb = (most_of_others or most_of_own) / MB
            if self._over.wait(LOOK_EVERY_S):
                return


def memory_held() -> int:
    """What web server and workers below this process hold together, in bytes."""
    return sum(map(_held_by, psutil.Process().children(recursive=True)))


def _held_by(process: psutil.Process) -> int:
    """In bytes; 0 for one that is not ours, or gone."""
    with contextlib.suppress(psutil.Error):
        if _is_ours(process):
            return int(process.memory_info().rss)
    return 0


def _is_ours(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return any(word.partition(":")[0] in _OURS for word in process.cmdline())
    return False


def cpu_seconds() -> float:
    """What our servers and workers, and the database's processes on this machine, have computed since they began."""
    processes = [one for one in psutil.Process().children(recursive=True) if _is_ours(one)] + _of_the_database()
    total = 0.0
    for one in processes:
        with contextlib.suppress(psutil.Error):
            times = one.cpu_times()
            total += times.user + times.system
    return total


def _of_the_database() -> list[psutil.Process]:
    """The server's process and those that it began; none where it runs elsewhere."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, connect_timeout=10) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        try:
            server = psutil.Process(row[0] if row else 0).parent()
        except psutil.Error:
            return []
        if server is None or "postgres" not in server.name():
            return []
        return [server, *server.children()]
