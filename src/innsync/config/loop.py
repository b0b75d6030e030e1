"""What everything answered on the event loop shares: reading a call's headers, and telling what was answered."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.urls import resolve

from innsync.api import metrics
from innsync.config.proxies import behind
from innsync.config.settings import listed
from innsync.ops.logs import plain_lines


def headers_of(scope: Any) -> dict[str, str] | None:
    """By their names in small letters; None where one is there twice, or can't be read, or its name has an underscore
    (`environ_of`).
    """
    headers: dict[str, str] = {}
    for name, value in scope.headers.items():
        if name in headers or "_" in name:
            return None
        headers[name] = value
    if len(headers) != len(scope.headers.keys()):
        return None
    headers.setdefault("host", scope.authority or "")
    return headers


def addressed() -> Callable[[str, str], str]:
    """Whose call it is: from the peer's address and X-Forwarded-For, by the proxies that are trusted. Remembers many."""
    named = behind(listed("INNSYNC_TRUSTED_PROXIES"), lambda environ, _: [environ["REMOTE_ADDR"].encode()])

    @lru_cache(maxsize=4_096)
    def look(peer: str, forwarded_for: str) -> str:
        environ = {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http"}
        if forwarded_for:
            environ["HTTP_X_FORWARDED_FOR"] = forwarded_for
        return b"".join(named(environ, None)).decode()

    return look


class Told:
    """Answers of status 200 among those of Django: counted, timed, and a line written of each."""

    def __init__(self, method: str, example: str) -> None:
        """example: a path of that route."""
        route = resolve(example).route
        self._method = method
        self._counted = metrics.REQUESTS.labels(method, route, "200")
        self._timed = metrics.DURATION.labels(method, route)
        self._write = plain_lines("innsync.api.middleware")

    def tell(self, path: str, seconds: float, *, request_id: str, caller: str | None) -> None:
        self._counted.inc()
        self._timed.observe(seconds)
        if self._write is not None:
            said = {"method": self._method, "path": path, "status": 200, "duration_ms": round(seconds * 1000, 1)}
            self._write("request", request_id, {**said, "caller": caller})
