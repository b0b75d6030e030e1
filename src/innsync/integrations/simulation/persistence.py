"""Keeps the worlds over a restart: one file a vendor, written whole or not at all."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import threading
import time
from pathlib import Path

from innsync.integrations.simulation.host import Host, Sandbox

SAVE_EVERY_S = 1.0
SHARE_OF_TIME = 0.2

log = logging.getLogger(__name__)


class Keeper:
    """Saves each world that changed, at most once a second, less often when a world is so large that saving takes
    more than a fifth of the time."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self._saved: dict[str, int] = {}
        self._writing = threading.Lock()

    def restore(self) -> None:
        """Give each world what was saved of it. A file that can't be read is put aside and the world begins anew."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for host in self.sandbox:
            path = self._path(host)
            if path.exists():
                try:
                    host.restore(pickle.loads(path.read_bytes()))  # noqa: S301 - written by ourselves, in our own folder
                except Exception:
                    log.exception("the saved world of %s can't be read; it begins anew", host.key)
                    path.replace(path.with_suffix(".broken"))
                    host.reset()
            self._saved[host.key] = host.revision

    async def run(self) -> None:
        """Until cancelled. What changed since the last save is saved by `save` afterwards."""
        while True:
            started = time.perf_counter()
            for host in self._changed():
                # Pickled here, since the world must not change meanwhile; written elsewhere, since a disk may be slow.
                revision, content = host.revision, self._content(host)
                try:
                    await asyncio.to_thread(self._write, host, content)
                    self._saved[host.key] = revision
                except OSError:
                    log.exception("the world of %s could not be saved", host.key)
            taken = time.perf_counter() - started
            await asyncio.sleep(max(SAVE_EVERY_S - taken, taken / SHARE_OF_TIME - taken))

    def save(self) -> None:
        """Save now whatever changed."""
        for host in self._changed():
            self._write(host, self._content(host))

    def _changed(self) -> list[Host]:
        return [host for host in self.sandbox if self._saved[host.key] != host.revision]

    def _content(self, host: Host) -> bytes:
        return pickle.dumps(host.snapshot(), protocol=pickle.HIGHEST_PROTOCOL)

    def _write(self, host: Host, content: bytes) -> None:
        with self._writing:  # the last save may come while an earlier one is still being written
            write_whole(self._path(host), content)

    def _path(self, host: Host) -> Path:
        return self.folder / f"{host.key}.pickle"


def write_whole(path: Path, content: bytes) -> None:
    """The file has either its old content or the new one, whenever the machine stops."""
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
