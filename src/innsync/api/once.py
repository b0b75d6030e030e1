"""Work at a hotel in one transaction, and never twice for one Idempotency-Key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import psycopg
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from innsync.api import problems
from innsync.api.answers import Answer, as_response, packed
from innsync.api.finding import find_house
from innsync.apps.accounts import idempotency
from innsync.apps.accounts.idempotency import IdempotencyMismatch, StoredAnswer
from innsync.apps.accounts.selectors import Caller
from innsync.apps.accounts.tenancy import swiftly, tenant, together, untouched
from innsync.apps.inventory.services import refusals_told
from innsync.apps.rates.selectors import House
from innsync.domain.errors import DomainError

LONGEST_KEY = 255
Work = Callable[[House], Answer]


@dataclass(frozen=True, slots=True)
class _Key:
    """A request that names itself."""

    organization_id: UUID
    program_id: UUID
    key: str
    request_hash: str

    def ask(self) -> Callable[[], StoredAnswer | None]:
        return idempotency.ask(
            organization_id=self.organization_id,
            program_id=self.program_id,
            key=self.key,
            request_hash=self.request_hash,
        )

    def keep(self, answer: StoredAnswer, now: datetime) -> None:
        idempotency.keep(
            organization_id=self.organization_id,
            program_id=self.program_id,
            key=self.key,
            request_hash=self.request_hash,
            answer=answer,
            now=now,
        )


def once(request: HttpRequest, caller: Caller, hotel: str, work: Work, *, now: datetime) -> HttpResponse:
    """Do the work at the caller's hotel in one transaction; with an Idempotency-Key, never twice.

    A refusal undoes the work but is kept under the key as its answer; a fault keeps nothing, so that it may be repeated.
    """
    key = _key(request, caller)
    try:
        return _try(request, caller, hotel, work, key, now)
    except (DatabaseError, psycopg.DatabaseError) as error:
        if key is None or not idempotency.is_used(error):
            raise
    return _try(request, caller, hotel, work, key, now)  # whoever had the key first has its answer there by now


def _try(request: HttpRequest, caller: Caller, hotel: str, work: Work, key: _Key | None, now: datetime) -> HttpResponse:
    try:
        with refusals_told(), swiftly(caller.organization_id):
            return _answer(request, caller, hotel, work, key, now)
    except (DomainError, problems.Problem) as refusal:
        if key is None or isinstance(refusal, IdempotencyMismatch):
            raise
        stored = _refused(request, refusal)
    with tenant(caller.organization_id):
        key.keep(stored, now)
    return as_response(stored)


def _answer(
    request: HttpRequest, caller: Caller, hotel: str, work: Work, key: _Key | None, now: datetime
) -> HttpResponse:
    """Raises a refusal of which something has to be undone."""
    asked = key.ask() if key else None
    house = _find(caller, hotel)
    if asked is not None and (known := asked()) is not None:
        response = as_response(known)
        response["Idempotent-Replayed"] = "true"
        return response
    try:
        with together():
            if not isinstance(house, House):
                raise house
            answer = work(house)
            stored = StoredAnswer(answer.status, answer.headers, packed(answer.body))
            if key is not None:
                key.keep(stored, now)
    except (DomainError, problems.Problem) as refusal:
        if not untouched():
            raise
        stored = _refused(request, refusal)
        if key is not None:
            key.keep(stored, now)
    return as_response(stored)


def _find(caller: Caller, hotel: str) -> House | problems.Problem:
    try:
        return find_house(caller, hotel, "/hotel_id")
    except problems.Problem as refusal:
        return refusal


def _refused(request: HttpRequest, refusal: Exception) -> StoredAnswer:
    refused = problems.answer(problems.of_error(refusal), request)
    kept = {name: refused[name] for name in ("ETag", "Retry-After") if name in refused}
    return StoredAnswer(refused.status_code, kept, refused.content)


def _key(request: HttpRequest, caller: Caller) -> _Key | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise problems.invalid(("/Idempotency-Key", f"must be 1 to {LONGEST_KEY} visible ASCII characters"))
    digest = idempotency.request_hash(method=request.method or "", path=request.path, body=request.body)
    return _Key(caller.organization_id, caller.program_id, key, digest)
