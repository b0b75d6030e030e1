"""The sandbox as one ASGI application: every vendor's protocol below its key, the control interface, and a page.

Run by `granian --interface asgi innsync.integrations.simulation.app:application` in one process with one event loop:
all of the vendors' code runs in that one thread. `INNSYNC_SANDBOX_STATE` names the folder where the worlds are kept
over a restart; without it they begin anew.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import os
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount

from innsync.integrations.manifest import manifests
from innsync.integrations.simulation.control import Control
from innsync.integrations.simulation.courier import Courier
from innsync.integrations.simulation.host import Sandbox
from innsync.integrations.simulation.page import Page
from innsync.integrations.simulation.persistence import Keeper
from innsync.integrations.simulation.problems import Problem, on_problem, on_refused
from innsync.integrations.simulation.world import Clock, Refused, VendorWorld

STATE_FOLDER = "INNSYNC_SANDBOX_STATE"


def build(worlds: Iterable[VendorWorld], *, control: bool = True, state_folder: Path | None = None) -> Starlette:
    """The application of these worlds. Without `control` only the vendors' own protocols are served."""
    sandbox = Sandbox(worlds)
    routes: list[BaseRoute] = [*Control(sandbox).routes(), *Page(sandbox).routes()] if control else []
    routes += [Mount(f"/{host.key}", app=host.app()) for host in sandbox]
    app = Starlette(
        routes=routes,
        exception_handlers={Problem: on_problem, Refused: on_refused},
        lifespan=lambda _: _living(sandbox, state_folder),
    )
    app.state.sandbox = sandbox
    return app


@asynccontextmanager
async def _tasks(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    running = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@asynccontextmanager
async def _living(sandbox: Sandbox, state_folder: Path | None) -> AsyncIterator[None]:
    """While the application serves: time passes, calls go out, worlds are saved."""
    courier = Courier(sandbox)
    if state_folder is None:
        async with _tasks(courier.run()):
            yield
        return
    keeper = Keeper(sandbox, state_folder)
    keeper.restore()
    try:
        async with _tasks(courier.run(), keeper.run()):
            yield
    finally:
        keeper.save()


def installed_worlds(clock: Clock) -> list[VendorWorld]:
    """A world of every installed adapter that brings a simulator, sharing one clock, by name of the vendor."""
    found = []
    for manifest in sorted(manifests().values(), key=lambda manifest: manifest.name):
        name = f"{manifest.package}.simulator"
        if importlib.util.find_spec(name) is not None:
            found.append(importlib.import_module(name).WORLD(clock))
    return found


def __getattr__(name: str) -> Any:
    """`application` is made when a server asks for it, not when this module is imported."""
    if name == "application":
        folder = os.environ.get(STATE_FOLDER)
        return build(installed_worlds(Clock()), state_folder=Path(folder) if folder else None)
    raise AttributeError(name)
