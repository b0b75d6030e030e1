"""The served application, for granian: pages and API by way of Django in threads; beside it, on the loop, events over
sockets, searches of availability, and channels' calls."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

from innsync.config.bridge import Bridge, refusal
from innsync.config.settings import setting
from innsync.config.wsgi import application as django

ENDS_WITHIN_S = 5.0
NEED_NO_DATABASE = ("/healthz", "/metrics", "/static/", "/widget/")
NOT_READY = b'{"status":"not ready","parts":{"database":{"ok":false,"why":"can\'t be reached"}}}'
GARBAGE_LOOKED_FOR = 50_000, 20, 50
"""See `gc.set_threshold`. Little of what an answer leaves refers to itself: the rest goes without being looked for."""


class Server:
    """One process of the web server, by RSGI."""

    def __init__(self) -> None:
        from innsync.config.doors import Doors  # which need Django set up: `wsgi` has done that
        from innsync.config.outage import Outage, reach
        from innsync.config.quick import Quick
        from innsync.config.sockets import Sockets

        self._outage = Outage(reach)
        self._bridge = Bridge(django, threads=int(setting("INNSYNC_WEB_THREADS")), doubt=self._outage.suspect)
        self._sockets = Sockets(self._bridge)
        self._quick = Quick(self._bridge, self._outage)
        self._doors = Doors(self._bridge)

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        if scope.proto == "ws":
            await self._sockets.serve(scope, proto)
        elif await self._quick.serve(scope, proto):
            pass
        elif self._outage.away and not scope.path.startswith(NEED_NO_DATABASE):
            # Whoever waited for it would hold a thread, and in the end nothing would be answered any more.
            proto.response_bytes(503, *_refused_while_away(scope))
        elif not await self._doors.serve(scope, proto):
            await self._bridge.serve(scope, proto)

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sockets.begin(loop)
        gc.collect()
        # What is loaded stays: looking through all of it again and again would hold every answer up. So would looking
        # through what a few answers made.
        gc.freeze()
        gc.set_threshold(*GARBAGE_LOOKED_FOR)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        from innsync.apps.calls.recorder import recorder

        self._sockets.end()
        self._quick.end()
        self._outage.end()
        last = threading.Thread(target=recorder.end, name="calls-end")  # Django's database is not for event loops
        last.start()
        last.join(ENDS_WITHIN_S)


def _refused_while_away(scope: Any) -> tuple[list[tuple[str, str]], bytes]:
    if scope.path == "/readyz":
        return [("content-type", "application/json"), ("cache-control", "no-store")], NOT_READY
    return refusal(scope, 503, "The database can't be reached just now. Try again in a moment.")


application = Server()
