"""Bodies and headers of good answers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from innsync.api import problems
from innsync.apps.accounts import idempotency
from innsync.apps.accounts.idempotency import StoredAnswer
from innsync.apps.accounts.selectors import Caller
from innsync.apps.accounts.tenancy import tenant
from innsync.domain.errors import DomainError
from innsync.domain.money import minor_digits

LONGEST_KEY = 255
CONTENT_LIVES_S = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a JSON body, and headers."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


def money(minor: int, currency: str) -> dict[str, str]:
    return {"amount": amount(minor, currency), "currency": currency}


def amount(minor: int, currency: str) -> str:
    """The bare decimal string, where the currency stands beside it already.

    The same as `str(Money(...))`, several times as fast: an answer holds hundreds of amounts.
    """
    digits = minor_digits(currency)
    if not digits:
        return str(minor)
    whole, part = divmod(abs(minor), 10**digits)
    return f"{'-' if minor < 0 else ''}{whole}.{part:0{digits}}"


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC, to the millisecond where it has any."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z").replace(".000Z", "Z")


def give(answer: Answer) -> HttpResponse:
    return _response(
        StoredAnswer(answer.status, answer.headers, b"" if answer.body is None else orjson.dumps(answer.body))
    )


def _response(stored: StoredAnswer) -> HttpResponse:
    kind = problems.MEDIA_TYPE if stored.status >= 400 else "application/json"
    response = HttpResponse(stored.body, status=stored.status, content_type=kind)
    if not stored.body:
        del response["Content-Type"]
    for name, value in stored.headers.items():
        response[name] = value
    if "Cache-Control" not in response:
        response["Cache-Control"] = "no-store"
    return response


def content(request: HttpRequest, body: Any) -> HttpResponse:
    """What changes seldom: with an ETag, and 304 for a client that has it already."""
    packed = orjson.dumps(body)
    tag = f'"{hashlib.sha256(packed).hexdigest()[:32]}"'
    known = {one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")}
    headers = {"ETag": tag, "Cache-Control": f"private, max-age={CONTENT_LIVES_S}"}
    if tag in known or "*" in known:
        return _response(StoredAnswer(304, headers, b""))
    return _response(StoredAnswer(200, headers, packed))


def once(request: HttpRequest, caller: Caller, work: Callable[[], Answer], *, now: datetime) -> HttpResponse:
    """Do the work in one transaction of the caller's organization; with an Idempotency-Key, never twice.

    A refusal undoes the work but is kept under the key as its answer; a fault keeps nothing, so that it may be repeated.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        with tenant(caller.organization_id):
            return give(work())
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise problems.invalid(("/Idempotency-Key", f"must be 1 to {LONGEST_KEY} visible ASCII characters"))
    whose = {"organization_id": caller.organization_id, "program_id": caller.program_id, "key": key}
    digest = idempotency.request_hash(method=request.method or "", path=request.path, body=request.body)
    with tenant(caller.organization_id):
        known = idempotency.claim(**whose, request_hash=digest, now=now)  # type: ignore[arg-type]
        if known is not None:
            response = _response(known)
            response["Idempotent-Replayed"] = "true"
            return response
        stored = _attempt(request, work)
        idempotency.keep(**whose, answer=stored)  # type: ignore[arg-type]
    return _response(stored)


def _attempt(request: HttpRequest, work: Callable[[], Answer]) -> StoredAnswer:
    try:
        with transaction.atomic():
            answer = work()
        return StoredAnswer(answer.status, answer.headers, orjson.dumps(answer.body))
    except (DomainError, problems.Problem) as refusal:
        refused = problems.answer(problems.of_error(refusal), request)
        kept = {name: refused[name] for name in ("ETag", "Retry-After") if name in refused}
        return StoredAnswer(refused.status_code, kept, refused.content)
