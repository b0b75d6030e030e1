"""Searches and calendars while the database can't be reached: from the last picture of the hotel, marked `stale`.

Nothing can be booked by such an answer. It is for a website that would rather show what was there a moment ago than nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from urllib.parse import parse_qsl

import orjson
import psycopg

from innsync.api import cors
from innsync.api.admission import Asked, is_plain_call, may_call, read_token, takes_gzip
from innsync.api.answers import instant
from innsync.api.availability import days_between
from innsync.api.calendar_text import calendar_text
from innsync.api.fields import read_day
from innsync.api.finding import check_party, check_stay
from innsync.api.middleware import WORTH_COMPRESSING, limit_headers, request_id_of
from innsync.api.problems import Problem
from innsync.api.quick import HEADERS, PREFIX, Given, make_answer, understand
from innsync.api.security import calls_per_minute_of
from innsync.apps.accounts import limits, selectors
from innsync.apps.accounts.models import Scope
from innsync.apps.accounts.selectors import Caller
from innsync.apps.accounts.services import hash_secret
from innsync.apps.rates.live import Live
from innsync.apps.rates.pictures import Picture, Pictures
from innsync.apps.tokens import signing
from innsync.domain.errors import DomainError

TAKEN_EVERY_S = 5.0
_CALENDAR = "/calendar"


class LastKnown:
    """Of one event loop."""

    def __init__(self, live: Live) -> None:
        self._pictures = Pictures(live)
        self._taking: asyncio.Task[None] | None = None

    def keep(self) -> None:
        """Take pictures from now on, unless that is done already."""
        if self._taking is None or self._taking.done():
            self._taking = asyncio.ensure_future(self._take_for_ever())

    def end(self) -> None:
        if self._taking is not None:
            self._taking.cancel()

    def answer(self, asked: Asked) -> Given | None:
        """None where nothing can be said: whoever wants it fresh, unknown keys and hotels, what is known to have changed."""
        now = datetime.now(UTC)
        caller = _caller(asked.headers, now)
        if caller is None or not may_call(caller, asked, Scope.AVAILABILITY_READ):
            return None
        open_to = cors.headers_for(caller, asked.headers.get("origin", "")) if caller.publishable else []
        if caller.publishable and not open_to:
            return None
        show = self._calendar if asked.path.endswith(_CALENDAR) else self._offers
        try:
            body = show(asked, caller, now)
        except (Problem, DomainError):
            return None
        if body is None:
            return None
        allowance = limits.take_alone(key=str(caller.program_id), calls_per_minute=calls_per_minute_of(caller))
        if not allowance.granted:
            return None
        request_id = request_id_of(asked.headers.get("x-request-id", ""))
        vary = "Origin, Accept-Encoding" if open_to else "Accept-Encoding"
        told = [*HEADERS, *open_to, ("vary", vary), *limit_headers(allowance), ("x-request-id", request_id)]
        if len(body) >= WORTH_COMPRESSING and takes_gzip(asked.headers.get("accept-encoding", "")):
            body = gzip.compress(body, 5)
            told.append(("content-encoding", "gzip"))
        told.append(("content-length", str(len(body))))
        return Given(told, body, request_id, caller)

    def _offers(self, asked: Asked, caller: Caller, now: datetime) -> bytes | None:
        understood = understand(asked)
        if understood is None:
            return None
        key, search = understood
        picture = self._picture(caller, key, now)
        if picture is None or search.fresh:
            return None
        stay = check_stay(picture.known.house, search.check_in, search.check_out, now)
        check_party(picture.known.house, list(search.party))
        rows = picture.rows(stay)
        if rows is None:
            return None
        made = make_answer(picture.known, 0, stay, search.party, rows, now, search.promo)
        return b"".join((made.before, instant(self._pictures.as_of).encode(), made.after[:-1], b',"stale":true}'))

    def _calendar(self, asked: Asked, caller: Caller, now: datetime) -> bytes | None:
        """Days of which the picture is known to be wrong are told as if nothing were left."""
        key = asked.path[len(PREFIX) : -len(_CALENDAR)]
        dates = _dates(asked.query) if is_plain_call(asked, key) else []
        picture = self._picture(caller, key, now) if dates else None
        if picture is None:
            return None
        house = picture.known.house
        types = house.present_types()
        days, left = picture.calendar(dates, types)
        about = {"hotel_id": str(house.id), "currency": house.currency, "as_of": instant(self._pictures.as_of)}
        room_types = orjson.Fragment(calendar_text(house, types, dates, days, left, now))
        return orjson.dumps({**about, "room_types": room_types, "stale": True})

    def _picture(self, caller: Caller, key: str, now: datetime) -> Picture | None:
        found = self._pictures.of(caller.organization_id, key, now)
        return found if found is not None and caller.may_see(found.known.house.id) else None

    async def _take_for_ever(self) -> None:
        while True:
            with contextlib.suppress(psycopg.Error, TimeoutError):
                async with asyncio.timeout(TAKEN_EVERY_S):
                    await self._pictures.take()
            await asyncio.sleep(TAKEN_EVERY_S)


def _dates(query: str) -> list[date]:
    """From the first to the last day; none for a range that is to be refused."""
    asked = parse_qsl(query)
    try:
        if sorted(name for name, _ in asked) != ["from", "to"]:
            return []
        first, last = (read_day(text) for text in map(dict(asked).__getitem__, ("from", "to")))
        return days_between(first, last)
    except (Problem, ValueError):
        return []


def _caller(headers: Mapping[str, str], now: datetime) -> Caller | None:
    """As far as this process has seen the key before."""
    secret = headers.get("x-api-key", "")
    if secret:
        return selectors.last_known(hash_secret(secret), now)
    scheme, _, token = headers.get("authorization", "").partition(" ")
    said = read_token(signing.last_read(), token) if scheme.lower() == "bearer" else None
    if said is None or said.expires_at <= now:
        return None
    caller = selectors.last_known(said.key_id, now)
    return None if caller is None else replace(caller, scopes=caller.scopes & said.scopes)
