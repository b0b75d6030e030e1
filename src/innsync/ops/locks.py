"""One process at a time: locks that the kernel drops when their holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import IO

# Longer than somebody who only asks holds the lock.
PATIENCE_S = 0.3


class Held(Exception):
    """Another process holds the lock; `pid` is its process id, when it could be read."""

    def __init__(self, pid: int | None) -> None:
        super().__init__(f"held by process {pid}")
        self.pid = pid


def hold(path: Path) -> IO[str]:
    """Take the lock file until the returned file is closed. Raises Held."""
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+", encoding="utf-8")
    deadline = time.monotonic() + PATIENCE_S
    while not _taken(file, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            holder = file.read().strip()
            file.close()
            raise Held(int(holder) if holder.isdigit() else None)
        time.sleep(0.02)
    file.seek(0)
    file.truncate()
    file.write(str(os.getpid()))
    file.flush()
    return file


def is_held(path: Path) -> bool:
    """Whether a process holds the lock now. Those who ask do not disturb one another."""
    try:
        with path.open("rb") as file:
            return not _taken(file, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _taken(file: IO[str] | IO[bytes], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
