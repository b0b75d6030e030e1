"""A sandbox of the benchmarks' own, and a worker where one is needed."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import httpx

from innsync.ops import processes
from innsync.ops.bench.scene import Size, Stage, make
from innsync.ops.refusal import Refusal
from innsync.ops.sandbox_link import Sandbox, connect_everywhere

START_LIMIT_S = 30.0
STOP_LIMIT_S = 15.0


@dataclass(frozen=True, slots=True)
class World:
    """A property connected to every channel of a sandbox, nothing loaded yet unless a worker runs."""

    stage: Stage
    sandbox: Sandbox
    connections: dict[str, UUID]
    accounts: dict[str, UUID]


@contextlib.contextmanager
def connected(size: Size, *, vendors: list[str] | None = None, worker: bool = False) -> Iterator[World]:
    """A fresh property connected in a fresh sandbox. Without a worker nobody but the benchmark reads its queues."""
    from django.conf import settings

    from innsync.apps.accounts.tenancy import tenant

    if not settings.SANDBOX:
        raise Refusal("The hub does not talk to sandbox channels: set INNSYNC_SANDBOX=1.")
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(_sandbox())
        client = stack.enter_context(httpx.Client(timeout=60))
        sandbox = Sandbox(url, client)
        stage = make(size)
        with tenant(stage.organization_id):
            made = connect_everywhere(
                organization_id=stage.organization_id,
                sandbox=sandbox,
                built=stage.built,
                now=datetime.now(UTC),
                vendors=vendors,
                horizon_days=size.days,
            )
        world = World(
            stage,
            sandbox,
            {one.vendor: one.id for one in made},
            {one.vendor: one.account_id for one in made},
        )
        if worker:
            stack.enter_context(_worker())
        else:
            _leave_to_us(world)
        stack.callback(_leave_to_us, world)
        yield world


def _leave_to_us(world: World) -> None:
    """No schedule of these accounts and connections comes due: the sandbox is gone soon."""
    from innsync.apps.accounts.tenancy import sql

    with sql() as cursor:
        cursor.execute(
            "UPDATE distribution_schedule SET due_at = 'infinity' WHERE subject_id = ANY(%s)",
            ([*world.connections.values(), *world.accounts.values()],),
        )


@contextlib.contextmanager
def _sandbox() -> Iterator[str]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    process = processes.sandbox(port=port, state=None)
    with _running(process.command):
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            try:
                httpx.get(f"{url}/_control/vendors", timeout=5).raise_for_status()
                break
            except httpx.HTTPError as error:
                if time.monotonic() > deadline:
                    raise Refusal("The sandbox of the benchmark did not start.") from error
                time.sleep(0.1)
        yield url


@contextlib.contextmanager
def _worker() -> Iterator[None]:
    with _running(processes.workers(count=1)[0].command):
        yield


@contextlib.contextmanager
def _running(command: tuple[str, ...]) -> Iterator[None]:
    process = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_LIMIT_S)
        process.kill()


def wait_until_in_step(world: World, *, limit_s: float) -> None:
    """Until no connection has anything marked. Raises RuntimeError after the limit."""
    from innsync.apps.accounts.tenancy import sql

    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        with sql() as cursor:
            row = cursor.execute(
                "SELECT (SELECT count(*) FROM distribution_dirty WHERE connection_id = ANY(%s))"
                " + (SELECT count(*) FROM events_outbox WHERE organization_id = %s)",
                (list(world.connections.values()), world.stage.organization_id),
            ).fetchone()
        if row == (0,):
            return
        time.sleep(0.1)
    raise RuntimeError("the channels did not come in step")
