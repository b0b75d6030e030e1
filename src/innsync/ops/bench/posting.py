"""Load over HTTP in which no two requests are alike, from a process of its own: kept connections, one request at a time on each.

What is sent is made on the way by a function of ours, and answers are counted by their status.
"""

from __future__ import annotations

import contextlib
import importlib
import select
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from innsync.ops.bench.load import collect

WARM_UP_S = 1.0
Request = Callable[[], bytes]

MOST_OPENED_AGAIN = 10


@dataclass(slots=True)
class Posted:
    """seconds: the time measured. statuses: how many answers had each."""

    seconds: float
    latencies_ms: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        return len(self.latencies_ms) / self.seconds


@dataclass(frozen=True, slots=True)
class Posting:
    """url: of the server. make: "module:function", called with the arguments; answers what makes each request.

    per_second: sent so often whatever the answers do, latencies counted from when each was due; None: as fast as the
    connections allow. rounds: so many times, all connections send at one moment and wait for all; then nothing else.
    """

    url: str
    make: str
    arguments: Mapping[str, object]
    connections: int
    seconds: float = 0.0
    per_second: float | None = None
    rounds: int = 0
    warm_up_s: float = WARM_UP_S


def post(url: str, path: str, body: bytes, headers: Mapping[str, str], *, method: str = "POST") -> bytes:
    """A request as it is sent."""
    told = {"Host": urlsplit(url).netloc, "Content-Type": "application/json", "Content-Length": len(body), **headers}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def run(posting: Posting, *, allowed: frozenset[int]) -> Posted:
    """Raises RuntimeError when an answer has another status."""
    within_s = posting.warm_up_s + posting.seconds * 2 + posting.rounds
    posted: Posted
    [posted] = collect(_work, [(posting, allowed)], within_s=within_s)
    return posted


def _work(posting: Posting, allowed: frozenset[int], answers: Any) -> None:
    module, _, name = posting.make.partition(":")
    try:
        request: Request = getattr(importlib.import_module(module), name)(**posting.arguments)
        with contextlib.closing(_Client(posting, request, allowed)) as client:
            answers.put(client.race() if posting.rounds else client.work())
    except Exception as error:
        answers.put(f"{type(error).__name__}: {error}")


class Closed(Exception):
    """The server closed a kept connection without an answer, which it may at any time (RFC 9112, 9.5)."""


@dataclass(slots=True, eq=False)
class _Connection:
    socket: socket.socket
    due: float = 0.0
    got: bytes = b""
    request: bytes = b""

    def send(self, request: bytes, due: float) -> None:
        self.due, self.got, self.request = due, b"", request
        self.socket.sendall(request)

    def status(self) -> int | None:
        """Once the answer is there whole."""
        part = self.socket.recv(65_536)
        if not part and not self.got:
            raise Closed
        if not part:
            raise ConnectionError("the server closed a connection in the middle of an answer")
        self.got += part
        end = self.got.find(b"\r\n\r\n")
        if end < 0:
            return None
        _, _, told = self.got[:end].lower().partition(b"content-length:")
        return int(self.got[9:12]) if len(self.got) >= end + 4 + int(told.split(b"\r\n", 1)[0] or 0) else None


class _Client:
    def __init__(self, posting: Posting, request: Request, allowed: frozenset[int]) -> None:
        self._posting, self._request, self._allowed = posting, request, allowed
        self._poll = select.epoll()
        self._by_number: dict[int, _Connection] = {}
        self._opened_again = 0
        for _ in range(posting.connections):
            self._add(_Connection(self._open()))

    def _open(self) -> socket.socket:
        address = urlsplit(self._posting.url)
        made = socket.create_connection((address.hostname, address.port or 80), timeout=30)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def _add(self, connection: _Connection) -> None:
        self._by_number[connection.socket.fileno()] = connection
        self._poll.register(connection.socket.fileno(), select.EPOLLIN)

    def _open_again(self, connection: _Connection) -> None:
        """Each request has an effect once, however often it is sent. Raises ConnectionError when it happens often."""
        self._opened_again += bool(connection.request)  # one that waited for nothing may be closed as often as it likes
        if self._opened_again > MOST_OPENED_AGAIN:
            raise ConnectionError("the server closed one connection after the other")
        self._poll.unregister(connection.socket.fileno())
        del self._by_number[connection.socket.fileno()]
        connection.socket.close()
        connection.socket = self._open()
        self._add(connection)
        if connection.request:
            connection.socket.sendall(connection.request)

    def close(self) -> None:
        for connection in self._by_number.values():
            connection.socket.close()
        self._poll.close()

    def work(self) -> Posted:
        posted = Posted(self._posting.seconds)
        begins = time.perf_counter() + self._posting.warm_up_s
        ends = begins + self._posting.seconds
        pause = 1 / self._posting.per_second if self._posting.per_second else 0.0
        idle, due, now = list(self._by_number.values()), time.perf_counter(), time.perf_counter()
        while (now < ends and due < ends) or len(idle) < len(self._by_number):
            while idle and due <= now < ends:
                idle.pop().send(self._request(), due if pause else now)
                due += pause
            for connection, status in self._answered(min(0.1, max(0.0, due - now)) if pause and idle else 0.1):
                idle.append(connection)
                if begins <= connection.due < ends:
                    posted.latencies_ms.append((time.perf_counter() - connection.due) * 1000)
                    posted.statuses[status] += 1
            now = time.perf_counter()
            due = due if pause else now
        return posted

    def race(self) -> Posted:
        """latencies_ms: of each round, until the last is answered."""
        posted = Posted(1.0)
        connections = list(self._by_number.values())
        for _ in range(self._posting.rounds):
            requests = [self._request() for _ in connections]
            began, left = time.perf_counter(), len(connections)
            for connection, request in zip(connections, requests, strict=True):
                connection.send(request, began)
            while left:
                for _, status in self._answered(30):
                    posted.statuses[status] += 1
                    left -= 1
            posted.latencies_ms.append((time.perf_counter() - began) * 1000)
        return posted

    def _answered(self, wait_s: float) -> Iterator[tuple[_Connection, int]]:
        """Raises ValueError for a status that is not allowed."""
        for number, _ in self._poll.poll(wait_s):
            connection = self._by_number[number]
            try:
                status = connection.status()
            except Closed:
                self._open_again(connection)
                continue
            if status is None:
                continue
            if status not in self._allowed:
                raise ValueError(f"an answer of status {status}: {connection.got[-600:]!r}")
            connection.request = connection.got = b""
            yield connection, status
