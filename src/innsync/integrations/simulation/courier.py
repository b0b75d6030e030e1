"""Makes the calls that vendors want to make, and lets their time pass."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import random
import time
from collections.abc import Callable, Coroutine
from urllib.parse import urlsplit

import httpx

from innsync.integrations.simulation.host import Host, Sandbox
from innsync.integrations.simulation.requests import EXCERPT_BYTES, Seen
from innsync.integrations.simulation.world import OutgoingCall

LOOK_EVERY_S = 0.02
TICK_EVERY_S = 0.1
ANSWER_TIMEOUT_S = 10.0

log = logging.getLogger(__name__)


def is_loopback(url: str) -> bool:
    """Whether the call stays on this machine: a simulator never calls anybody else."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return False
    if parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


class Courier:
    """Runs beside the worlds in their event loop.

    Calls to one address are made one after the other, in the vendor's order, unless the vendor is set to reorder:
    then all at once. Different addresses never wait for one another.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.random = random.Random(0)  # noqa: S311 - order, not a secret
        self._lanes: dict[tuple[str, str], asyncio.Queue[OutgoingCall]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._said: set[str] = set()

    async def run(self) -> None:
        """Until cancelled; calls under way are given up then."""
        next_tick = time.monotonic()
        async with httpx.AsyncClient(trust_env=False, timeout=ANSWER_TIMEOUT_S) as client:
            try:
                while True:
                    if time.monotonic() >= next_tick:
                        next_tick = time.monotonic() + TICK_EVERY_S
                        self._each(lambda host: host.world.tick())
                    self._each(lambda host: self._collect(host, client))
                    await asyncio.sleep(LOOK_EVERY_S)
            finally:
                running = list(self._running)
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)

    def _each(self, act: Callable[[Host], None]) -> None:
        """One vendor's mistake must not stop the others; it is logged once."""
        for host in self.sandbox:
            try:
                act(host)
            except Exception as error:
                if (words := f"{host.key}: {error!r}") not in self._said:
                    self._said.add(words)
                    log.exception("the world of %s failed", host.key)

    def _collect(self, host: Host, client: httpx.AsyncClient) -> None:
        calls = list(host.world.outgoing())
        if not calls:
            return
        host.changed()
        faults = host.trouble.faults
        if faults.duplicate:
            calls = [call for call in calls for _ in range(2)]
        if faults.reorder:
            self.random.shuffle(calls)
        for call in calls:
            if faults.reorder:
                self._start(self._make(host, call, client))
            else:
                self._queue(host, call, client)

    def _queue(self, host: Host, call: OutgoingCall, client: httpx.AsyncClient) -> None:
        lane = (host.key, call.url)
        if lane not in self._lanes:
            self._lanes[lane] = asyncio.Queue()
            self._start(self._drain(host, lane, client))
        self._lanes[lane].put_nowait(call)

    async def _drain(self, host: Host, lane: tuple[str, str], client: httpx.AsyncClient) -> None:
        calls = self._lanes[lane]
        try:
            while not calls.empty():
                await self._make(host, calls.get_nowait(), client)
        finally:
            del self._lanes[lane]

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _make(self, host: Host, call: OutgoingCall, client: httpx.AsyncClient) -> None:
        started, at = time.perf_counter(), host.world.clock.now()
        status, answer, verdict = None, b"", "ok"
        if host.trouble.faults.drop_webhooks:
            verdict = "fault:drop_webhooks"
        elif not is_loopback(call.url):
            verdict = "not loopback"
        else:
            try:
                response = await client.post(call.url, content=call.body, headers=dict(call.headers))
                status, answer = response.status_code, response.content
                verdict = "ok" if response.is_success else "refused"
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                verdict = type(error).__name__
        parts = urlsplit(call.url)
        host.calls.add(
            Seen(
                id=0,
                time=at,
                method="POST",
                path=f"{parts.scheme}://{parts.netloc}{parts.path}",
                query=parts.query,
                size=len(call.body),
                status=status,
                answer_size=len(answer),
                verdict=verdict,
                duration_ms=(time.perf_counter() - started) * 1000,
                operation=call.id,
                body=call.body[:EXCERPT_BYTES],
                answer=answer[:EXCERPT_BYTES],
            )
        )
        self._report(host, call, status, answer)

    def _report(self, host: Host, call: OutgoingCall, status: int | None, answer: bytes) -> None:
        try:
            host.world.delivered(call, status, answer)
        except Exception:
            log.exception("the world of %s could not take an answer", host.key)
        host.changed()
