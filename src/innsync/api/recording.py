"""Has each call of a program or channel recorded, with what is known of it once it is answered."""

from __future__ import annotations

import re
import time
from functools import lru_cache
from uuid import UUID

import orjson
from django.http import HttpRequest, HttpResponse
from django.urls import resolve

from innsync.api import problems
from innsync.apps.accounts.models import User
from innsync.apps.accounts.selectors import Caller
from innsync.apps.accounts.services import hash_secret
from innsync.apps.calls.recorder import recorder
from innsync.apps.calls.writing import Answered

_OF_BOOKINGS = re.compile(r"^api/(booking-engine/)?bookings")
_API, _PAGES = "/api/", ("/api/docs", "/api/openapi.json")
_WEBHOOKS = "/api/webhooks/"
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def note(request: HttpRequest, response: HttpResponse) -> None:
    """What the answer says of the call, while it can still be read."""
    if _is_recorded(request.path_info):
        request.recorded = _problem_of(response), _booking_of(request, response)  # type: ignore[attr-defined]  # for `record`


def record(request: HttpRequest, response: HttpResponse, seconds: float, request_id: str) -> None:
    path = request.path_info
    if not _is_recorded(path):
        return
    caller: Caller | None = getattr(request, "caller", None)
    problem, booking = getattr(request, "recorded", None) or (_problem_of(response), "")
    from_channel = path.startswith(_WEBHOOKS)
    match = request.resolver_match
    key = request.headers.get("X-API-Key", "") if caller is None else ""
    recorder.add(
        Answered(
            at=time.time() - seconds,
            seconds=seconds,
            method=(request.method or "")[:10],
            route=match.route if match else "",
            path=path,
            status=response.status_code,
            request_id=request_id,
            address=request.META.get("REMOTE_ADDR", ""),
            organization_id=caller.organization_id if caller else getattr(request, "answered_for", None),
            key_id=caller.key_id if caller else None,
            caller=caller.prefix if caller else _vendor_of(path) if from_channel else _person(request),
            query=request.META.get("QUERY_STRING", ""),
            problem=problem,
            booking=booking,
            # What a channel sends is kept in the inbox. A body that was refused unread is not read for this.
            body=b"" if from_channel or request.method == "GET" else getattr(request, "_body", b""),
            tried=hash_secret(key) if key else "",
            door=_door_of(path) if from_channel else None,
        )
    )


def record_read(*, caller: Caller, path: str, query: str, address: str, seconds: float, request_id: str) -> None:
    """A program's reading call that was answered with 200 before it came to Django."""
    recorder.add(
        Answered(
            time.time() - seconds,
            seconds,
            "GET",
            route_of(path),
            path,
            200,
            request_id,
            address,
            caller.organization_id,
            caller.key_id,
            caller.prefix,
            query,
        )
    )


def record_webhook(*, path: str, address: str, seconds: float, request_id: str) -> None:
    """A channel's call that was answered with 200 before it came to Django."""
    recorder.add(
        Answered(
            time.time() - seconds,
            seconds,
            "POST",
            route_of(path),
            path,
            200,
            request_id,
            address,
            caller=_vendor_of(path),
            door=_door_of(path),
        )
    )


@lru_cache(maxsize=1_024)
def route_of(path: str) -> str:
    return resolve(path).route


def _is_recorded(path: str) -> bool:
    return path.startswith(_API) and not path.startswith(_PAGES)


def _person(request: HttpRequest) -> str:
    """Somebody who is signed in."""
    who = getattr(request, "auth", None)
    return who.email if isinstance(who, User) else ""


def _vendor_of(path: str) -> str:
    return path.removeprefix(_WEBHOOKS).partition("/")[0][:40]


def _door_of(path: str) -> UUID | None:
    found = _UUID.search(path)
    return UUID(found.group()) if found else None


def _problem_of(response: HttpResponse) -> str:
    """The last part of the problem's type."""
    if response.headers.get("Content-Type") != problems.MEDIA_TYPE:
        return ""
    return str(orjson.loads(response.content).get("type", "")).rpartition("/")[2]


def _booking_of(request: HttpRequest, response: HttpResponse) -> str:
    """The id of the booking that was asked for, made or found."""
    match = request.resolver_match
    if match is None or not _OF_BOOKINGS.match(match.route):
        return ""
    named = str(match.kwargs.get("booking_id", ""))
    if named or response.status_code not in (200, 201):
        return named
    said = orjson.loads(response.content)
    booking = said.get("booking", said) if isinstance(said, dict) else {}
    return str(booking.get("booking_id", "")) if isinstance(booking, dict) else ""
