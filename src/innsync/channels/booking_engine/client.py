"""The engine's protocol: its calls, one typed method each. No business words. Source: NOTES.md 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from innsync.integrations.errors import ContractBroken, NeedsSetup
from innsync.integrations.http import Session

LIMITS = ("calls",)
PAGE = 100
CONFLICT = 409
Json = dict[str, Any]


class Client:
    """One engine."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def hotel(self, hotel_id: str) -> Json:
        return self._call("GET", _hotel(hotel_id), operation="read_hotel")

    def write_ari(self, hotel_id: str, body: bytes, *, urgent: bool) -> Json:
        return self._call("PUT", f"{_hotel(hotel_id)}/ari", operation="write_ari", content=body, urgent=urgent)

    def read_ari(self, hotel_id: str, first: date, last: date) -> list[Json]:
        params = {"from": first.isoformat(), "to": last.isoformat()}
        answer = self._call("GET", f"{_hotel(hotel_id)}/ari", operation="read_ari", params=params)
        return _objects(answer, "days", "read_ari")

    def waiting(self) -> tuple[list[object], bool]:
        """Bookings of which nobody acknowledged the newest version, of all hotels; and whether there are more."""
        answer = self._call("GET", "/bookings/waiting", operation="list_waiting", params={"limit": str(PAGE)})
        return _entries(answer, "bookings", "list_waiting"), answer.get("more") is True

    def changed_since(self, hotel_id: str, since: datetime, after: str) -> tuple[list[object], str]:
        """A page of the bookings changed since then, the longest ago first; and where the next page begins."""
        moment = since.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        params = {"changed_since": moment, "limit": str(PAGE)} | ({"after": after} if after else {})
        answer = self._call("GET", f"{_hotel(hotel_id)}/bookings", operation="list_bookings", params=params)
        following = answer.get("next") or ""
        if not isinstance(following, str):
            raise _broken("next is no text", "list_bookings")
        return _entries(answer, "bookings", "list_bookings"), following

    def acknowledge(self, items: Sequence[Mapping[str, object]]) -> Json:
        content = orjson.dumps({"items": items})
        return self._call("POST", "/bookings/acknowledge", operation="acknowledge", content=content)

    def put_booking(self, hotel_id: str, our_id: str, body: bytes, *, key: str) -> tuple[bool, Json]:
        """Answers whether it was taken, and what was said; if not, `booking` there is what the engine holds."""
        path = f"{_hotel(hotel_id)}/bookings/{quote(our_id, safe='')}"
        answer = self._call(
            "PUT",
            path,
            operation="put_booking",
            content=body,
            headers={"idempotency-key": key},
            accept=(CONFLICT,),
        )
        return answer.get("code") != "changed_there", answer

    def register_webhook(self, hotel_id: str, url: str, secret: str) -> str:
        content = orjson.dumps({"url": url, "secret": secret})
        answer = self._call("PUT", f"{_hotel(hotel_id)}/webhook", operation="register_webhook", content=content)
        return str(answer.get("id") or "")

    def _call(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        urgent: bool = False,
        accept: Sequence[int] = (),
    ) -> Json:
        """Raises NeedsSetup where nobody said which address the engine has, ContractBroken for what is no JSON object."""
        if not has_address(self._session):
            raise NeedsSetup("the engine has no address here: enter one first", operation=operation)
        told = {"accept": "application/json", **(headers or {})}
        if key := self._session.credentials.get("api_key"):
            told["authorization"] = f"Bearer {key}"
        if content is not None:
            told["content-type"] = "application/json"
        response = self._session.request(
            method,
            "api",
            path,
            operation=operation,
            content=content,
            headers=told,
            params=params,
            limits=LIMITS,
            urgent=urgent,
            accept=accept,
        )
        return _read(response, operation)


def has_address(session: Session) -> bool:
    return bool(session.base_urls.get("api"))


def _hotel(hotel_id: str) -> str:
    return f"/hotels/{quote(hotel_id, safe='')}"


def _read(response: httpx.Response, operation: str) -> Json:
    try:
        found = orjson.loads(response.content)
    except orjson.JSONDecodeError as error:
        raise _broken("the answer is no JSON", operation) from error
    if not isinstance(found, dict):
        raise _broken("the answer is no object", operation)
    return found


def _entries(answer: Json, name: str, operation: str) -> list[object]:
    found = answer.get(name)
    if not isinstance(found, list):
        raise _broken(f"{name} is no list", operation)
    return found


def _objects(answer: Json, name: str, operation: str) -> list[Json]:
    found = _entries(answer, name, operation)
    if not all(isinstance(one, dict) for one in found):
        raise _broken(f"{name} is no list of objects", operation)
    return [one for one in found if isinstance(one, dict)]


def _broken(words: str, operation: str) -> ContractBroken:
    return ContractBroken(words, vendor="booking_engine", operation=operation)
