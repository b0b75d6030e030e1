"""What this machine allows to be done: mounts and clocks of the run's own, seen by nobody else."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

_CLONE_NEWNS = 0x00020000
_MS_REC, _MS_PRIVATE, _MS_NOSUID, _MS_NODEV = 0x4000, 1 << 18, 2, 4
DISK_BYTES = 900_000_000
_CLOCK = Path(__file__).with_name("clock.c")


class NotPossible(Exception):
    """This machine, or this user, can't do that. The text says why and what would mend it."""


def small_disk(folder: Path) -> None:
    """Mount a disk of DISK_BYTES on the folder, which this process and its children alone see, and which ends with them.

    To be called while the process has one thread. Raises NotPossible.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        raise NotPossible("a small disk can be mounted by root on Linux alone")
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"size={DISK_BYTES},mode=0711".encode()
    steps: tuple[Callable[[], int], ...] = (
        lambda: libc.unshare(_CLONE_NEWNS),
        lambda: libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None),
        lambda: libc.mount(b"tmpfs", bytes(folder), b"tmpfs", _MS_NOSUID | _MS_NODEV, options),
    )
    for step in steps:
        if step() != 0:
            raise NotPossible(f"a small disk can't be mounted here: {os.strerror(ctypes.get_errno())}")


def leave_disk(folder: Path) -> None:
    """Unmount it, so that its folder can be removed."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None, use_errno=True).umount2(bytes(folder), 2)


def fill(folder: Path) -> Path:
    """A file that takes all that is left of the disk. Removing it gives everything back."""
    ballast = folder / "ballast"
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    size, piece = 0, 1 << 26
    try:
        while piece >= 4096:
            try:
                os.posix_fallocate(descriptor, size, piece)
                size += piece
            except OSError:
                piece //= 2
    finally:
        os.close(descriptor)
    return ballast


class Clock:
    """The wall clock of the processes that were started with `environment`; PostgreSQL keeps the true time.

    Done by a small library that is compiled here and loaded before the C library: libfaketime also moves what Python sleeps
    by. Raises NotPossible where there is no compiler.
    """

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if sys.platform != "linux" or compiler is None:
            raise NotPossible(
                "clocks are moved by a small C library, on Linux and with a C compiler (Debian: `apt install gcc`)"
            )
        library, self._file = folder / "clock.so", folder / "clock"
        command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(_CLOCK), "-ldl"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotPossible(f"the library that moves clocks can't be compiled: {done.stderr.strip()[-200:]}")
        self._file.write_bytes(struct.pack("@q", 0))
        self.environment = {"LD_PRELOAD": str(library), "INNSYNC_CHAOS_CLOCK": str(self._file)}

    def move(self, by_s: int) -> None:
        """Let it go that much before (negative: behind) the true time, from now on."""
        with self._file.open("r+b") as file:  # mapped by the processes: never replaced
            file.write(struct.pack("@q", by_s))
