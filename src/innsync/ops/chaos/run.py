"""A whole run: set up, let people and trouble loose on it, stop, heal, settle, judge."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psycopg

from innsync.ops import processes, running
from innsync.ops.chaos import place
from innsync.ops.chaos.copy import Copy
from innsync.ops.chaos.gate import Gate
from innsync.ops.chaos.hub import Hub
from innsync.ops.chaos.plan import KINDS, make_plan
from innsync.ops.chaos.trial import ANSWERED_WITHIN_S, LOOK_EVERY_S, Options, Outcome, Watcher
from innsync.ops.chaos.trouble import Trouble
from innsync.ops.refusal import Refusal
from innsync.ops.setup import use_database
from innsync.ops.supervisor import Supervisor, last_words

if TYPE_CHECKING:
    from innsync.ops.sandbox_link import Sandbox

SANDBOX_START_LIMIT_S = 60.0
WORKERS = 2
LEAST_FOR_A_BACKUP_S = 40.0
# A small disk must not fill by itself.
_SMALL = "max_wal_size = 128MB\nmin_wal_size = 80MB\ncheckpoint_timeout = 30s\n"


@dataclass(slots=True)
class Grounds:
    """Where a run takes place. clock, disk: None where this machine has none to give."""

    folder: Path
    impossible: dict[str, str]
    clock: place.Clock | None
    disk: Path | None


def run(options: Options, watcher: Watcher) -> Outcome:
    """From the main thread alone: the processes of the run end with it. Raises Refusal when it can't begin."""
    with contextlib.ExitStack() as stack:
        grounds = stack.enter_context(_grounds())
        watcher.phase("Starting the channels and the installation")
        began = time.monotonic()
        said: list[str] = []

        def report(text: str) -> None:
            line = f"{time.monotonic() - began:7.1f} s  {text}"
            said.append(line)
            watcher.happened(line)

        sandbox_url = stack.enter_context(_sandbox(grounds.folder))
        hub = Hub(
            folder=grounds.folder,
            port=_free_port(),
            environment=_settings(grounds),
            workers=WORKERS,
            report=report,
        )
        stack.callback(hub.stop)
        hub.start()
        with running.environment_of(hub.data_dir):
            use_database()
            from innsync.ops.chaos.world import World, all_seeing

            if grounds.disk is not None:
                keep_small(hub.data_dir, all_seeing())
            incoming = stack.enter_context(contextlib.closing(Gate(_port(hub.url))))
            gates: dict[str, Gate] = {}

            def gate(vendor: str) -> str:
                gates[vendor] = stack.enter_context(contextlib.closing(Gate(_port(sandbox_url))))
                return gates[vendor].url

            def trouble(sandbox: Sandbox) -> Trouble:
                owner = os.environ["DATABASE_ADMIN_URL"]
                disk, clock = grounds.disk, grounds.clock
                return Trouble(hub, gates, incoming, owner, disk, clock, sandbox=sandbox, report=report)

            made = World.made(
                site=hub,
                sandbox_url=sandbox_url,
                gates=gate,
                webhook_base=incoming.url,
                trouble=trouble,
                report=report,
            )
            world = stack.enter_context(made)
            try:
                return _play(options, world, watcher, grounds, said)
            finally:
                if options.keep is not None:
                    shutil.copytree(hub.data_dir / "logs", options.keep, dirs_exist_ok=True)
                    shutil.copy(hub.log, options.keep)


def _play(options: Options, world: Any, watcher: Watcher, grounds: Grounds, said: list[str]) -> Outcome:
    possible = [kind for kind in KINDS if kind not in grounds.impossible and kind in (options.kinds or KINDS)]
    acts = make_plan(seed=options.seed, seconds=options.seconds, possible=possible, vendors=world.vendors)
    outcome = Outcome(options.seed, acts, grounds.impossible, {}, {}, said=said)
    clock = time.monotonic()
    world.settle(watcher, patience_s=options.patience_s)
    outcome.seconds["first full load"] = time.monotonic() - clock
    watcher.phase("People come, things break", options.seconds)
    clock = time.monotonic()
    world.open_doors(options.seed)
    left = list(acts)
    copy = Copy(hub=world.site, truth=world.truth, folder=grounds.folder, report=world.report)
    copied = options.seconds < LEAST_FOR_A_BACKUP_S
    while (passed := time.monotonic() - clock) < options.seconds:
        while left and left[0].at_s <= passed:
            act = left.pop(0)
            if act.kind != "weather":
                world.report(str(act).strip())
            world.trouble.begin(act)
        if not copied and passed > options.seconds / 3:
            copied = True
            copy.begin()
        world.site.look()
        watcher.going(world.in_words())
        time.sleep(LOOK_EVERY_S)
    watcher.phase("Healing, and letting everybody have their answer")
    world.close_doors(within_s=ANSWERED_WITHIN_S)
    outcome.seconds["until everybody was answered"] = time.monotonic() - clock - options.seconds
    watcher.phase("Letting things settle")
    clock = time.monotonic()
    world.settle(watcher, patience_s=options.patience_s)
    outcome.seconds["until nothing was under way"] = time.monotonic() - clock
    watcher.phase("Reading back what the channels hold")
    drift = world.read_back(watcher, within_s=options.patience_s)
    backlog = world.settle(watcher, patience_s=options.patience_s)
    watcher.phase("Judging")
    outcome.laws = world.judge(backlog)
    if options.seconds >= LEAST_FOR_A_BACKUP_S:
        watcher.phase("Bringing back the backup")
        outcome.laws += copy.judge(world.court)
    outcome.trail = list(world.first_trail(outcome.laws))
    outcome.done = dict(sorted(world.truth.done.items())) | {
        "cells that only the audit found": drift,
        "processes killed": world.trouble.killed,
        "starts of the supervisor": world.site.starts,
        "longest wait for an answer (ms)": round(world.truth.slowest_s * 1000),
    }
    return outcome


@contextlib.contextmanager
def _grounds() -> Iterator[Grounds]:
    folder = Path(tempfile.mkdtemp(prefix="innsync-chaos-"))
    folder.chmod(0o755)  # the database runs as another user when we run as root
    impossible: dict[str, str] = {}
    disk, clock = folder / "data", None
    try:
        disk.mkdir()
        try:
            place.small_disk(disk)
        except place.NotPossible as error:
            impossible["fill disk"] = str(error)
        try:
            clock = place.Clock(folder)
        except place.NotPossible as error:
            impossible["jump clock"] = str(error)
        yield Grounds(folder, impossible, clock, None if "fill disk" in impossible else disk)
    finally:
        place.leave_disk(disk)
        shutil.rmtree(folder, ignore_errors=True)


def _settings(grounds: Grounds) -> dict[str, str]:
    clock = grounds.clock.environment if grounds.clock is not None else {}
    return {**clock, "PYTHONWARNINGS": "ignore"}


@contextlib.contextmanager
def _sandbox(folder: Path) -> Iterator[str]:
    """The outside world: nothing is done to its process."""
    (folder / "sandbox" / "run").mkdir(parents=True)
    port = _free_port()
    supervisor = Supervisor(data_dir=folder / "sandbox", environment=os.environ, report=lambda _: None)
    try:
        supervisor.start(processes.sandbox(port=port, state=None))
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + SANDBOX_START_LIMIT_S
        while not answers_at(f"{url}/_control/vendors"):
            if not supervisor.is_up("sandbox") or time.monotonic() > deadline:
                raise Refusal(f"The sandbox did not start: {last_words(supervisor.log_of('sandbox'))}")
            time.sleep(0.05)
        yield url
    finally:
        supervisor.stop()


def answers_at(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).is_success
    except httpx.TransportError:
        return False


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def keep_small(data_dir: Path, address: str) -> None:
    """Let the database's log stay small, for a small disk."""
    cluster = (data_dir / "postgres").resolve()
    (cluster / "custom.conf").write_text(_SMALL, "utf-8")
    (cluster / "custom.conf").chmod(0o644)
    with psycopg.connect(address, autocommit=True, connect_timeout=10) as connection:
        connection.execute("SELECT pg_reload_conf()")
