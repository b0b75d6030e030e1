"""A sandbox of the benchmarks' own, and the hub's processes where they are needed."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx

from innsync.ops import processes, shared_counts
from innsync.ops.bench import bare_server
from innsync.ops.bench.scene import Stage
from innsync.ops.installation import answers
from innsync.ops.portfolio import Built, find
from innsync.ops.processes import Process
from innsync.ops.refusal import Refusal
from innsync.ops.sandbox_link import Sandbox, connect_everywhere
from innsync.ops.supervisor import Supervisor, last_words

START_LIMIT_S = 60.0
# As `innsync up` starts them when nothing else is said.
WORKERS = 2


@dataclass(slots=True)
class Hub:
    """The web server and the workers, as `innsync up` runs them. url: of the web server."""

    url: str
    supervisor: Supervisor

    def stop(self) -> None:
        self.supervisor.stop()


@dataclass(frozen=True, slots=True)
class Home:
    """A property and its connections by vendor."""

    built: Built
    connections: dict[str, UUID]

    @property
    def code(self) -> str:
        return self.built.property.code


@dataclass(frozen=True, slots=True)
class World:
    """Properties connected to every channel of a sandbox, nothing loaded yet unless a hub runs. The first is the stage's own."""

    stage: Stage
    sandbox: Sandbox
    homes: list[Home]
    accounts: dict[str, UUID]

    @property
    def connections(self) -> dict[str, UUID]:
        """Of the stage's own property."""
        return self.homes[0].connections


@contextlib.contextmanager
def connected(
    stage: Stage,
    *,
    vendors: list[str] | None = None,
    hub_url: str = "",
    properties: int = 1,
    horizon_days: int | None = None,
) -> Iterator[World]:
    """The property, and some of its neighbours, connected in a fresh sandbox.

    Until a hub runs, nobody but the benchmark reads its queues. hub_url: to which channels that announce their bookings
    do so. horizon_days: how far the channels are told; the whole calendar where nothing is said.
    """
    from innsync.apps.accounts.tenancy import tenant

    with _sandbox() as url, httpx.Client(timeout=60, limits=httpx.Limits(max_connections=64)) as client:
        sandbox, homes, accounts = Sandbox(url, client), [], {}
        for built in _properties(stage, properties):
            with tenant(stage.organization_id):
                made = connect_everywhere(
                    organization_id=stage.organization_id,
                    sandbox=sandbox,
                    built=built,
                    now=datetime.now(UTC),
                    vendors=vendors,
                    horizon_days=horizon_days or stage.size.days,
                    webhook_base=hub_url,
                )
            homes.append(Home(built, {one.vendor: one.id for one in made}))
            accounts = {one.vendor: one.account_id for one in made}
        yield World(stage, sandbox, homes, accounts)


def _properties(stage: Stage, count: int) -> list[Built]:
    """The stage's own, and as many of its neighbours as there are, up to so many in all."""
    from innsync.apps.accounts.tenancy import tenant

    own = stage.built.property.code
    with tenant(stage.organization_id):
        return [stage.built, *find(codes=[f"{own}-{number}" for number in range(1, min(count, stage.properties))])]


@contextlib.contextmanager
def running_hub(url: str) -> Iterator[Hub]:
    """Web server and workers on the run's own database. Raises Refusal when they do not start."""
    supervisor = _supervisor("hub", INNSYNC_PUBLIC_URL=url)
    try:
        port = int(url.rpartition(":")[2])
        web = processes.web(port=port, environment=shared_counts.begin(folder("hub")))
        supervisor.start(web)
        for worker in processes.workers(count=WORKERS):
            supervisor.start(worker)
        _wait_for(supervisor, "web", f"{url}/healthz")
        yield Hub(url, supervisor)
    finally:
        supervisor.stop()


@contextlib.contextmanager
def running_workers() -> Iterator[None]:
    """The workers alone, as `innsync up` runs them."""
    supervisor = _supervisor("workers")
    try:
        for worker in processes.workers(count=WORKERS):
            supervisor.start(worker)
        yield
    finally:
        supervisor.stop()


@contextlib.contextmanager
def running(name: str, process: Process, answers_at: str, **environment: str) -> Iterator[None]:
    """One process on the run's own database, until it answers there. Raises Refusal when it does not."""
    supervisor = _supervisor(name, **environment)
    try:
        supervisor.start(process)
        _wait_for(supervisor, process.name, answers_at)
        yield
    finally:
        supervisor.stop()


@contextlib.contextmanager
def running_bare_server(size: int) -> Iterator[str]:
    """The web server, as `innsync up` runs it, that answers so many bytes to everything. Where it is."""
    url = free_url()
    web = processes.web(port=int(url.rpartition(":")[2]), environment={bare_server.SIZE: str(size)})
    ours = "innsync.config.server:application"
    command = tuple(f"{bare_server.__name__}:application" if word == ours else word for word in web.command)
    with running("bare", replace(web, name="bare", command=command), url):
        yield url


def free_url() -> str:
    """An address of this machine at which nothing answers yet."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{found.getsockname()[1]}"


@contextlib.contextmanager
def _sandbox() -> Iterator[str]:
    url = free_url()
    supervisor = _supervisor("channels")
    try:
        supervisor.start(processes.sandbox(port=int(url.rpartition(":")[2]), state=None))
        _wait_for(supervisor, "sandbox", f"{url}/_control/vendors")
        yield url
    finally:
        supervisor.stop()


def _supervisor(name: str, **environment: str) -> Supervisor:
    return Supervisor(data_dir=folder(name), environment={**os.environ, **environment}, report=_report)


def folder(name: str) -> Path:
    """Below the run's own folder, which goes with it."""
    found = Path(os.environ["INNSYNC_DATA_DIR"]) / name
    (found / "run").mkdir(parents=True, exist_ok=True)
    return found


def _report(sentence: str) -> None:
    print(f"innsync: {sentence}", file=sys.stderr, flush=True)


def _wait_for(supervisor: Supervisor, name: str, url: str) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not answers(url):
        supervisor.look()
        if not supervisor.is_up(name) or time.monotonic() > deadline:
            raise Refusal(f"The {name} process of the benchmark did not start: {last_words(supervisor.log_of(name))}")
        time.sleep(0.05)


def wait_until_in_step(world: World, *, limit_s: float) -> None:
    """Until no connection has anything marked. Raises Refusal after the limit."""
    from innsync.apps.accounts.tenancy import sql

    connections = [one for home in world.homes for one in home.connections.values()]
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        with sql() as cursor:
            row = cursor.execute(
                "SELECT (SELECT count(*) FROM distribution_dirty WHERE connection_id = ANY(%s))"
                " + (SELECT count(*) FROM events_outbox WHERE organization_id = %s)",
                (connections, world.stage.organization_id),
            ).fetchone()
        if row == (0,):
            return
        time.sleep(0.1)
    raise Refusal(f"The channels did not come in step in {limit_s:.0f} s.")
