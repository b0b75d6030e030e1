"""Serves vendors' worlds over real loopback HTTP, for tests."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from innsync.integrations.simulation.app import build
from innsync.integrations.simulation.world import VendorWorld

START_LIMIT_S = 10.0
STOP_LIMIT_S = 10.0
GRACE_S = 1.0
LOOK_EVERY_S = 0.002
KEEP_S = 600  # a connection closed while idle would fail the next call on it


@contextmanager
def serve(*worlds: VendorWorld, control: bool = False) -> Iterator[str]:
    """Serve the worlds on a free port from a thread of their own; gives the base url, `http://127.0.0.1:PORT`.

    Each world answers below `/{key}`, its calls to its partner are made, and with `control` it can be driven through
    `/_control`. Its state may be looked at from the test's thread between calls.
    """
    with serve_app(build(worlds, control=control)) as url:
        yield url


@contextmanager
def serve_app(app: ASGIApp) -> Iterator[str]:
    """Serve any ASGI application on a free loopback port; requests still hanging at the end get a second to finish."""
    # asyncio switches Nagle's algorithm off only for sockets that say they are TCP; else each answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="asyncio",
        log_config=None,
        access_log=False,
        timeout_keep_alive=KEEP_S,
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="simulators", daemon=True)
    thread.start()
    try:
        if not server.serves.wait(START_LIMIT_S):
            raise RuntimeError("the simulators' server did not start")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.end()
        thread.join(STOP_LIMIT_S)
        listener.close()


class _Server(uvicorn.Server):
    """Says when it serves, and ends at once: uvicorn's own takes a fifth of a second to, and tests start hundreds."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.serves = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over = asyncio.Event()

    def end(self) -> None:
        """From any thread."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it ended by itself
                self._loop.call_soon_threadsafe(self._over.set)

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self.on_tick(0)  # writes the date that answers bear
        self.serves.set()
        while not self.should_exit:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), timeout=1)
            await self.on_tick(0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._last_answers(), timeout=GRACE_S)
        for task in self.server_state.tasks:
            task.cancel()
        await self.lifespan.shutdown()

    async def _last_answers(self) -> None:
        while self.server_state.connections or self.server_state.tasks:
            await asyncio.sleep(LOOK_EVERY_S)
