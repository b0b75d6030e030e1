"""What an adapter asks its vendor and what it is answered, kept, so that the answers can be given again, garbled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from innsync.integrations.conformance.case import AdapterCase, connected
from innsync.integrations.ports import AckItem, RawMessage
from tests.fuzz.garbling import Edit, garble

Deed = Callable[[AdapterCase], object]
LAYOUT_NIGHTS = 3


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass
class Line(httpx.BaseTransport):
    """The way to the vendor: records while `answers` is being made, and gives what it has afterwards.

    garbled: which of the answers of a deed, and how.
    """

    vendor: httpx.BaseTransport = field(default_factory=httpx.HTTPTransport)
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    recording: bool = True
    garbled: tuple[int, Sequence[Edit]] = (0, ())
    given: int = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        key = (request.method, request.url.path)
        if self.recording:
            response = self.vendor.handle_request(request)
            self.answers[key] = Answer(response.status_code, response.headers.multi_items(), response.read())
            response.close()
            return self._give(self.answers[key], self.answers[key].body)
        number, changes = self.garbled
        kept = self.answers.get(key)
        if kept is None:  # asked for by what a garbled answer named
            return httpx.Response(404, content=b"{}")
        self.given += 1
        return self._give(kept, garble(kept.body, changes) if self.given - 1 == number else kept.body)

    def _give(self, kept: Answer, body: bytes) -> httpx.Response:
        left_out = {"content-length", "transfer-encoding", "content-encoding"}
        headers = [(name, value) for name, value in kept.headers if name.lower() not in left_out]
        return httpx.Response(kept.status, headers=headers, content=body)

    def close(self) -> None:
        self.vendor.close()


@dataclass
class Recorded:
    """A vendor whose answers are known: every deed was done once, and can be done again with garbled answers."""

    case: AdapterCase
    line: Line
    deeds: dict[str, Deed]
    messages: list[RawMessage]

    def again(self, name: str, number: int, changes: Sequence[Edit]) -> object:
        self.line.garbled, self.line.given = (number, changes), 0
        self.case.session = self.case.with_session(client=self.case.session.client)
        return self.deeds[name](self.case)


@contextmanager
def recorded(key: str) -> Iterator[Recorded]:
    line = Line()
    with connected(key) as case, httpx.Client(transport=line) as client:
        case.session = case.with_session(client=client)
        case.open()
        for first in (1, 4):
            case.book(first=first)
        messages = case.pull()
        deeds = {name: deed for name, deed in _deeds(case, messages) if name in case.installed.manifest.can}
        for deed in deeds.values():
            deed(case)
        line.recording = False
        yield Recorded(case, line, deeds, messages)


def _deeds(case: AdapterCase, messages: Sequence[RawMessage]) -> Iterator[tuple[str, Deed]]:
    """Everything that reads an answer, by the capability that it belongs to."""
    layouts = {case.room(): ("availability",), case.product(): tuple(case.terms().values)}
    since = datetime.now(UTC) - timedelta(days=1)
    yield "push_availability", lambda one: one.push(one.count(2, nights=1))
    yield "push_rates", lambda one: one.push(one.terms(nights=1))
    yield (
        "read_back",
        lambda one: one.adapter.read_back(one.session, one.prop, layouts, one.first, one.day(LAYOUT_NIGHTS)),
    )
    yield "pull_bookings", lambda one: one.adapter.pull_bookings(one.session)
    yield "list_bookings", lambda one: one.adapter.list_bookings(one.session, one.prop, since)
    yield "acknowledge", lambda one: one.adapter.acknowledge(one.session, [_item(message) for message in messages])
    yield "catalogue", _look_at_the_catalogue
    if "messages" in case.installed.manifest.can:
        case.world.message({"booking": messages[0].booking_ref, "text": "May we come late?"})
        [thread, *_] = case.adapter.list_threads(case.session, case.prop, since).threads

        def converse(one: AdapterCase) -> None:
            one.adapter.list_threads(one.session, one.prop, since)
            one.adapter.read_thread(one.session, one.prop, thread.ref)
            one.adapter.send_message(one.session, one.prop, thread.ref, "Yes.")

        yield "messages", converse


def _look_at_the_catalogue(one: AdapterCase) -> None:
    one.adapter.check_access(one.session, one.prop)
    one.adapter.list_rooms(one.session, one.prop)


def _item(message: RawMessage) -> AckItem:
    about: dict[str, Any] = {"confirmation": "INN-1", "received_at": datetime.now(UTC)}
    return AckItem(
        message.message_id, message.property_ref, message.booking_ref, acknowledge=message.acknowledge, **about
    )
