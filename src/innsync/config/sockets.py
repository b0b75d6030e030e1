"""The WebSocket `/ws/events`: events as they commit, for whom the portal admits.

Each message is `{"id", "type", "property_id", "occurred_at", "data"}`. A follower that falls behind, that does not take
what is sent, or that may not follow any longer, is cut off; with `?after=` of the last event that it has, it misses
nothing. Granian sends no close code: a follower that comes back learns from the handshake whether it may.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import orjson
import structlog
from granian._granian import RSGIProtocolClosed as ProtocolClosed

from innsync.apps.accounts import selectors
from innsync.apps.events import kinds, stream
from innsync.apps.events.stream import HANDSHAKE, StreamedEvent
from innsync.config.bridge import Bridge
from innsync.config.environ import environ_of
from innsync.config.hub import Hub

log = structlog.get_logger()
PATH = "/ws/events"
WAITING = 1_000
"""Events that may wait for a slow follower."""
ADMITTED_AGAIN_EVERY_S = 30.0
KEYS_LOOKED_AT_EVERY_S = 0.4
"""A key that was withdrawn holds within a second everywhere: also for whoever came by it."""
SENT_WITHIN_S = 10.0
"""So long a follower may take for one message, before it is cut off."""
MOST_MADE = 64
_made: dict[tuple[UUID, bool], str] = {}
"""Messages by their event, and whether they are for programs."""
MOST_OF_A_PERSON, MOST_OF_A_KEY, MOST_OF_A_PROCESS = 20, 100, 1_000


@dataclass(frozen=True, slots=True)
class Admission:
    """What somebody may follow; None: all of the kind. person: the user's id, or what names a program with all its keys.

    kinds: types, or their first words. key_id: a program's, which is shown what programs are.
    """

    person: str
    organization_id: UUID
    properties: frozenset[UUID] | None
    kinds: frozenset[str] | None
    after: int
    key_id: UUID | None = None

    @property
    def most(self) -> int:
        return MOST_OF_A_KEY if self.key_id else MOST_OF_A_PERSON

    def shows(self, event: StreamedEvent) -> bool:
        return (self.properties is None or event.property_id in self.properties) and (
            self.kinds is None or event.type in self.kinds or event.type.partition(".")[0] in self.kinds
        )


class Sockets:
    """The sockets of one web process."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._hub: Hub | None = None
        self._open: Counter[str] = Counter()
        self._by_key: dict[UUID, set[_Follower]] = {}
        self._looking: asyncio.Task[None] | None = None

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._hub = Hub(loop)

    def end(self) -> None:
        """The server itself cuts all followers off when it ends."""
        if self._hub is not None:
            self._hub.end()

    async def serve(self, scope: Any, proto: Any) -> None:
        """One socket, until either side closes it."""
        door = _Door()
        admission = await self._admit(scope, door)
        if isinstance(admission, int):
            proto.close(admission)
            return
        assert self._hub is not None, "begun"
        hub, follower = self._hub, _Follower(admission, door)
        if self._open[admission.person] >= admission.most or self._open.total() >= MOST_OF_A_PROCESS:
            proto.close(429)
            return
        self._open[admission.person] += 1
        self._know_by_key(follower)
        try:
            await self._bridge.run(lambda: hub.join(admission.organization_id, follower.take))
            transport = await proto.accept()
            with contextlib.suppress(ProtocolClosed):
                with contextlib.suppress(TimeoutError):  # it does not take what it is sent
                    await self._follow(scope, transport, follower)
                proto.close(None)
        except TimeoutError:
            proto.close(503)
        finally:
            self._forget_by_key(follower)
            self._open[admission.person] -= 1
            self._open += Counter()  # forgets who has none
            hub.leave(admission.organization_id, follower.take)

    async def _admit(self, scope: Any, door: _Door) -> Admission | int:
        """What the portal says, or the status with which it refuses."""
        if scope.path != PATH:
            return 404
        environ = environ_of(scope, io.BytesIO())
        answer = await self._bridge.call(environ | {"REQUEST_METHOD": "GET", HANDSHAKE: door.shown})
        if answer.status != 200 or answer.body is None:
            return answer.status
        said = orjson.loads(answer.body)
        door.shown = said["pass"]
        return Admission(
            said["person"],
            UUID(said["organization_id"]),
            None if said["property_ids"] is None else frozenset(map(UUID, said["property_ids"])),
            None if said["kinds"] is None else frozenset(said["kinds"]),
            said["after"],
            UUID(said["key_id"]) if said["key_id"] else None,
        )

    def _know_by_key(self, follower: _Follower) -> None:
        if follower.admission.key_id is not None:
            self._by_key.setdefault(follower.admission.key_id, set()).add(follower)
            if self._looking is None or self._looking.done():
                self._looking = asyncio.ensure_future(self._look_at_keys())

    def _forget_by_key(self, follower: _Follower) -> None:
        key_id = follower.admission.key_id
        if key_id is not None:
            self._by_key[key_id].discard(follower)
            if not self._by_key[key_id]:
                del self._by_key[key_id]

    async def _look_at_keys(self) -> None:
        """End the sockets of keys that were withdrawn or are past their end, for as long as there are any by keys.

        Without the database nobody can tell; nor is there an event to be told then.
        """
        while self._by_key:
            await asyncio.sleep(KEYS_LOOKED_AT_EVERY_S)
            asked = list(self._by_key)
            try:
                living = await self._bridge.run(partial(selectors.living_keys, asked, datetime.now(UTC)))
            except Exception:
                log.warning("keys_not_looked_at", exc_info=True)
                continue
            for key_id in asked:
                if key_id not in living:
                    for follower in self._by_key.get(key_id, ()):
                        follower.not_admitted.set()

    async def _follow(self, scope: Any, transport: Any, follower: _Follower) -> None:
        """Until something ends it."""
        tasks = {
            asyncio.ensure_future(self._send(transport, follower)),
            asyncio.ensure_future(_until_closed(transport)),
            asyncio.ensure_future(follower.not_admitted.wait()),
            asyncio.ensure_future(self._until_not_admitted(scope, follower)),
        }
        done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for error in [task.exception() for task in done]:
            if error is not None:
                raise error

    async def _send(self, transport: Any, follower: _Follower) -> None:
        after, line = follower.admission.after, _Line(transport)
        while missed := await self._bridge.run(
            partial(stream.read, organization_id=follower.admission.organization_id, after=after)
        ):
            for event in missed:
                await follower.tell(line, event)
            after = missed[-1].position
        await follower.go_on(line)

    async def _until_not_admitted(self, scope: Any, follower: _Follower) -> None:
        """Somebody may have signed out, or may see less than before."""
        while True:
            await asyncio.sleep(ADMITTED_AGAIN_EVERY_S)
            admission = await self._admit(scope, follower.door)
            if isinstance(admission, int) or admission.organization_id != follower.admission.organization_id:
                return
            follower.admission = admission


class _Line:
    """Sends one message after the other. Each is waited for with the next one only: a thousand followers are told of an
    event before any of them is known to have it, at a tenth of what waiting takes.
    """

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._under_way: Any = None

    @property
    def free(self) -> bool:
        """Whether the message before went well, so that nothing need be waited for."""
        before = self._under_way
        return before is None or (before.done() and before.exception() is None)

    def post(self, text: str) -> None:
        """When it is free."""
        self._under_way = self._transport.send_str(text)

    async def send(self, text: str) -> None:
        """Raises what sending the message before came to, and TimeoutError when it does not end."""
        if not self.free:
            async with asyncio.timeout(SENT_WITHIN_S):
                await self._under_way
        self.post(text)


class _Door:
    """What a socket shows when it is asked again who it is: nothing at first."""

    def __init__(self) -> None:
        self.shown: dict[str, Any] | None = None


class _Follower:
    """One socket's place in the stream, and what waits to be sent to it."""

    def __init__(self, admission: Admission, door: _Door) -> None:
        self.admission, self.door = admission, door
        self.not_admitted = asyncio.Event()
        self._waiting: asyncio.Queue[StreamedEvent] = asyncio.Queue(WAITING)
        self._overrun = False
        self._sent = admission.after
        self._line: _Line | None = None
        """When all that was missed is sent, and nothing waits."""

    def take(self, event: StreamedEvent) -> None:
        """Send it at once where nothing is before it; most of the time nothing is."""
        line = self._line
        if line is not None and line.free:
            text = self._text_of(event)
            if text is not None:
                with contextlib.suppress(ProtocolClosed):  # whoever waits for the end learns of it
                    line.post(text)
            return
        self._line = None
        if not self._overrun:  # nothing is to follow what was left out
            try:
                self._waiting.put_nowait(event)
            except asyncio.QueueFull:
                self._overrun = True

    async def tell(self, line: _Line, event: StreamedEvent) -> None:
        """Raises what `_Line.send` does."""
        text = self._text_of(event)
        if text is not None:
            await line.send(text)

    async def go_on(self, line: _Line) -> None:
        """Send what comes, until events were left out since too many waited. Raises what `_Line.send` does."""
        while not self._overrun:
            while not self._waiting.empty():
                await self.tell(line, self._waiting.get_nowait())
            self._line = line
            await self.tell(line, await self._waiting.get())

    def _text_of(self, event: StreamedEvent) -> str | None:
        """None for what it has, and for what is not shown to it."""
        if event.position <= self._sent:
            return None
        self._sent = event.position
        return _message(event, program=self.admission.key_id is not None) if self.admission.shows(event) else None


def _message(event: StreamedEvent, *, program: bool) -> str:
    """Made once for all who are shown the same."""
    text = _made.get((event.id, program))
    if text is None:
        if len(_made) >= MOST_MADE:
            _made.clear()
        text = _made[event.id, program] = _make(event, program=program)
    return text


def _make(event: StreamedEvent, *, program: bool) -> str:
    shown = (
        kinds.shown(event)
        if program
        else {
            "id": event.id,
            "type": event.type,
            "property_id": event.property_id,
            "occurred_at": event.occurred_at,
            "data": event.data,
        }
    )
    return orjson.dumps(shown, option=orjson.OPT_UTC_Z).decode()


async def _until_closed(transport: Any) -> None:
    """What a follower says is nothing to us."""
    while (await transport.receive()).kind != 0:
        pass
