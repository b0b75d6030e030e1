"""Channels' calls taken on the event loop, many with one commit, before they reach Django's threads.

While one commit is under way, the calls that come wait for the next, which takes all of one address together. What is not
plainly good is left to Django, as are all calls of a commit that failed: nothing was kept of them then.
"""

from __future__ import annotations

import asyncio
import io
import re
import time
from collections import OrderedDict
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import structlog

from innsync.api.middleware import COMPRESSED, request_id_of
from innsync.api.plain import SAFE_HEADERS, is_plain
from innsync.api.recording import record_webhook
from innsync.api.webhooks import Call, take_together
from innsync.config.bridge import IN_MEMORY, Bridge
from innsync.config.loop import Told, addressed, headers_of
from innsync.integrations.manifest import manifests

PREFIX = "/api/webhooks/"
MOST_TOGETHER = 32
AT_ONCE = 2
"""Commits under way in one process: one that waits for a lock does not hold up the calls to all other addresses."""
_PATH = re.compile(PREFIX + r"([a-z0-9_]{1,40})/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
log = structlog.get_logger()

Answered = tuple[str, bytes]


class Address(NamedTuple):
    """subject_id: of a connection, or of the account behind it."""

    vendor: str
    subject_id: UUID


class Doors:
    """Begun in each web process, on its loop."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._waiting: OrderedDict[Address, list[tuple[Call, asyncio.Future[Answered | None]]]] = OrderedDict()
        self._under_way = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._addressed = addressed()
        self._told = Told("POST", f"{PREFIX}any/00000000-0000-0000-0000-000000000000")

    async def serve(self, scope: Any, proto: Any) -> bool:
        """Whether it was answered, by way of Django or not. If not, nothing was read of it."""
        address, headers = _address_of(scope), headers_of(scope)
        if address is None or headers is None or not is_plain(headers):
            return False
        length = headers.get("content-length", "")
        if not length.isdecimal() or len(length) > 9 or int(length) > IN_MEMORY:
            return False
        started = time.perf_counter()
        with io.BytesIO() as body:
            taken = await self._bridge.take(scope, proto, body)
            if taken is None:
                return True
            answered = await self.take(address, Call(headers, body.getvalue()))
            if answered is None:
                await self._bridge.answer(scope, proto, body, taken)
                return True
        content_type, said = answered
        request_id = request_id_of(headers.get("x-request-id", ""))
        told = [
            ("content-type", content_type),
            *SAFE_HEADERS,
            ("x-request-id", request_id),
            ("content-length", str(len(said))),
        ]
        if COMPRESSED.match(content_type):
            told.append(("vary", "Accept-Encoding"))
        proto.response_bytes(200, told, said)
        seconds = time.perf_counter() - started
        self._told.tell(scope.path, seconds, request_id=request_id, caller=None)
        peer = self._addressed(scope.client.rpartition(":")[0].strip("[]"), headers.get("x-forwarded-for", ""))
        record_webhook(path=scope.path, address=peer, seconds=seconds, request_id=request_id)
        return True

    async def take(self, address: Address, call: Call) -> Answered | None:
        """What the call is answered with; None: ask Django, nothing was kept of it."""
        answer: asyncio.Future[Answered | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(address, []).append((call, answer))
        if self._under_way < AT_ONCE:
            self._under_way += 1
            task = asyncio.ensure_future(self._work())
            self._tasks.add(task)  # the loop itself would let it go
            task.add_done_callback(self._tasks.discard)
        return await answer

    async def _work(self) -> None:
        """Nothing is awaited between finding that nobody waits and ending, or who came then would wait for nobody."""
        while self._waiting:
            address, waiting = self._waiting.popitem(last=False)
            if len(waiting) > MOST_TOGETHER:
                self._waiting[address] = waiting[MOST_TOGETHER:]  # behind all other addresses
                waiting = waiting[:MOST_TOGETHER]
            calls = [call for call, _ in waiting]
            answers: list[Answered | None]
            try:
                answers = await self._bridge.run(
                    partial(take_together, vendor=address.vendor, subject_id=address.subject_id, calls=calls)
                )
            except Exception:  # each is tried by itself: the one at fault spoils no other
                log.exception("calls_not_taken_together", vendor=address.vendor, calls=len(calls))
                answers = [None] * len(calls)
            for (_, future), answered in zip(waiting, answers, strict=True):
                if not future.done():  # its caller has gone
                    future.set_result(answered)
        self._under_way -= 1


def _address_of(scope: Any) -> Address | None:
    path: str = scope.path
    if not path.startswith(PREFIX) or scope.method != "POST":
        return None
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    manifest = manifests().get(found[1])
    if manifest is None or "booking_webhook" not in manifest.can:
        return None
    return Address(found[1], UUID(found[2]))
