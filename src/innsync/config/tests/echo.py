"""A small WSGI application that says what it was asked, behind the bridge: served by test_bridge.py."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from innsync.config.bridge import Bridge

PART = b"x" * 100_000


def echo(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path == "/parts":
        start("200 OK", [("Content-Type", "text/plain")])
        return Parts()
    if path == "/nothing":
        start("200 OK", [])
        return iter(())
    if path == "/empty":
        start("204 No Content", [])
        return [b""]
    told = {key: value for key, value in environ.items() if isinstance(value, str)}
    body = environ["wsgi.input"].read()
    answer = json.dumps({**told, "read": len(body), "sum": sum(body)}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))]
    start("201 Created", [*headers, ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    return [answer]


class Parts:
    """Twenty parts; the last says whether all were made in the thread of the first, as a database connection needs."""

    def __iter__(self) -> Iterator[bytes]:
        self.thread = threading.get_ident()
        for _ in range(20):
            yield PART
        yield b"same" if threading.get_ident() == self.thread else b"another"

    def close(self) -> None:
        if threading.get_ident() != self.thread:
            raise AssertionError("closed in another thread")


class Server:
    def __init__(self) -> None:
        self._bridge = Bridge(echo, threads=4)

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        await self._bridge.serve(scope, proto)


application = Server()
