"""A hop on the way between two parties that can be cut, and that sees when an answer goes by."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

State = Literal["open", "silent", "reset"]
PIECE_BYTES = 65_536
START_LIMIT_S = 10.0


@dataclass(slots=True)
class Ambush:
    """Springs at the answer of that number from now on. spring: given the port that the caller calls from.

    told: the answer is passed on afterwards; else the connection breaks.
    """

    answer: int
    told: bool
    spring: Callable[[int], None]


class Gate:
    """Passes on what comes to its port. `silent`: nothing gets through, as when packets are dropped; later it does.

    `reset`: connections break, and new ones too.
    """

    def __init__(self, target: int, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.target = target
        self.host = host
        self.port = port
        self.ambush: Ambush | None = None
        self._state: State = "open"
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gate", daemon=True)
        self._thread.start()
        if not self._ready.wait(START_LIMIT_S):
            raise OSError("the gate did not open")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def set(self, state: State) -> None:
        """Cut, or let through again."""
        self._loop.call_soon_threadsafe(self._change, state)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(START_LIMIT_S)

    # --- in the gate's own thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._over, self._open = asyncio.Event(), asyncio.Event()
        self._open.set()
        self._ways: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._take, self.host, self.port)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for way in list(self._ways):
            _break(way)

    def _change(self, state: State) -> None:
        self._state = state
        if state == "silent":
            self._open.clear()
        else:
            self._open.set()
        if state == "reset":
            for way in list(self._ways):
                _break(way)

    async def _take(self, reader: asyncio.StreamReader, caller: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._ways.add(caller)
        try:
            if self._state == "reset":
                return
            await self._open.wait()
            back, there = await asyncio.open_connection("127.0.0.1", self.target)
            self._ways.add(there)
            port = caller.get_extra_info("peername")[1]
            try:
                await asyncio.gather(self._pass(reader, there), self._pass(back, caller, caller_port=port))
            finally:
                self._ways.discard(there)
                _break(there)
        except (OSError, asyncio.CancelledError):  # asyncio's streams would log a task that was cancelled
            return
        finally:
            self._tasks.discard(task)
            self._ways.discard(caller)
            _break(caller)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, caller_port: int | None = None
    ) -> None:
        """caller_port: where what passes here are answers."""
        while data := await reader.read(PIECE_BYTES):
            await self._open.wait()
            if caller_port is not None and not await self._let_by(caller_port):
                raise ConnectionResetError
            writer.write(data)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()

    async def _let_by(self, caller_port: int) -> bool:
        ambush = self.ambush
        if ambush is None:
            return True
        ambush.answer -= 1
        if ambush.answer > 0:
            return True
        self.ambush = None
        await asyncio.to_thread(ambush.spring, caller_port)
        return ambush.told


def _break(way: asyncio.StreamWriter) -> None:
    """End it at once, as a reset tells."""
    with contextlib.suppress(OSError, AttributeError):
        way.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    way.transport.abort()
