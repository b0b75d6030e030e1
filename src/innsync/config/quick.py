"""Searches of availability, and what hotels are, answered on the event loop, by RSGI, before they reach Django's threads."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from typing import Any

import structlog

from innsync.api.admission import Asked
from innsync.api.kept_content import Blank, KeptContent, key_of
from innsync.api.last_known import LastKnown
from innsync.api.quick import PREFIX, Given, QuickSearch
from innsync.api.recording import record_read, route_of
from innsync.config.bridge import Bridge
from innsync.config.loop import Told, addressed, headers_of
from innsync.config.outage import Outage

log = structlog.get_logger()


class Quick:
    """Begun in each web process, on its loop."""

    def __init__(self, bridge: Bridge, outage: Outage) -> None:
        self._bridge = bridge
        self._outage = outage
        self._search = QuickSearch(bridge.run, outage.suspect)
        self._last_known = LastKnown(self._search.live)
        self._content = KeptContent(self._search.admission, self._search.live)
        self._addressed = addressed()
        self._told: dict[str, Told] = {}

    def end(self) -> None:
        self._last_known.end()
        self._search.end()

    async def serve(self, scope: Any, proto: Any) -> bool:
        """Whether it was answered. If not, nothing was read of it and nothing counted."""
        path: str = scope.path
        if scope.method != "GET" or not (path.startswith(PREFIX) or key_of(path)):
            return False
        headers = headers_of(scope)
        if headers is None:
            return False
        started = time.perf_counter()
        asked = Asked(path, scope.query_string, headers, lambda: self._address_of(scope, headers))
        try:
            given = await self._answer(asked)
        except Exception:  # whatever it is, the caller gets an answer: Django meets it too, or knows better
            log.exception("failed_on_the_loop", path=path)
            given = None
        if given is None:
            return False
        if isinstance(given, Blank):
            with io.BytesIO() as body:
                answer = await self._bridge.answer(scope, proto, body, 0)
            if answer.status == 200:
                self._content.keep(given, answer.headers, answer.body)
            return True
        proto.response_bytes(200, given.headers, given.body)
        seconds = time.perf_counter() - started
        self._told_of(path).tell(path, seconds, request_id=given.request_id, caller=given.caller.prefix)
        record_read(
            caller=given.caller,
            path=path,
            query=scope.query_string,
            address=self._address_of(scope, headers),
            seconds=seconds,
            request_id=given.request_id,
        )
        return True

    async def _answer(self, asked: Asked) -> Given | Blank | None:
        if not asked.path.startswith(PREFIX):
            return None if self._outage.suspected else await self._content.answer(asked)
        self._last_known.keep()
        given = None if self._outage.suspected else await self._search.answer(asked)
        return self._last_known.answer(asked) if given is None and self._outage.suspected else given

    def _told_of(self, path: str) -> Told:
        route = route_of(path)
        if route not in self._told:
            self._told[route] = Told("GET", path)
        return self._told[route]

    def _address_of(self, scope: Any, headers: Mapping[str, str]) -> str:
        return self._addressed(scope.client.rpartition(":")[0].strip("[]"), headers.get("x-forwarded-for", ""))
