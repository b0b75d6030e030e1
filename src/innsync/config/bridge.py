"""Django, which speaks WSGI, on a server that speaks RSGI, so that pages and sockets share one address.

Sources: PEP 3333 (WSGI); granian's RSGI 1.5 specification.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, Any, TypeVar, cast

import orjson
from django.db import connection

from innsync.api.holding import ANSWER_AT
from innsync.config.environ import Environ, environ_of

Application = Callable[[Environ, Any], Iterable[bytes]]
Result = TypeVar("Result")

UPLOADS = "/properties/"
LARGEST_BODY, LARGEST_UPLOAD = 12_000_000, 64_000_000
"""Bytes of a body, and of one with files, which are sent to addresses under UPLOADS alone."""
IN_MEMORY = 1_000_000
ON_DISK_AT_ONCE = 16
"""Bodies that don't fit into the memory: more than these are refused for the moment."""
BODY_TAKES_S, UPLOAD_TAKES_S = 30.0, 600.0
_BODILESS = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the application answered, whole. not_before: by the monotonic clock, when it may be given."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    not_before: float = 0.0


class _Refused(Exception):
    """The body was not taken: the status, and the words for a person."""


class Bridge:
    """Calls a WSGI application in threads. All of an answer is made in one thread: its database connection is there."""

    def __init__(self, application: Application, *, threads: int, doubt: Callable[[], None] = lambda: None) -> None:
        """doubt: called when the application says that it can't answer now."""
        self._application = application
        self._doubt = doubt
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="web")
        self._on_disk = 0

    async def serve(self, scope: Any, proto: Any) -> None:
        """Answer one HTTP request."""
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as body:
            length = await self.take(scope, proto, body)
            if length is not None:
                await self.answer(scope, proto, cast(IO[bytes], body), length)

    async def take(self, scope: Any, proto: Any, into: Any) -> int | None:
        """The body, and its length in bytes; None when it was refused, which the caller has been told then."""
        try:
            return await self._read(scope, proto, into)
        except _Refused as refused:
            status, words = refused.args
            headers, said = refusal(scope, status, words)
            proto.response_bytes(status, headers, said)
            return None

    async def answer(self, scope: Any, proto: Any, body: IO[bytes], length: int) -> Answer:
        """Answer a request whose body, of so many bytes, is here; what was answered."""
        answer = await self.call(environ_of(scope, body, length))
        if answer.status == 503:
            self._doubt()
        await asyncio.sleep(max(0.0, answer.not_before - time.monotonic()))
        if scope.method == "HEAD" or answer.status in _BODILESS:
            proto.response_empty(answer.status, answer.headers)
        else:
            proto.response_bytes(answer.status, answer.headers, answer.body)
        return answer

    async def call(self, environ: Environ) -> Answer:
        """Raises what the application raises."""
        return await self.run(lambda: _call(self._application, environ))

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do what waits for others, such as the database, where it holds nobody up."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _on_own_connection, work)

    async def _read(self, scope: Any, proto: Any, into: Any) -> int:
        """The body's length in bytes. Raises _Refused."""
        upload = scope.path.startswith(UPLOADS)
        most = LARGEST_UPLOAD if upload else LARGEST_BODY
        told = scope.headers.get("content-length") or "0"
        if told.isdecimal() and int(told) > most:
            raise _Refused(413, "This is too large.")
        large = False
        try:
            async with asyncio.timeout(UPLOAD_TAKES_S if upload else BODY_TAKES_S):
                async for part in proto:
                    if not large and into.tell() + len(part) > IN_MEMORY:
                        if self._on_disk >= ON_DISK_AT_ONCE:
                            raise _Refused(503, "Too much is being sent at once. Try again in a moment.")
                        large = True
                        self._on_disk += 1
                    into.write(part)
                    if into.tell() > most:
                        raise _Refused(413, "This is too large.")
        except TimeoutError:
            raise _Refused(408, "This took too long to arrive.") from None
        finally:
            self._on_disk -= large
        length: int = into.tell()
        into.seek(0)
        return length


def _on_own_connection(work: Callable[[], Result]) -> Result:
    """Its database connection goes back to the others at once: not with every work a request ends that would see to it."""
    try:
        return work()
    finally:
        connection.close()


def _call(application: Application, environ: Environ) -> Answer:
    said: list[tuple[int, list[tuple[str, str]]]] = []

    def start(status: str, headers: Iterable[tuple[str, str]], exc_info: object = None) -> None:
        said[:] = [(int(status[:3]), [(name.lower(), value) for name, value in headers])]

    result = application(environ, start)
    try:
        body = b"".join(result)
    finally:
        getattr(result, "close", lambda: None)()
    return Answer(*said[0], body, environ.get(ANSWER_AT, 0.0))


def refusal(scope: Any, status: int, words: str) -> tuple[list[tuple[str, str]], bytes]:
    """Headers and body: for programs a problem document (RFC 9457). words: for a person, one sentence or two."""
    if not scope.path.startswith("/api/"):
        headers = [("content-type", "text/plain; charset=utf-8")]
        return headers + [("retry-after", "5")] * (status == 503), f"{words}\n".encode()
    from innsync.api import middleware, plain, problems  # which need Django set up

    request_id = middleware.request_id_of(scope.headers.get("x-request-id") or "")
    problem = problems.of_status(status)
    headers = [
        ("content-type", problems.MEDIA_TYPE),
        ("cache-control", "no-store"),
        *plain.SAFE_HEADERS,
        *((name.lower(), value) for name, value in problem.headers.items()),
        ("x-request-id", request_id),
    ]
    return headers, orjson.dumps(problem.document(request_id))
