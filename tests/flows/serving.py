"""The web server as `innsync up` runs it, on the tests' database."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator

import httpx
import pytest

from innsync.integrations.conformance.loopback import free_port
from innsync.ops import processes


class Start:
    """Called with settings it starts a server and answers its address."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._started: list[subprocess.Popen[bytes]] = []

    def __call__(self, **settings: str) -> str:
        address = f"http://127.0.0.1:{(port := free_port())}"
        environment = {**os.environ, "PYTHONWARNINGS": "ignore", "DATABASE_URL": self._database, **settings}
        command = processes.web(port=port, environment={}).command
        self._started.append(subprocess.Popen(command, env=environment))
        for _ in range(600):
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{address}/healthz").status_code == 200:
                    return address
            time.sleep(0.1)
        raise AssertionError("it never answered")

    def ask_to_end(self) -> None:
        for process in self._started:
            process.terminate()

    def end(self) -> None:
        """Raises TimeoutExpired when one doesn't."""
        self.ask_to_end()
        for process in self._started:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


@pytest.fixture
def start(database: str) -> Iterator[Start]:
    servers = Start(database)
    yield servers
    servers.end()
