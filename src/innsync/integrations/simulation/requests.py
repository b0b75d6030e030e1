"""What a vendor saw: a bounded log of requests, and how it is shown without secrets."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from innsync.integrations.simulation.world import Clock

ENTRIES_KEPT = 20_000
EXCERPT_BYTES = 64_000
EXCERPTS_KEPT_BYTES = 16_000_000

_NAMES = (
    r"password|passwd|pwd|client_?secret|secret|api[_-]?key|user-api-key|access_?token|refresh_?token|token|"
    r"authorization|jwt|cvv|cvc2?|cvv2|series_?code|security_?code|card_?code"
)
_NAMED_SECRET = re.compile(rf"(?i)((?:{_NAMES})[\"']?\s*[=:>]\s*[\"']?)(?!\s)([^\"'&<>,}}\s]+)")
_UUID = r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
_AN_ID = re.compile(_UUID)
_DIGITS = re.compile(rf"{_UUID}|(?<![\w.])\d(?:[ -]?\d){{12,18}}(?![\w.])")


def redact(text: str) -> str:
    """The text with values of secret-looking names and everything that could be a card number starred out.

    Some UUIDs have only digits where a card number has them.
    """
    return _DIGITS.sub(_star_card, _NAMED_SECRET.sub(r"\1***", text))


def _star_card(match: re.Match[str]) -> str:
    if _AN_ID.fullmatch(match[0]):
        return match[0]
    digits = [int(mark) for mark in match[0] if mark.isdigit()]
    return "*" * len(match[0]) if _luhn(digits) else match[0]


def _luhn(digits: list[int]) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = [value * 2 - 9 * (value > 4) if index % 2 else value for index, value in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


@dataclass(slots=True)
class Seen:
    """One request, or one call that the vendor made. `status` is None when no answer was given."""

    id: int
    time: datetime
    method: str
    path: str
    query: str
    size: int
    status: int | None
    answer_size: int
    verdict: str
    duration_ms: float
    operation: str
    body: bytes = b""
    answer: bytes = b""

    def describe(self, *, body: bool) -> dict[str, Any]:
        found: dict[str, Any] = {
            "id": self.id,
            "time": self.time.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "method": self.method,
            "path": self.path,
            "query": redact(self.query),
            "size": self.size,
            "status": self.status,
            "answer_size": self.answer_size,
            "verdict": self.verdict,
            "duration_ms": round(self.duration_ms, 3),
            "operation": self.operation,
        }
        if body:
            found["body"] = redact(self.body.decode("utf-8", "replace"))
            found["answer"] = redact(self.answer.decode("utf-8", "replace"))
        return found


class RequestLog:
    """The latest requests by ascending id. Excerpts of bodies are dropped sooner than the entries."""

    def __init__(self, entries: int = ENTRIES_KEPT, excerpt_bytes: int = EXCERPTS_KEPT_BYTES) -> None:
        self._entries: deque[Seen] = deque(maxlen=entries)
        self._with_excerpt: deque[Seen] = deque()
        self._excerpt_bytes = 0
        self._excerpt_limit = excerpt_bytes
        self.last_id = 0

    def add(self, seen: Seen) -> None:
        self.last_id += 1
        seen.id = self.last_id
        self._entries.append(seen)
        self._with_excerpt.append(seen)
        self._excerpt_bytes += len(seen.body) + len(seen.answer)
        while self._excerpt_bytes > self._excerpt_limit or len(self._with_excerpt) > len(self._entries):
            oldest = self._with_excerpt.popleft()
            self._excerpt_bytes -= len(oldest.body) + len(oldest.answer)
            oldest.body = oldest.answer = b""

    def after(self, seen_id: int, limit: int) -> list[Seen]:
        """The entries with a greater id, oldest first."""
        if not self._entries or seen_id >= self.last_id:
            return []
        start = max(0, seen_id + 1 - self._entries[0].id)
        return list(islice(self._entries, start, start + limit))

    def clear(self) -> None:
        """Forget the entries; ids go on from where they are, so that a reader misses nothing later."""
        self._entries.clear()
        self._with_excerpt.clear()
        self._excerpt_bytes = 0


class RecordingMiddleware:
    """Writes each request to the log when it has been answered, or when it is sure that it never will be."""

    def __init__(self, app: ASGIApp, *, seen: RequestLog, clock: Clock, on_request: Callable[[], None]) -> None:
        self.app = app
        self.seen = seen
        self.clock = clock
        self.on_request = on_request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        recording = _Recording(scope, receive, send, self.clock)

        def finish() -> None:
            if recording.open:
                recording.open = False
                self.seen.add(recording.entry())
                self.on_request()

        scope["state"] = {"unanswered": finish}
        try:
            await self.app(scope, recording.receive, recording.send)
        except Exception:
            scope["state"].setdefault("verdict", "crashed")
            recording.status = recording.status or 500
            raise
        finally:
            finish()


class _Recording:
    """One request while it is served."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, clock: Clock) -> None:
        self.scope = scope
        self.open = True
        self.status: int | None = None
        self._started = time.perf_counter()
        self._at = clock.now()
        self._path = scope["path"].removeprefix(scope.get("root_path", ""))
        self._receive = receive
        self._send = send
        self._body = bytearray()
        self._size = 0
        self._answer = bytearray()
        self._answer_size = 0

    async def receive(self) -> Message:
        message = await self._receive()
        part = message.get("body", b"")
        self._size += len(part)
        self._body += part[: EXCERPT_BYTES - len(self._body)]
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        part = message.get("body", b"")
        self._answer_size += len(part)
        self._answer += part[: EXCERPT_BYTES - len(self._answer)]
        await self._send(message)

    def entry(self) -> Seen:
        state = self.scope["state"]
        verdict = "ok" if self.status is not None and self.status < 400 else "refused"
        return Seen(
            id=0,
            time=self._at,
            method=self.scope["method"],
            path=self._path,
            query=self.scope.get("query_string", b"").decode("latin-1"),
            size=self._size,
            status=self.status,
            answer_size=self._answer_size,
            verdict=str(state.get("verdict", verdict)),
            duration_ms=(time.perf_counter() - self._started) * 1000,
            operation=str(state.get("operation", "")),
            body=bytes(self._body),
            answer=bytes(self._answer),
        )
