"""Load over HTTP from separate processes: many connections that are kept, each with one request at a time.

As lean as Python allows, since it shares the processors with what it measures: no library, an answer's body is counted
and not kept, but each answer's status is looked at, and whether it holds what it must.
"""

from __future__ import annotations

import contextlib
import random
import select
import socket
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from innsync.ops.bench.load import Measured, collect

WARM_UP_S = 1.0
_PIECE = 262_144
_END_OF_HEADERS = b"\r\n\r\n"


class BadAnswer(Exception):
    """An answer that is not what was asked for."""


@dataclass(frozen=True, slots=True)
class Load:
    """url: of the server. requests: whole ones, as sent; taken at random. must_hold: bytes near the start of each answer.

    per_second: sent so often whatever the answers do, each latency counted from the moment at which it should have been
    sent; None: as often as the connections can.
    """

    url: str
    requests: Sequence[bytes]
    must_hold: bytes
    connections: int
    seconds: float
    per_second: float | None = None
    warm_up_s: float = WARM_UP_S


def get(url: str, path: str, *, headers: Mapping[str, str] | None = None) -> bytes:
    """A GET as it is sent."""
    told = {"Host": urlsplit(url).netloc, **(headers or {})}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items()), "", ""]
    return "\r\n".join(lines).encode()


def run(load: Load, *, processes: int = 1) -> Measured:
    """Raises RuntimeError when an answer was not good."""
    part = replace(
        load,
        connections=max(1, load.connections // processes),
        per_second=load.per_second / processes if load.per_second else None,
    )
    seeds = range(processes)
    answers = collect(_client, [(part, seed) for seed in seeds], within_s=load.warm_up_s + load.seconds * 2)
    latencies = [one for answer in answers for one in answer]
    return Measured(len(latencies) / load.seconds, latencies)


def _client(load: Load, seed: int, answers: Any) -> None:
    try:
        answers.put(_Client(load, seed).run())
    except (BadAnswer, OSError) as error:
        answers.put(f"{type(error).__name__}: {error}")


@dataclass(slots=True)
class _Connection:
    """due: when the request under way should have been sent. got, whole: bytes of its answer so far, and in the end.

    head: how the answer begins. whole is None until its headers are there.
    """

    socket: socket.socket
    due: float = 0.0
    got: int = 0
    whole: int | None = None
    head: bytes = field(default=b"")


class _Client:
    """One process's part of a load."""

    def __init__(self, load: Load, seed: int) -> None:
        self._load = load
        self._chance = random.Random(seed)  # noqa: S311  # spreads the load
        self._buffer = memoryview(bytearray(_PIECE))
        self._poll = select.epoll()
        self._connections: dict[int, _Connection] = {}
        self._idle: deque[_Connection] = deque()
        self._latencies: list[float] = []

    def run(self) -> list[float]:
        """The latencies in milliseconds."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._poll.close)
            for _ in range(self._load.connections):
                self._open(stack)
            began = time.perf_counter() + self._load.warm_up_s
            if self._load.per_second is None:
                self._saturate(began, began + self._load.seconds)
            else:
                self._keep_pace(began, began + self._load.seconds, 1 / self._load.per_second)
        return self._latencies

    def _open(self, stack: contextlib.ExitStack) -> None:
        parts = urlsplit(self._load.url)
        made = stack.enter_context(socket.create_connection((parts.hostname, parts.port or 80), timeout=10))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setblocking(False)
        self._connections[made.fileno()] = connection = _Connection(made)
        self._poll.register(made.fileno(), select.EPOLLIN)
        self._idle.append(connection)

    def _saturate(self, began: float, end: float) -> None:
        now = time.perf_counter()
        while self._idle:
            self._send(self._idle.popleft(), now)
        while now < end:
            for number, _ in self._poll.poll(0.1):
                connection = self._connections[number]
                if self._receive(connection):
                    now = time.perf_counter()
                    if began <= now < end:
                        self._latencies.append((now - connection.due) * 1000)
                    self._send(connection, now)
            now = time.perf_counter()

    def _keep_pace(self, began: float, end: float, pause: float) -> None:
        """At even distances. Those that fall due after the end are not sent; those before it are waited for."""
        now = due = time.perf_counter()
        under_way = 0
        while due < end or under_way:
            while due <= now and due < end and self._idle:
                self._send(self._idle.popleft(), due)
                under_way += 1
                due += pause
            wait = max(0.0, due - now) if self._idle and due < end else 0.1
            select.select(
                [self._poll], [], [], wait
            )  # which waits for parts of a millisecond too, where epoll does not
            for number, _ in self._poll.poll(0):
                connection = self._connections[number]
                if self._receive(connection):
                    under_way -= 1
                    if began <= connection.due < end:
                        self._latencies.append((time.perf_counter() - connection.due) * 1000)
                    self._idle.append(connection)
            now = time.perf_counter()

    def _send(self, connection: _Connection, due: float) -> None:
        connection.due, connection.got, connection.whole, connection.head = due, 0, None, b""
        connection.socket.sendall(self._chance.choice(self._load.requests))

    def _receive(self, connection: _Connection) -> bool:
        """Whether the answer is there whole. Raises BadAnswer."""
        try:
            size = connection.socket.recv_into(self._buffer)
        except BlockingIOError:
            return False
        if not size:
            raise BadAnswer("the server closed a connection")
        connection.got += size
        if connection.whole is None:
            connection.head += bytes(self._buffer[: min(size, 2048)])
            connection.whole = _expected(connection.head)
        if connection.whole is None or connection.got < connection.whole:
            return False
        if self._load.must_hold not in connection.head:
            raise BadAnswer(f"an answer without {self._load.must_hold!r}: {connection.head[-400:]!r}")
        return True


def _expected(head: bytes) -> int | None:
    """The length of the whole answer, once its headers are there. Raises BadAnswer for any status but 200."""
    end = head.find(_END_OF_HEADERS)
    if end < 0:
        return None
    if head[9:12] != b"200":
        raise BadAnswer(repr(head[:600]))
    lowered = head[:end].lower()
    at = lowered.find(b"content-length:")
    if at < 0:
        raise BadAnswer("an answer that does not say its length")
    return end + 4 + int(lowered[at + 15 :].split(b"\r\n", 1)[0])
