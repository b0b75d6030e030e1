"""The installation under trial: `innsync up` as a process, found and struck part by part."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from innsync.ops import orphans
from innsync.ops.files import open_log, tail
from innsync.ops.installation import answers
from innsync.ops.postgres import postmaster_pid
from innsync.ops.refusal import Refusal

START_LIMIT_S = 120.0
STOP_LIMIT_S = 40.0
AGAIN_AFTER_S = 1.0
# What leads to another installation.
_NOT_OURS = (
    *("DATABASE_URL", "DATABASE_ADMIN_URL", "INNSYNC_DATA_DIR", "INNSYNC_SECRET_KEY", "INNSYNC_MIGRATING"),
    *("INNSYNC_SANDBOX_URL", "INNSYNC_PUBLIC_URL", "INNSYNC_ALLOWED_HOSTS", "PROMETHEUS_MULTIPROC_DIR"),
)


class Hub:
    """To be started, watched and stopped from the main thread: its processes end with the thread that started them.

    When the supervisor ends, the next look starts it again, as the machine's own service manager would.
    """

    def __init__(
        self, *, folder: Path, port: int, environment: Mapping[str, str], workers: int, report: Callable[[str], None]
    ) -> None:
        self.data_dir = folder / "data"
        self.log = folder / "up.log"
        self.url = f"http://127.0.0.1:{port}"
        self._command = (
            *(sys.executable, "-m", "innsync.ops.cli", "up", "--data-dir", str(self.data_dir)),
            *("--port", str(port), "--workers", str(workers)),
        )
        self.environment = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
        self.environment |= {**environment, "INNSYNC_SANDBOX": "1"}
        self._report = report
        self._running: subprocess.Popen[bytes] | None = None
        self._again_at = 0.0
        self.starts = 0

    @property
    def urls(self) -> list[str]:
        """Of the web servers."""
        return [self.url]

    @property
    def logs(self) -> Path:
        return self.data_dir / "logs"

    # --- life -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start and wait until it answers. Raises Refusal."""
        self._launch()
        deadline = time.monotonic() + START_LIMIT_S
        while not answers(f"{self.url}/readyz"):
            if self._running is None or self._running.poll() is not None or time.monotonic() > deadline:
                raise Refusal(f"The installation of the run did not start: {tail(self.log).strip()[-500:]}")
            time.sleep(0.05)

    def _launch(self) -> None:
        with open_log(self.log) as log:
            self._running = subprocess.Popen(
                self._command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=orphans.die_with_parent(signal.SIGTERM),
            )
        self.starts += 1

    def look(self) -> None:
        """Start it again when it ended. Call it several times a second."""
        if self._running is None or self._running.poll() is None:
            return
        now = time.monotonic()
        if not self._again_at:
            self._report(f"the supervisor ended ({self._running.returncode}): {_last_line(self.log)}")
            self._again_at = now + AGAIN_AFTER_S
        elif now >= self._again_at:
            self._again_at = 0.0
            self._launch()

    def stop(self) -> None:
        """Ask it to end; by force when it does not. Nothing of it is left."""
        if self._running is None:
            return
        # A part that was frozen could not end.
        for process in self._family():
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.SIGCONT)
        family = self._family()
        self._running.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._running.wait(STOP_LIMIT_S)
        orphans.end_group(self._running.pid, signal.SIGKILL)
        self._running.wait()
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(family, timeout=10)
        self._running = None

    # --- its parts --------------------------------------------------------------------------------------------

    def supervisor(self) -> list[psutil.Process]:
        try:
            return [psutil.Process(self._running.pid)] if self._running is not None else []
        except psutil.Error:
            return []

    def named(self, name: str) -> list[psutil.Process]:
        """The children that the supervisor calls so, or so with a number; the processes of a server's own not among them."""
        return [process for process in self._children() if _name(process).rstrip("-0123456789") == name]

    def web_workers(self) -> list[psutil.Process]:
        """The processes that the web server keeps for itself."""
        found: list[psutil.Process] = []
        for process in self.named("web"):
            with contextlib.suppress(psutil.Error):
                found += process.children()
        return found

    def postgres(self) -> list[psutil.Process]:
        """The server and all its processes, the server first."""
        try:
            pid = postmaster_pid((self.data_dir / "postgres").resolve())
            if pid is None:
                return []
            server = psutil.Process(pid)
            return [server, *server.children()] if server.name() == "postgres" else []
        except psutil.Error:
            return []

    def _children(self) -> list[psutil.Process]:
        found: list[psutil.Process] = []
        for process in self.supervisor():
            with contextlib.suppress(psutil.Error):
                found += process.children()
        return found

    def _family(self) -> list[psutil.Process]:
        found = self.postgres()
        for process in self.supervisor():
            with contextlib.suppress(psutil.Error):
                found += [process, *process.children(recursive=True)]
        return list({process.pid: process for process in found}.values())


def _name(process: psutil.Process) -> str:
    try:
        return str(process.environ().get("INNSYNC_PROCESS", ""))
    except (psutil.Error, OSError):
        return ""


def _last_line(log: Path) -> str:
    lines = [line for line in tail(log).splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
