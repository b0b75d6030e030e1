"""A backup made in the middle of it all, brought back elsewhere and judged as well."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from innsync.ops.chaos.hub import Hub
from innsync.ops.chaos.model import Held, Truth
from innsync.ops.files import tail
from innsync.ops.postgres import EmbeddedPostgres

if TYPE_CHECKING:
    from innsync.ops.chaos.laws import Court, Law

TRIES = 10
AGAIN_S = 1.0
LIMIT_S = 120.0


class Copy:
    """Begun once, while people come; judged in the end. To be judged from the main thread."""

    def __init__(self, *, hub: Hub, truth: Truth, folder: Path, report: Callable[[str], None]) -> None:
        self._hub = hub
        self._truth = truth
        self._file = folder / "backup.dump"
        self._restored = folder / "restored"
        self._log = folder / "backup.log"
        self._report = report
        self._before: dict[str, Held] = {}
        self._after: dict[str, Held] = {}
        self._done = False
        self._thread = threading.Thread(target=self._take, name="backup", daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def _standing(self) -> dict[str, Held]:
        return {one.name: one.held for one in self._truth.standing() if one.may_hold is None}

    def _take(self) -> None:
        """Again where the database was away in the midst of it, as whoever makes backups does."""
        for _ in range(TRIES):
            self._before = self._standing()
            if self._run("backup", str(self._file), "--data-dir", str(self._hub.data_dir)):
                self._after = self._standing()
                self._done = True
                self._report("a backup is made")
                return
            time.sleep(AGAIN_S)

    def _run(self, *words: str) -> bool:
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "innsync.ops.cli", *words]
            done = subprocess.run(
                command, env=self._hub.environment, stdout=log, stderr=log, timeout=LIMIT_S, check=False
            )
        return done.returncode == 0

    def judge(self, court: Callable[[Any], Court]) -> list[Law]:
        """court: made for a database session. What was promised before the backup began and stayed so until it was made
        must be in it."""
        from innsync.ops.chaos.laws import Law

        made = Law("a backup made meanwhile is brought back", 1)
        self._thread.join(LIMIT_S)
        if not self._done:
            made.breaks(f"no backup was made: {tail(self._log).strip()[-300:]}")
            return [made]
        self._restored.mkdir()
        self._restored.chmod(0o755)
        if not self._run("restore", str(self._file), "--data-dir", str(self._restored / "data")):
            made.breaks(f"it could not be restored: {tail(self._log).strip()[-300:]}")
            return [made]
        lasting = {
            name: held
            for name, held in self._before.items()
            if self._after.get(name) == held and self._truth.promises[name].seller == "direct"
        }
        with EmbeddedPostgres(self._restored / "data") as server, server.connect() as database:
            return [made, *court(database).judge_copy(lasting)]
