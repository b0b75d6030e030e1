"""Searches of availability answered on the event loop, by RSGI, before they reach Django's threads."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

import structlog

from innsync.api.quick import PREFIX, Asked, QuickSearch
from innsync.config.bridge import Bridge
from innsync.config.environ import environ_of
from innsync.config.loop import Told, headers_of
from innsync.config.proxies import behind
from innsync.config.settings import listed

log = structlog.get_logger()


class Quick:
    """Begun in each web process, on its loop."""

    def __init__(self, bridge: Bridge) -> None:
        self._search = QuickSearch(bridge.run)
        self._addressed = behind(
            listed("INNSYNC_TRUSTED_PROXIES"), lambda environ, _: [environ["REMOTE_ADDR"].encode()]
        )
        self._told = Told("GET", f"{PREFIX}any")

    def end(self) -> None:
        self._search.end()

    async def serve(self, scope: Any, proto: Any) -> bool:
        """Whether it was answered. If not, nothing was read of it and nothing counted."""
        path: str = scope.path
        if not path.startswith(PREFIX) or scope.method != "GET":
            return False
        headers = headers_of(scope)
        if headers is None:
            return False
        started = time.perf_counter()
        try:
            given = await self._search.answer(Asked(path, scope.query_string, headers, self._address_of(scope)))
        except Exception:  # whatever it is, the caller gets an answer: Django meets it too, or knows better
            log.exception("search_failed_on_the_loop", path=path)
            given = None
        if given is None:
            return False
        proto.response_bytes(200, given.headers, given.body)
        self._told.tell(path, time.perf_counter() - started, request_id=given.request_id, caller=given.caller)
        return True

    def _address_of(self, scope: Any) -> Callable[[], str]:
        return lambda: b"".join(self._addressed(environ_of(scope, io.BytesIO()), None)).decode()
