"""Channex API v1: its calls, one typed method each. No business words. Source: NOTES.md 1."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import httpx
import orjson

from innsync.integrations.errors import ContractBroken, OutcomeUnknown, Transient
from innsync.integrations.http import Session

API = "/api/v1"
PAGE_SIZE = 100  # the most there is; 10 when nothing is asked for
MAX_PAGES = 200
THREADS_PAGE = 50  # each thread costs a call of its own: a page of them fits into MESSAGE_LIMITS
ACCOUNT_LIMITS = ("account",)
MESSAGE_LIMITS = ("messages", "account")
ACK_TIMEOUT_S = 2.0
PAGE_TRIES = 3

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class WriteAnswer:
    """The answer to a write of availability or restrictions: the tasks it became, and the entries it refused."""

    tasks: tuple[str, ...]
    warnings: tuple[Json, ...]


class Client:
    """One account at Channex."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def write(
        self, endpoint: str, body: bytes, *, limits: Sequence[str], property_id: str, urgent: bool
    ) -> WriteAnswer:
        """POST /availability or /restrictions. `endpoint` is one of the two names."""
        answer = self._call(
            "POST",
            f"/{endpoint}",
            operation=f"write_{endpoint}",
            content=body,
            limits=limits,
            property_id=property_id,
            urgent=urgent,
        )
        tasks = [entry["id"] for entry in _entries(answer, "write") if isinstance(entry.get("id"), str)]
        # The key is missing when all went well, although the pages show an empty list.
        warnings = _meta(answer, "write").get("warnings", [])
        if not isinstance(warnings, list) or not all(isinstance(warning, dict) for warning in warnings):
            raise ContractBroken("the warnings are no list of objects", operation="write")
        return WriteAnswer(tuple(tasks), tuple(warnings))

    def availability(self, property_id: str, first: date, last: date) -> Json:
        """Rooms left by room type and date: {room_type_id: {date: count}}."""
        answer = self._call(
            "GET",
            "/availability",
            operation="read_availability",
            params=_range(property_id, first, last),
            limits=("availability",),
            property_id=property_id,
        )
        return _object(answer, "data", "read_availability")

    def restrictions(self, property_id: str, first: date, last: date, fields: Sequence[str]) -> Json:
        """Prices and restrictions by *occupancy option* and date: {option_id: {date: {field: value}}}. NOTES.md 2.7."""
        params = [*_range(property_id, first, last), ("filter[restrictions]", ",".join(fields))]
        answer = self._call(
            "GET",
            "/restrictions",
            operation="read_restrictions",
            params=params,
            limits=("restrictions",),
            property_id=property_id,
        )
        return _object(answer, "data", "read_restrictions")

    def property(self, property_id: str) -> Json:
        answer = self._call("GET", f"/properties/{property_id}", operation="read_property")
        return _object(answer, "data", "read_property")

    def room_types(self, property_id: str) -> list[Json]:
        return list(self._all("/room_types", "list_room_types", [("filter[property_id]", property_id)]))

    def rate_plans(self, property_id: str) -> list[Json]:
        return list(self._all("/rate_plans", "list_rate_plans", [("filter[property_id]", property_id)]))

    def feed(self, pages: int) -> Iterator[tuple[list[object], bool]]:
        """Revisions nobody acknowledged, oldest first, page by page, that many at most; with each whether there are more.

        Entries are as they came, of whatever kind: one that is no revision must not hide the others.
        """
        for page in range(1, pages + 1):
            entries, more = self._page("/booking_revisions/feed", "read_feed", [("order[inserted_at]", "asc")], page)
            yield entries, more
            if not more:
                return

    def revisions_since(self, property_id: str, since: datetime, page: int) -> tuple[list[object], bool]:
        """A page of the revisions that came in since then, newest first, acknowledged or not, entries as they came; and
        whether there are more.

        Newest first so that reading stops at `since` even where the filter should not be understood, and so that what
        comes in meanwhile moves others to a later page, never to one that was read. Pages count from 1.
        """
        if page > MAX_PAGES:
            words = f"more than {MAX_PAGES} pages"
            raise ContractBroken(words, vendor=self._session.vendor, operation="list_revisions")
        moment = since.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
        params = [
            ("filter[property_id]", property_id),
            ("filter[inserted_at][gte]", moment),
            ("order[inserted_at]", "desc"),
        ]
        entries, more = self._page_at_last("/booking_revisions", "list_revisions", params, page)
        for index, entry in enumerate(entries):
            attributes = entry.get("attributes") if isinstance(entry, dict) else None
            inserted_at = attributes.get("inserted_at") if isinstance(attributes, dict) else None
            if isinstance(inserted_at, str) and inserted_at < moment:
                return entries[:index], False
        return entries, more

    def acknowledge(self, revision_id: str) -> None:
        """Repeating it does no harm, so its answer is not awaited long."""
        path = f"/booking_revisions/{revision_id}/ack"
        self._call("POST", path, operation="acknowledge", timeout_s=min(ACK_TIMEOUT_S, self._session.timeout_s))

    def task(self, task_id: str) -> Json:
        """What became of an accepted write."""
        return _object(self._call("GET", f"/tasks/{task_id}", operation="read_task"), "data", "read_task")

    def webhooks(self) -> list[Json]:
        return list(self._all("/webhooks", "list_webhooks", []))

    def create_webhook(self, webhook: Mapping[str, object]) -> str:
        """Answers the new webhook's id."""
        body = orjson.dumps({"webhook": dict(webhook)})
        answer = _object(self._call("POST", "/webhooks", operation="create_webhook", content=body), "data", "webhook")
        return str(answer.get("id", ""))

    def update_webhook(self, webhook_id: str, webhook: Mapping[str, object]) -> None:
        body = orjson.dumps({"webhook": dict(webhook)})
        self._call("PUT", f"/webhooks/{webhook_id}", operation="update_webhook", content=body)

    def try_webhook(self, webhook: Mapping[str, object]) -> Json:
        """What the called address answered, as far as Channex says it."""
        body = orjson.dumps({"webhook": dict(webhook)})
        return self._call("POST", "/webhooks/test", operation="try_webhook", content=body)

    def message_threads(self, property_id: str, page: int) -> tuple[list[Json], bool]:
        """A page of a property's threads, and whether there are more. Pages count from 1."""
        operation = "list_threads"
        if page > MAX_PAGES:
            raise ContractBroken(f"more than {MAX_PAGES} pages", vendor=self._session.vendor, operation=operation)
        params = [("filter[property_id]", property_id)]
        entries, more = self._page_at_last(
            "/message_threads", operation, params, page, size=THREADS_PAGE, limits=MESSAGE_LIMITS
        )
        return _entries({"data": entries}, operation), more

    def messages(self, owner: str) -> list[Json]:
        """All messages of `owner`, the path of a thread or of a booking."""
        return list(self._all(f"{owner}/messages", "list_messages", [], limits=MESSAGE_LIMITS))

    def send_message(self, owner: str, text: str) -> Json:
        """Say something to the guest. It has no key of ours: after a lost answer, the thread tells whether it was said."""
        body = orjson.dumps({"message": {"message": text}})
        answer = self._call("POST", f"{owner}/messages", operation="send_message", content=body)
        return _object(answer, "data", "send_message")

    def _all(
        self, path: str, operation: str, params: Sequence[tuple[str, str]], limits: Sequence[str] = ACCOUNT_LIMITS
    ) -> Iterator[Json]:
        """The entries of every page. Raises ContractBroken when one is no object, or the pages do not end."""
        for entry in self._every(path, operation, params, limits):
            if not isinstance(entry, dict):
                raise ContractBroken("data is no list of objects", vendor=self._session.vendor, operation=operation)
            yield entry

    def _every(
        self, path: str, operation: str, params: Sequence[tuple[str, str]], limits: Sequence[str]
    ) -> Iterator[object]:
        """The entries of every page as they came. Raises ContractBroken when the pages do not end."""
        for page in range(1, MAX_PAGES + 1):
            entries, more = self._page_at_last(path, operation, params, page, limits=limits)
            yield from entries
            if not more:
                return
        raise ContractBroken(f"more than {MAX_PAGES} pages", vendor=self._session.vendor, operation=operation)

    def _page_at_last(
        self,
        path: str,
        operation: str,
        params: Sequence[tuple[str, str]],
        page: int,
        *,
        size: int | None = None,
        limits: Sequence[str] = ACCOUNT_LIMITS,
    ) -> tuple[list[object], bool]:
        """A list of a hundred pages must not begin anew because one of them failed."""
        for _ in range(PAGE_TRIES - 1):
            with contextlib.suppress(OutcomeUnknown, Transient):
                return self._page(path, operation, params, page, size=size, limits=limits)
        return self._page(path, operation, params, page, size=size, limits=limits)

    def _page(
        self,
        path: str,
        operation: str,
        params: Sequence[tuple[str, str]],
        page: int,
        *,
        size: int | None = None,
        limits: Sequence[str] = ACCOUNT_LIMITS,
    ) -> tuple[list[object], bool]:
        size = size or PAGE_SIZE
        paging = [("pagination[page]", str(page)), ("pagination[limit]", str(size))]
        answer = self._call("GET", path, operation=operation, params=[*params, *paging], limits=limits)
        entries = _list(answer, operation)
        total = _meta(answer, operation).get("total")
        if isinstance(total, int):
            return entries, bool(entries) and total > page * size
        return entries, len(entries) >= size

    def _call(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        content: bytes | None = None,
        params: Sequence[tuple[str, str]] | None = None,
        limits: Sequence[str] = ACCOUNT_LIMITS,
        property_id: str = "",
        urgent: bool = False,
        timeout_s: float | None = None,
    ) -> Json:
        response = self._session.request(
            method,
            "api",
            API + path,
            operation=operation,
            content=content,
            headers={"user-api-key": self._session.credentials["api_key"], "content-type": "application/json"},
            params=params,
            limits=limits,
            property_id=property_id,
            urgent=urgent,
            timeout_s=timeout_s,
        )
        return self._read(response, operation)

    def _read(self, response: httpx.Response, operation: str) -> Json:
        try:
            answer = orjson.loads(response.content)
        except orjson.JSONDecodeError as error:
            raise ContractBroken("the answer is no JSON", vendor=self._session.vendor, operation=operation) from error
        if not isinstance(answer, dict) or "errors" in answer:
            raise ContractBroken("the answer is no object with data", vendor=self._session.vendor, operation=operation)
        return answer


def _range(property_id: str, first: date, last: date) -> list[tuple[str, str]]:
    return [
        ("filter[property_id]", property_id),
        ("filter[date][gte]", first.isoformat()),
        ("filter[date][lte]", last.isoformat()),
    ]


def _object(answer: Json, key: str, operation: str) -> Json:
    value = answer.get(key)
    if not isinstance(value, dict):
        raise ContractBroken(f"{key} is no object", operation=operation)
    return value


def _list(answer: Json, operation: str) -> list[object]:
    value = answer.get("data")
    if not isinstance(value, list):
        raise ContractBroken("data is no list", operation=operation)
    return value


def _entries(answer: Json, operation: str) -> list[Json]:
    value = _list(answer, operation)
    objects = [entry for entry in value if isinstance(entry, dict)]
    if len(objects) < len(value):
        raise ContractBroken("data is no list of objects", operation=operation)
    return objects


def _meta(answer: Json, operation: str) -> Json:
    value = answer.get("meta", {})
    if not isinstance(value, dict):
        raise ContractBroken("meta is no object", operation=operation)
    return value
