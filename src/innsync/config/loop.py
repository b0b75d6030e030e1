"""What everything answered on the event loop shares: reading a call's headers, and telling what was answered."""

from __future__ import annotations

from typing import Any

from django.urls import resolve

from innsync.api import metrics
from innsync.ops.logs import plain_lines


def headers_of(scope: Any) -> dict[str, str] | None:
    """By their names in small letters; None where one is there twice, or its name has an underscore (`environ_of`)."""
    headers: dict[str, str] = {}
    for name, value in scope.headers.items():
        if name in headers or "_" in name:
            return None
        headers[name] = value
    headers.setdefault("host", scope.authority or "")
    return headers


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
