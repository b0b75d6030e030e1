"""Many followers of `/ws/events` in a process of their own: when each heard what, cut off and back again meanwhile."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import multiprocessing
import os
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

TEXT, CLOSE = 1, 8
KNOCKS_AT_ONCE = 100
AGAIN_S = 0.2
START_LIMIT_S = 120.0
# How long after the last event somebody may still hear of it.
LAST_WORDS_S = 10.0


@dataclass(slots=True)
class Heard:
    """By all followers together. lost: events that somebody did not hear; twice: that somebody heard again.

    waits_ms: from the commit to the follower, before anybody was cut off; after_ms: from then on, leaving out what waited for
    a follower that was away. came_back: how often.
    """

    followers: int
    waits_ms: list[float]
    after_ms: list[float]
    lost: int
    twice: int
    came_back: int


class Followers:
    """Started, all connected, when made. Each is to hear events whose data are {"number", "at"}, numbered from 0."""

    def __init__(self, url: str, cookies: Sequence[str], count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._commands, self._answers = context.Queue(), context.Queue()
        self._process = context.Process(
            target=_run, args=(url, list(cookies), count, self._commands, self._answers), daemon=True
        )
        self._process.start()
        self._expect("connected")

    def storm(self) -> None:
        """All are cut off at once, and come back with the last that they heard."""
        self._commands.put("storm")
        self._expect("cut off")

    def end(self, events: int) -> Heard:
        """What they heard of that many events, once all heard them or time is over."""
        self._commands.put(events)
        found = self._answers.get(timeout=START_LIMIT_S)
        if isinstance(found, str):
            raise RuntimeError(found)
        assert isinstance(found, Heard)
        return found

    def stop(self) -> None:
        self._process.terminate()
        self._process.join(5)

    def _expect(self, word: str) -> None:
        said = self._answers.get(timeout=START_LIMIT_S)
        if said != word:
            raise RuntimeError(f"the followers said: {said}")


@dataclass(slots=True)
class _Follower:
    cookie: str
    last: str = ""
    numbers: list[int] = field(default_factory=list)
    waits_ms: list[float] = field(default_factory=list)
    after_ms: list[float] = field(default_factory=list)
    line: _Line | None = None
    came_back: int = 0
    since: float = 0.0


def _run(url: str, cookies: list[str], count: int, commands: Any, answers: Any) -> None:
    try:
        asyncio.run(_follow_all(url, cookies, count, commands, answers))
    except Exception as error:
        answers.put(f"{type(error).__name__}: {error}")


async def _follow_all(url: str, cookies: list[str], count: int, commands: Any, answers: Any) -> None:
    followers = [_Follower(cookies[number % len(cookies)]) for number in range(count)]
    door = asyncio.Semaphore(KNOCKS_AT_ONCE)
    tasks = [asyncio.ensure_future(_follow(url, one, door)) for one in followers]
    while not all(one.line for one in followers):
        if failed := next((task for task in tasks if task.done()), None):
            failed.result()
        await asyncio.sleep(0.05)
    answers.put("connected")
    while True:
        command = await asyncio.to_thread(commands.get)
        if command != "storm":
            break
        for one in followers:
            if one.line is not None:
                one.line.cut()
        answers.put("cut off")
    deadline = time.monotonic() + LAST_WORDS_S
    while time.monotonic() < deadline and any(len(one.numbers) < command for one in followers):
        await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    answers.put(
        Heard(
            count,
            [wait for one in followers for wait in one.waits_ms],
            [wait for one in followers for wait in one.after_ms],
            sum(command - len(set(one.numbers)) for one in followers),
            sum(len(one.numbers) - len(set(one.numbers)) for one in followers),
            sum(one.came_back for one in followers),
        )
    )


async def _follow(url: str, follower: _Follower, door: asyncio.Semaphore) -> None:
    while True:
        with contextlib.suppress(ConnectionError):
            async with door:
                line = await _knock(url, follower)
            follower.since = time.time()
            await line.ended
        follower.line = None
        follower.came_back += 1
        await asyncio.sleep(AGAIN_S)


async def _knock(url: str, follower: _Follower) -> _Line:
    """Raises ConnectionError when the door stays shut for now."""
    parts = urlsplit(url)
    query = f"?after={follower.last}" if follower.last else ""
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    request = (
        f"GET /ws/events{query} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nCookie: sessionid={follower.cookie}\r\n\r\n"
    )
    loop = asyncio.get_running_loop()
    _, line = await loop.create_connection(
        lambda: _Line(request.encode(), follower), parts.hostname or "", parts.port or 80
    )
    status = await line.answered
    if status != 101:
        line.cut()
        if status in (429, 503):
            raise ConnectionError
        raise RuntimeError(f"a follower was answered {status}")
    follower.line = line
    return line


class _Line(asyncio.Protocol):
    """One socket, read as it comes: a thousand of them are not to cost more than those who serve them.

    answered: the status of the handshake. ended: when nothing more will come.
    """

    def __init__(self, request: bytes, follower: _Follower) -> None:
        loop = asyncio.get_running_loop()
        self.answered: asyncio.Future[int] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self._request, self._follower = request, follower
        self._transport: asyncio.Transport | None = None
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.answered.done():
            self.answered.set_exception(ConnectionError("no answer"))
        if not self.ended.done():
            self.ended.set_result(None)

    def cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._rest += data
        if not self.answered.done():
            head, end, rest = self._rest.partition(b"\r\n\r\n")
            if not end:
                return
            self.answered.set_result(int(head.split(b" ", 2)[1]))
            self._rest = rest
        while (frame := _frame(self._rest)) is not None:
            kind, body, self._rest = frame
            if kind == CLOSE:
                self.cut()
            elif kind == TEXT:
                _hear(self._follower, body)


def _frame(data: bytes) -> tuple[int, bytes, bytes] | None:
    """Kind, body and what follows of the next whole frame; a server's are not masked (RFC 6455, section 5.2)."""
    if len(data) < 2:
        return None
    size, begins = data[1] & 0x7F, 2
    if size >= 126:
        begins += 2 if size == 126 else 8
        if len(data) < begins:
            return None
        size = int.from_bytes(data[2:begins], "big")
    ends = begins + size
    return None if len(data) < ends else (data[0] & 0xF, data[begins:ends], data[ends:])


def _hear(follower: _Follower, body: bytes) -> None:
    heard = time.time()
    event = orjson.loads(body)
    data = event["data"]
    if "number" not in data:
        return
    follower.last = event["id"]
    follower.numbers.append(data["number"])
    if data["at"] >= follower.since:
        waits = follower.after_ms if follower.came_back else follower.waits_ms
        waits.append((heard - data["at"]) * 1000)


def open_files_for(count: int) -> None:
    """Let this process and those it starts have so many sockets. Raises OSError where the system refuses."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + 500
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted) if os.geteuid() == 0 else hard))
