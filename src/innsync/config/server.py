"""The served application, for granian: pages and API by way of Django in threads, events over sockets beside it."""

from __future__ import annotations

import asyncio
from typing import Any

from innsync.config.bridge import Bridge
from innsync.config.settings import setting
from innsync.config.sockets import Sockets
from innsync.config.wsgi import application as django


class Server:
    """One process of the web server, by RSGI."""

    def __init__(self) -> None:
        self._bridge = Bridge(django, threads=int(setting("INNSYNC_WEB_THREADS")))
        self._sockets = Sockets(self._bridge)

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        if scope.proto == "ws":
            await self._sockets.serve(scope, proto)
        else:
            await self._bridge.serve(scope, proto)

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sockets.begin(loop)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sockets.end()


application = Server()
