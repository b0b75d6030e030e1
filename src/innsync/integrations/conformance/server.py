"""Serves vendors' worlds over real loopback HTTP, for tests."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from innsync.integrations.simulation.app import build
from innsync.integrations.simulation.world import VendorWorld

START_LIMIT_S = 10.0
STOP_LIMIT_S = 10.0
GRACE_S = 1
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
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=KEEP_S,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="simulators", daemon=True)
    thread.start()
    try:
        _wait_for_start(server, thread)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(STOP_LIMIT_S)
        listener.close()


def _wait_for_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the simulators' server did not start")
        time.sleep(0.002)
