"""Django, which speaks WSGI, on a server that speaks RSGI, so that pages and sockets share one address.

Sources: PEP 3333 (WSGI); granian's RSGI 1.5 specification.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import IO, Any, TypeVar, cast

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]
Result = TypeVar("Result")

LARGEST_BODY = 64_000_000
IN_MEMORY = 1_000_000
_BODILESS = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the application answered; without a body when that was sent already, part by part."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes | None


class Bridge:
    """Calls a WSGI application in threads. All of an answer is made in one thread: its database connection is there."""

    def __init__(self, application: Application, *, threads: int) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="web")

    async def serve(self, scope: Any, proto: Any) -> None:
        """Answer one HTTP request."""
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as body:
            if not await _read_body(scope, proto, body):
                proto.response_str(413, [("content-type", "text/plain; charset=utf-8")], "This is too large.\n")
                return
            parts = _Parts(proto, asyncio.get_running_loop())
            answer = await self.run(lambda: _call(self._application, environ_of(scope, cast(IO[bytes], body)), parts))
        if answer.body is None:
            return
        if scope.method == "HEAD" or answer.status in _BODILESS:
            proto.response_empty(answer.status, answer.headers)
        else:
            proto.response_bytes(answer.status, answer.headers, answer.body)

    async def call(self, environ: Environ) -> Answer:
        """The whole answer to a request that did not come over HTTP. Raises what the application raises."""
        return await self.run(lambda: _call(self._application, environ))

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do what waits for others, such as the database, where it holds nobody up."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


class _Parts:
    """Sends a body part by part, from the thread that makes it."""

    def __init__(self, proto: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._proto = proto
        self._loop = loop
        self._stream: Any = None

    def send(self, status: int, headers: list[tuple[str, str]], part: bytes) -> None:
        """Returns when the caller took it. Raises granian's RSGIProtocolClosed when the caller is gone."""
        asyncio.run_coroutine_threadsafe(self._send(status, headers, part), self._loop).result()

    @property
    def begun(self) -> bool:
        return self._stream is not None

    async def _send(self, status: int, headers: list[tuple[str, str]], part: bytes) -> None:
        if self._stream is None:
            self._stream = self._proto.response_stream(status, headers)
        await self._stream.send_bytes(part)


async def _read_body(scope: Any, proto: Any, into: Any) -> bool:
    """False when it is larger than anything that is meant; no more of it is read then."""
    told = scope.headers.get("content-length") or "0"
    if told.isdecimal() and int(told) > LARGEST_BODY:
        return False
    async for part in proto:
        into.write(part)
        if into.tell() > LARGEST_BODY:
            return False
    into.seek(0)
    return True


def _call(application: Application, environ: Environ, parts: _Parts | None = None) -> Answer:
    """In one piece, unless the body does not say how long it is or is longer than its first part."""
    said: list[tuple[int, list[tuple[str, str]]]] = []

    def start(status: str, headers: Iterable[tuple[str, str]], exc_info: object = None) -> None:
        said[:] = [(int(status[:3]), [(name.lower(), value) for name, value in headers])]

    result = application(environ, start)
    try:
        made = iter(result)
        first = next(made, b"")
        status, headers = said[0]
        if parts is None:
            return Answer(status, headers, b"".join(chain([first], made)))
        if environ["REQUEST_METHOD"] == "HEAD" or ("content-length", str(len(first))) in headers:
            return Answer(status, headers, first)
        for part in chain([first], made):
            if part:
                parts.send(status, headers, part)
        return Answer(status, headers, None if parts.begun else b"")
    finally:
        getattr(result, "close", lambda: None)()


def environ_of(scope: Any, body: IO[bytes]) -> Environ:
    """What WSGI calls a request.

    A name with an underscore in it would look like the one with a hyphen that a proxy in front set or took away: such
    headers are left out.
    """
    host, _, port = scope.server.rpartition(":")
    environ: Environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": _as_wsgi(scope.path),
        "QUERY_STRING": _as_wsgi(scope.query_string),
        "SERVER_NAME": host or "localhost",
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if scope.scheme in ("https", "wss") else "http",
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if scope.authority:  # HTTP/2 names the host there
        environ["HTTP_HOST"] = scope.authority
    for name, value in scope.headers.items():
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        joint = "; " if key == "HTTP_COOKIE" else ", "
        environ[key] = f"{environ[key]}{joint}{value}" if key in environ and key != "HTTP_HOST" else value
    return environ


def _as_wsgi(text: str) -> str:
    """Text as WSGI carries it: a character for each byte."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")
