"""Doing what the plan says, and taking it back."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from innsync.ops.chaos import place
from innsync.ops.chaos.acting import Acting
from innsync.ops.chaos.gate import Ambush, Gate
from innsync.ops.chaos.hub import Hub
from innsync.ops.chaos.plan import Act

CONNECTIONS_AT_MOST = 400


@dataclass(slots=True)
class Trouble(Acting):
    """What is done to an installation. disk: where the installation's own small disk is, if it has one; clock likewise.

    address: a login that may connect to the run's database.
    """

    hub: Hub
    gates: Mapping[str, Gate]
    incoming: Gate
    address: str
    disk: Path | None
    clock: place.Clock | None

    def _mend(self) -> None:
        for gate in [*self.gates.values(), self.incoming]:
            gate.ambush = None
            gate.set("open")
        if self.clock is not None:
            self.clock.move(0)
        if self.disk is not None:
            (self.disk / "ballast").unlink(missing_ok=True)
        self._signal(self.hub.postgres(), signal.SIGCONT)
        self._signal(self.hub.named("worker"), signal.SIGCONT)

    # --- blows ------------------------------------------------------------------------------------------------

    def _kill_worker(self, act: Act) -> None:
        self._kill(self._some(self.hub.named("worker"), act))

    def _kill_web(self, act: Act) -> None:
        self._kill(self.hub.named("web"))

    def _kill_web_worker(self, act: Act) -> None:
        self._kill(self.hub.web_workers()[:1])

    def _kill_supervisor(self, act: Act) -> None:
        self._kill(self.hub.supervisor())

    def _kill_postgres(self, act: Act) -> None:
        self._kill(self.hub.postgres()[:1])

    def _kill_backend(self, act: Act) -> None:
        """One session's process: the server ends all others and recovers."""
        self._kill(self.hub.postgres()[-1:])

    def _freeze_worker(self, act: Act) -> None:
        self._freeze(self._some(self.hub.named("worker"), act), act)

    def _freeze_postgres(self, act: Act) -> None:
        """As a storage that hangs, or a network that drops everything: nothing fails, nothing answers."""
        self._freeze(self.hub.postgres(), act)

    @staticmethod
    def _some(processes: list[psutil.Process], act: Act) -> list[psutil.Process]:
        return processes if act.detail.get("which") == "all" else processes[:1]

    def _kill(self, processes: Iterable[psutil.Process]) -> None:
        self.killed += self._signal(processes, signal.SIGKILL)

    @staticmethod
    def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> int:
        hit = 0
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)
                hit += 1
        return hit

    def _freeze(self, processes: list[psutil.Process], act: Act) -> None:
        self._signal(processes, signal.SIGSTOP)
        self._wait(act)
        self._signal(processes, signal.SIGCONT)

    # --- the ways between -------------------------------------------------------------------------------------

    def _kill_at_answer(self, act: Act) -> None:
        """The worker that a vendor has just answered dies before, or right after, it could read the answer."""
        gate = self.gates[act.detail["vendor"]]
        sprung = threading.Event()

        def spring(port: int) -> None:
            self._kill(process for process in self.hub.named("worker") if _calls_from(process, port))
            sprung.set()

        gate.ambush = Ambush(answer=act.detail["answer"], told=act.detail["told"], spring=spring)
        deadline = time.monotonic() + act.lasts_s
        while not sprung.wait(0.05) and time.monotonic() < deadline and not self._over.is_set():
            pass
        gate.ambush = None
        if not sprung.is_set():
            self.report(f"{act.detail['vendor']} answered nothing meanwhile")

    def _cut_vendors(self, act: Act) -> None:
        cut = [self.gates[vendor] for vendor in act.detail["vendors"]]
        # Webhooks come the other way, over the same network.
        cut += [self.incoming] if len(cut) == len(self.gates) else []
        for gate in cut:
            gate.set(act.detail["how"])
        self._wait(act)
        for gate in cut:
            gate.set("open")

    # --- what all share ---------------------------------------------------------------------------------------

    def _take_connections(self, act: Act) -> None:
        """All that the server has left to give."""
        with contextlib.ExitStack() as taken:
            with contextlib.suppress(psycopg.OperationalError):
                for _ in range(CONNECTIONS_AT_MOST):
                    taken.enter_context(contextlib.closing(psycopg.connect(self.address, connect_timeout=5)))
            self._wait(act)

    def _lock_bookings(self, act: Act) -> None:
        """A statement of somebody else's that holds up every booking, until all connections of the web server wait."""
        with psycopg.connect(self.address, connect_timeout=5) as connection:
            connection.execute("LOCK TABLE reservations_booking IN ACCESS EXCLUSIVE MODE")
            self._wait(act)
            connection.rollback()

    def _fill_disk(self, act: Act) -> None:
        assert self.disk is not None, "no such act is planned where there is none"
        ballast = place.fill(self.disk)
        try:
            self._wait(act)
        finally:
            ballast.unlink(missing_ok=True)

    def _jump_clock(self, act: Act) -> None:
        assert self.clock is not None, "no such act is planned where there is none"
        self.clock.move(act.detail["by_s"])
        self._wait(act)
        self.clock.move(0)


def _calls_from(process: psutil.Process, port: int) -> bool:
    try:
        return any(one.laddr and one.laddr.port == port for one in process.net_connections("tcp4"))
    except (psutil.Error, OSError):
        return False
