"""Keeps the processes of one installation running, and ends all of them whatever happens.

Each child leads a process group of its own, so that Ctrl-C reaches only the supervisor and no grandchild is left. The kernel ends
the children when the supervisor is killed; what survives even that is in the list of processes, which the next start clears.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from innsync.ops import orphans
from innsync.ops.files import open_log, tail, write_private
from innsync.ops.processes import Process, StopOrder
from innsync.ops.signals import undisturbed

GRACE_S = 12.0
# A child that lived this long was well: when it dies, it starts again at once.
WELL_AFTER_S = 20.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
LOG_LIMIT_BYTES = 50_000_000

Report = Callable[[str], None]


@dataclass(slots=True)
class Child:
    """A process, and how it fares."""

    process: Process
    running: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    early_deaths: int = 0
    start_again_at: float | None = None


def pause_before_restart(early_deaths: int) -> float:
    """Seconds to wait: none for a first death, then twice as long each time, to half a minute."""
    if early_deaths == 0:
        return 0.0
    return float(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (early_deaths - 1)))


class Supervisor:
    """Starts, watches, restarts and stops processes. To be used from the main thread alone."""

    def __init__(self, *, data_dir: Path, environment: Mapping[str, str], report: Report) -> None:
        self.environment = dict(environment)
        self._logs = data_dir / "logs"
        self._list = data_dir / "run" / "processes.json"
        self._report = report
        self._children: list[Child] = []

    def log_of(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def start(self, process: Process) -> None:
        child = Child(process)
        self._children.append(child)
        self._launch(child)

    def is_up(self, name: str) -> bool:
        """Whether the process of that name runs and has not died since it was started."""
        return any(
            child.process.name == name and child.early_deaths == 0 and child.running and child.running.poll() is None
            for child in self._children
        )

    def _launch(self, child: Child) -> None:
        log = self.log_of(child.process.name)
        with open_log(log) as output, undisturbed():
            child.running = subprocess.Popen(
                child.process.command,
                env={**self.environment, **child.process.environment, "INNSYNC_PROCESS": child.process.name},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=orphans.die_with_parent(child.process.when_orphaned),
            )
        child.began = time.monotonic()
        child.start_again_at = None
        # On a full disk all goes on; should we be killed then, too, the next start can't clear what is left.
        with contextlib.suppress(OSError):
            self._write_list()

    # --- watching ---------------------------------------------------------------------------------------------

    def look(self) -> None:
        """See who died, and start again those whose pause is over. Call it several times a second."""
        now = time.monotonic()
        for child in self._children:
            if child.running is not None and (code := child.running.poll()) is not None:
                self._bury(child, code=code, now=now)
            if child.start_again_at is not None and now >= child.start_again_at:
                self._try_again(child, now)

    def _try_again(self, child: Child, now: float) -> None:
        """Start it; where the machine does not let us, later."""
        try:
            self._launch(child)
        except OSError as error:
            child.early_deaths += 1
            pause = pause_before_restart(child.early_deaths)
            child.start_again_at = now + pause
            name, why = child.process.name, error.strerror or error
            self._report(f"{name} can't be started ({why}); it is tried again in {pause:.1f} s.")

    def _bury(self, child: Child, *, code: int, now: float) -> None:
        assert child.running is not None
        # A server's own workers may still hold its port.
        orphans.end_group(child.running.pid, signal.SIGKILL)
        child.running = None
        pause = pause_before_restart(child.early_deaths)
        child.early_deaths = 0 if now - child.began >= WELL_AFTER_S else child.early_deaths + 1
        child.start_again_at = now + pause
        log = self.log_of(child.process.name)
        self._report(
            f"{child.process.name} {ending(code)}; it starts again {f'in {pause:.1f} s' if pause else 'now'}."
            f" Its log, {log}, ends: {last_words(log)}"
        )

    def trim_logs(self) -> None:
        """Move a log that has grown too large aside. Children append, so the file itself can be emptied under them."""
        for log in self._logs.glob("*.log"):
            if log.stat().st_size > LOG_LIMIT_BYTES:
                older = log.with_suffix(".log.1")
                with contextlib.suppress(OSError):  # on a full disk it is emptied all the same
                    shutil.copyfile(log, older)
                    older.chmod(0o600)
                os.truncate(log, 0)

    # --- ending -----------------------------------------------------------------------------------------------

    def stop(self, *, grace_s: float = GRACE_S) -> None:
        """End all children, in their order: politely, then by force."""
        for order in StopOrder:
            group = [child for child in self._children if child.process.stop_order is order]
            self._end([child.running for child in group if child.running is not None], grace_s=grace_s)
        self._children.clear()
        self._list.unlink(missing_ok=True)

    def _end(self, running: list[subprocess.Popen[bytes]], *, grace_s: float) -> None:
        for child in running:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        orphans.wait_all(running, timeout_s=grace_s)
        for child in running:
            orphans.end_group(child.pid, signal.SIGKILL)
            child.wait()

    def _write_list(self) -> None:
        alive = [child.running.pid for child in self._children if child.running is not None]
        entries = [{"pid": pid, "started": orphans.started_at(pid)} for pid in alive]
        write_private(self._list, json.dumps(entries))


def clear_leftovers(data_dir: Path, *, patience_s: float = 5.0) -> int:
    """End the process groups that an earlier supervisor listed and left. Answers how many there were."""
    listed = data_dir / "run" / "processes.json"
    try:
        entries = json.loads(listed.read_text("utf-8"))
        left = [entry["pid"] for entry in entries if _is_same(entry["pid"], entry["started"])]
    except (OSError, ValueError, TypeError, KeyError):  # none, or half written
        left = []
    for group in left:
        orphans.end_group(group, signal.SIGTERM)
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and not all(map(orphans.group_is_gone, left)):
        time.sleep(0.05)
    for group in left:
        orphans.end_group(group, signal.SIGKILL)
    listed.unlink(missing_ok=True)
    return len(left)


def _is_same(pid: int, started: float | None) -> bool:
    """Whether the group is still the one that was listed: a process id may have been given away since."""
    now_started = orphans.started_at(pid)
    if now_started is None:  # the leader is gone; its number stays reserved while its group lives
        return not orphans.group_is_gone(pid)
    return started is not None and abs(now_started - started) < 1.0


def ending(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def last_words(log: Path) -> str:
    lines = [line for line in tail(log).splitlines() if line.strip()]
    return lines[-1][:500] if lines else "(empty)"
