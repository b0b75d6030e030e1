"""Searches of availability answered on the event loop, by RSGI, before they reach Django's threads."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import structlog

from innsync.api.last_known import LastKnown
from innsync.api.quick import PREFIX, Asked, QuickSearch
from innsync.api.recording import record_search
from innsync.config.bridge import Bridge
from innsync.config.loop import Told, addressed, headers_of
from innsync.config.outage import Outage

log = structlog.get_logger()


class Quick:
    """Begun in each web process, on its loop."""

    def __init__(self, bridge: Bridge, outage: Outage) -> None:
        self._outage = outage
        self._search = QuickSearch(bridge.run, outage.suspect)
        self._last_known = LastKnown(self._search.live)
        self._addressed = addressed()
        self._told = Told("GET", f"{PREFIX}any")

    def end(self) -> None:
        self._last_known.end()
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
        asked = Asked(path, scope.query_string, headers, lambda: self._address_of(scope, headers))
        self._last_known.keep()
        try:
            given = None if self._outage.suspected else await self._search.answer(asked)
            if given is None and self._outage.suspected:
                given = self._last_known.answer(asked)
        except Exception:  # whatever it is, the caller gets an answer: Django meets it too, or knows better
            log.exception("search_failed_on_the_loop", path=path)
            given = None
        if given is None:
            return False
        proto.response_bytes(200, given.headers, given.body)
        seconds = time.perf_counter() - started
        self._told.tell(path, seconds, request_id=given.request_id, caller=given.caller.prefix)
        record_search(
            caller=given.caller,
            path=path,
            query=scope.query_string,
            address=self._address_of(scope, headers),
            seconds=seconds,
            request_id=given.request_id,
        )
        return True

    def _address_of(self, scope: Any, headers: Mapping[str, str]) -> str:
        return self._addressed(scope.client.rpartition(":")[0].strip("[]"), headers.get("x-forwarded-for", ""))
