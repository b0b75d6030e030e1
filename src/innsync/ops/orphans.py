"""Children that do not outlive their parent, and ways to find those that did."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1
# Loaded before any fork: a child between fork and exec must not load libraries.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """For `preexec_fn`: the kernel sends `number` to the child when the thread that started it ends, even by SIGKILL.

    Runs after a change of user, which would clear the request. Elsewhere than on Linux it does nothing, and
    the next start clears away what is left.
    """
    parent = os.getpid()

    def ask_the_kernel() -> None:
        if _libc is None:
            return
        _libc.prctl(_PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # it died between fork and now
            os._exit(1)

    return ask_the_kernel


def started_at(pid: int) -> float | None:
    """When the process began, as the kernel counts; with the pid it names a process for good."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def working_in(folder: Path, *, name: str) -> list[psutil.Process]:
    """Processes called `name` whose working directory is `folder`."""
    wanted = os.path.realpath(folder)
    found = []
    for process in psutil.process_iter(["name"]):
        if process.info["name"] == name:
            with contextlib.suppress(psutil.Error, OSError):
                if process.cwd() == wanted:
                    found.append(process)
    return found


def end_group(group: int, number: signal.Signals) -> None:
    """Signal a whole process group; one that is gone is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def group_is_gone(group: int) -> bool:
    """Whether no process of the group is left (zombies that init has yet to collect do not count)."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    for process in psutil.process_iter(["status"]):
        with contextlib.suppress(ProcessLookupError, psutil.Error):
            if os.getpgid(process.pid) == group and process.info["status"] != psutil.STATUS_ZOMBIE:
                return False
    return True


def wait_all(children: Iterable[subprocess.Popen[bytes]], *, timeout_s: float) -> list[subprocess.Popen[bytes]]:
    """Wait for all of them together; answers those still running when the time is over."""
    deadline = time.monotonic() + timeout_s
    remaining = list(children)
    while remaining and time.monotonic() < deadline:
        remaining = [child for child in remaining if child.poll() is None]
        if remaining:
            time.sleep(0.02)
    return remaining
