"""What a hotel is, as Django said it last: given again on the event loop as long as nothing of the hotel has changed.

Django makes and counts the first answer of each kind. Whatever is out of the ordinary stays with it: refusals, publishable
keys, further pages, and whoever has an answer already and asks whether it still holds.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import psycopg
from django.conf import settings

from innsync.api.admission import Admission, Asked, is_plain_call, may_call, takes_gzip
from innsync.api.middleware import limit_headers, request_id_of
from innsync.api.quick import PATIENCE_S, Given
from innsync.api.security import calls_per_minute_of
from innsync.apps.accounts import selectors
from innsync.apps.accounts.models import Scope
from innsync.apps.rates.live import Changes, Live

MOST_BYTES, LARGEST = 32_000_000, 500_000
_PATH = re.compile(r"/api/booking-engine/(?:hotels/([^/]+)(?:/images)?|room-types/([^/]+)|amenities/([^/]+))")
_OF_ONE_CALL = frozenset({"x-request-id", "ratelimit", "ratelimit-policy"})

Place = tuple[UUID, str, bool]
"""An organization, a path, and whether the answer is compressed."""


class Blank(NamedTuple):
    """What Django is to say first. house: as it is known before Django reads it."""

    place: Place
    house: Changes


class _Kept(NamedTuple):
    house: Changes
    headers: list[tuple[str, str]]
    body: bytes


class KeptContent:
    """Of one event loop."""

    def __init__(self, admission: Admission, live: Live) -> None:
        self._admission = admission
        self._live = live
        self._answers: OrderedDict[Place, _Kept] = OrderedDict()
        self._bytes = 0

    async def answer(self, asked: Asked) -> Given | Blank | None:
        """None: ask Django. In either case nothing of it has been counted unless it is given here."""
        key, headers = key_of(asked.path), asked.headers
        if key is None or asked.query or "if-none-match" in headers or not is_plain_call(asked, key):
            return None
        caller, use = await self._admission.caller(headers, datetime.now(UTC))
        if caller is None or caller.publishable or not may_call(caller, asked, Scope.CONTENT_READ):
            return None
        house = await self._house(caller.organization_id, key)
        if house is None or not caller.may_see(house.property_id):
            return None
        place = caller.organization_id, asked.path, takes_gzip(headers.get("accept-encoding", ""))
        kept = self._answers.get(place)
        if kept is None or kept.house is not house:
            return Blank(place, house)
        allowance = await self._admission.take(str(caller.program_id), calls_per_minute_of(caller))
        if allowance is None:
            return None
        if use is not None:
            selectors.used(use)
        self._answers.move_to_end(place)
        request_id = request_id_of(headers.get("x-request-id", ""))
        told = [*kept.headers, *limit_headers(allowance), ("x-request-id", request_id)]
        return Given(told, kept.body, request_id, caller)

    def keep(self, blank: Blank, headers: list[tuple[str, str]], body: bytes) -> None:
        """What Django said with status 200, unless the hotel has changed since it was asked."""
        if not blank.house.current or len(body) > LARGEST:
            return
        self._drop(blank.place)
        told = [(name, value) for name, value in headers if name not in _OF_ONE_CALL]
        self._answers[blank.place] = _Kept(blank.house, told, body)
        self._bytes += len(body)
        while self._bytes > MOST_BYTES:
            self._drop(next(iter(self._answers)))

    def _drop(self, place: Place) -> None:
        old = self._answers.pop(place, None)
        self._bytes -= len(old.body) if old else 0

    async def _house(self, organization_id: UUID, key: str) -> Changes | None:
        """As recent as searches are."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._live.keep_up(settings.SEARCH_BEHIND_S)
                known = await self._live.house(organization_id, key)
        except (psycopg.Error, TimeoutError):
            return None  # Django meets it too, and says so
        return None if known is None else known.since


def key_of(path: str) -> str | None:
    """How a call names its hotel; None for a call of another kind."""
    found = _PATH.fullmatch(path)
    return None if found is None else next(filter(None, found.groups()))
