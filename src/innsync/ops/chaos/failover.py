"""A primary that is lost under load, with machines cut off and workers killed before it: nothing promised may be missing."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from innsync.ops import processes
from innsync.ops.chaos import machines
from innsync.ops.chaos.acting import Acting
from innsync.ops.chaos.cluster import Cluster
from innsync.ops.chaos.machines import HERE, Machine
from innsync.ops.chaos.plan import Act, weather
from innsync.ops.chaos.run import answers_at
from innsync.ops.chaos.trial import ANSWERED_WITHIN_S, LOOK_EVERY_S, Options, Outcome, Watcher
from innsync.ops.postgres_settings import APPLICATION, OWNER
from innsync.ops.refusal import Refusal
from innsync.ops.setup import use_database

if TYPE_CHECKING:
    from innsync.ops.sandbox_link import Sandbox

NAMES = ("db1", "db2", "app1", "app2")
SANDBOX_PORT = 8090
LEAST_S = 20.0
BACK_WITHIN_S = 10.0
CUT_S = 4.0
NOTICED_AFTER_S = 1.0
"""How long the run takes to see that the primary is lost; a person takes longer, and Patroni as long as it is told to."""


def run(options: Options, watcher: Watcher) -> Outcome:
    """To be called inside (see `machines`). Raises Refusal when it can't begin."""
    with contextlib.ExitStack() as stack:
        watcher.phase("Laying out machines and starting them")
        folder = Path(tempfile.mkdtemp(prefix="innsync-chaos-"))
        folder.chmod(0o755)  # the databases run as another user
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        began = time.monotonic()
        said: list[str] = []

        def report(text: str) -> None:
            said.append(f"{time.monotonic() - began:7.1f} s  {text}")
            watcher.happened(said[-1])

        cluster = Cluster(folder=folder, machines=machines.lay_out(NAMES), report=report)
        stack.callback(cluster.stop)
        cluster.start_databases()
        sandbox_url = stack.enter_context(_sandbox(folder))
        cluster.start_nodes()
        os.environ.update(cluster.environment(cluster.nodes[0]))
        os.environ["INNSYNC_DATA_DIR"] = str(folder / "here")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "innsync.config.settings")
        os.environ |= {"DATABASE_URL": cluster.url(APPLICATION), "DATABASE_ADMIN_URL": cluster.url(OWNER)}
        use_database()
        from innsync.ops.chaos.world import World

        losses: list[Losses] = []

        def trouble(sandbox: Sandbox) -> Losses:
            losses.append(Losses(cluster, sandbox=sandbox, report=report))
            return losses[0]

        made = World.made(
            site=cluster,
            sandbox_url=sandbox_url,
            gates=lambda _: sandbox_url,
            webhook_base="",
            trouble=trouble,
            report=report,
        )
        world = stack.enter_context(made)
        try:
            return _play(options, world, losses[0], watcher, said)
        finally:
            if options.keep is not None:
                shutil.copytree(
                    folder, options.keep, dirs_exist_ok=True, ignore=lambda at, names: _no_log(Path(at), names)
                )


def _no_log(at: Path, names: list[str]) -> list[str]:
    return [
        name
        for name in names
        if not ((at / name).is_dir() and name not in ("db1", "db2")) and not name.endswith(".log")
    ]


def make_plan(options: Options, vendors: list[str]) -> list[Act]:
    """Smaller losses first, the primary's in the middle, and time to go on after it."""
    chance = random.Random(f"{options.seed}:failover")  # noqa: S311 - chance, not a secret
    middle = options.seconds * 0.45
    apart = ["cut app1", "cut app2", "kill workers", "cut the standby"]
    chance.shuffle(apart)
    room = max(1.0, (middle - 2.0) / 2)
    acts = [Act(round(1.0 + index * room, 1), kind, CUT_S) for index, kind in enumerate(apart[:2])]
    how = chance.choice(("kill", "cut"))
    acts.append(Act(round(middle + CUT_S, 1), "lose the primary", 0.0, {"how": how}))
    return sorted([*acts, *weather(options.seed, options.seconds, vendors)], key=lambda act: act.at_s)


def _play(options: Options, world: Any, losses: Losses, watcher: Watcher, said: list[str]) -> Outcome:
    if options.seconds < LEAST_S:
        raise Refusal(f"A failover takes at least {LEAST_S / 60:.1f} minutes: say so with --minutes.")
    acts = make_plan(options, world.vendors)
    outcome = Outcome(options.seed, acts, {}, {}, {}, said=said)
    world.settle(watcher, patience_s=options.patience_s)
    watcher.phase("People come, the primary is lost", options.seconds)
    clock = time.monotonic()
    world.open_doors(options.seed)
    left = list(acts)
    while (passed := time.monotonic() - clock) < options.seconds:
        while left and left[0].at_s <= passed:
            act = left.pop(0)
            if act.kind != "weather":
                world.report(str(act).strip())
            world.trouble.begin(act)
        world.site.look()
        watcher.going(world.in_words())
        time.sleep(LOOK_EVERY_S)
    watcher.phase("Letting everybody have their answer")
    world.close_doors(within_s=ANSWERED_WITHIN_S)
    watcher.phase("Letting things settle")
    clock = time.monotonic()
    world.settle(watcher, patience_s=options.patience_s)
    drift = world.read_back(watcher, within_s=options.patience_s)
    backlog = world.settle(watcher, patience_s=options.patience_s)
    outcome.seconds["until nothing was under way"] = time.monotonic() - clock
    watcher.phase("Judging")
    outcome.laws = [*world.judge(backlog), _back_in_time(world, losses, outcome)]
    outcome.trail = list(world.first_trail(outcome.laws))
    outcome.done = dict(sorted(world.truth.done.items())) | {
        "cells that only the audit found": drift,
        "processes killed": world.trouble.killed,
        "starts of supervisors": world.site.starts,
        "longest wait for an answer (ms)": round(world.truth.slowest_s * 1000),
    }
    return outcome


def _back_in_time(world: Any, losses: Losses, outcome: Outcome) -> Any:
    """From the loss to the first answer to a question that was asked after it."""
    from innsync.ops.chaos.laws import Law

    law = Law(f"after the primary is lost, service is back within {BACK_WITHIN_S:.0f} s", 1)
    first = world.truth.first_answer_after(losses.lost_at) if losses.lost_at else None
    if first is None:
        law.breaks("nothing was answered any more")
        return law
    took = first - losses.lost_at
    outcome.seconds["from the loss of the primary to the first answer"] = took
    if took > BACK_WITHIN_S:
        law.breaks(f"the first answer came after {took:.1f} s")
    return law


@dataclass(slots=True)
class Losses(Acting):
    """What is done to the machines."""

    cluster: Cluster
    lost_at: float = 0.0

    def _mend(self) -> None:
        for node in self.cluster.nodes:
            node.machine.mend()

    def _cut_app1(self, act: Act) -> None:
        self._cut(self.cluster.nodes[0].machine, act)

    def _cut_app2(self, act: Act) -> None:
        self._cut(self.cluster.nodes[1].machine, act)

    def _cut_the_standby(self, act: Act) -> None:
        """Commits wait for it meanwhile; none is confirmed that only the primary has."""
        self._cut(self.cluster.standby.machine, act)

    def _cut(self, machine: Machine, act: Act) -> None:
        machine.cut()
        self._wait(act)
        machine.mend()

    def _kill_workers(self, act: Act) -> None:
        for node in self.cluster.nodes:
            for process in self.cluster.workers(node):
                with contextlib.suppress(psutil.Error):
                    process.kill()
                    self.killed += 1

    def _lose_the_primary(self, act: Act) -> None:
        self.lost_at = time.monotonic()
        if act.detail["how"] == "cut":
            self.cluster.primary.machine.cut()
        else:
            self.killed += self.cluster.primary.kill()
        time.sleep(NOTICED_AFTER_S)
        self.cluster.promote()
        self.report("the standby is promoted")


@contextlib.contextmanager
def _sandbox(folder: Path) -> Iterator[str]:
    """The outside world, at our own address."""
    found = processes.sandbox(port=SANDBOX_PORT, state=None)
    command = [HERE if word == "127.0.0.1" else word for word in found.command]
    import subprocess

    with (folder / "sandbox.log").open("wb") as log:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    url = f"http://{HERE}:{SANDBOX_PORT}"
    try:
        deadline = time.monotonic() + 60
        while not answers_at(f"{url}/_control/vendors"):
            if server.poll() is not None or time.monotonic() > deadline:
                raise Refusal("The sandbox of the run did not start.")
            time.sleep(0.05)
        yield url
    finally:
        machines.end(server)
