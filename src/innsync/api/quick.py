"""The availability search without Django in its way: the same checks and the same answers, on the event loop.

Whatever is not plainly a good search is left to Django: answers other than 200, and what only Django knows how to read.
So there is one place that refuses, and this one may only be quicker. Answers are kept, and given again as long as
nothing of what they show has changed (`rates.live`).
"""

from __future__ import annotations

import asyncio
import struct
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import psycopg
from django.conf import settings
from pydantic import ValidationError

from innsync.api import cors, plain
from innsync.api.admission import Admission, Asked, is_plain_call, may_call, takes_gzip
from innsync.api.answers import instant
from innsync.api.availability import AvailabilityQuery, read_party
from innsync.api.finding import check_party, check_stay
from innsync.api.middleware import WORTH_COMPRESSING, limit_headers, request_id_of
from innsync.api.offer_text import texts_of
from innsync.api.problems import Problem
from innsync.api.security import VISITOR_CALLS_PER_MINUTE, calls_per_minute_of, neighbourhood, visitor_bucket
from innsync.apps.accounts import limits, selectors
from innsync.apps.accounts.models import Scope
from innsync.apps.accounts.selectors import Caller
from innsync.apps.rates.live import Changes, Known, Live, Rows, Run
from innsync.apps.reservations.promoting import list_given
from innsync.domain.errors import DomainError
from innsync.domain.occupancy import Occupancy
from innsync.domain.offers import find
from innsync.domain.stay import StayDates

PATIENCE_S = 5.0
ANSWERS_BYTES = 96_000_000
PREFIX = "/api/booking-engine/availability/"
HEADERS = [
    ("content-type", "application/json"),
    ("cache-control", "no-store"),
    *plain.SAFE_HEADERS,
]


class Given(NamedTuple):
    """What is answered with status 200."""

    headers: list[tuple[str, str]]
    body: bytes
    request_id: str
    caller: Caller


class Search(NamedTuple):
    """A query that was understood."""

    check_in: date
    check_out: date
    party: tuple[Occupancy, ...]
    fresh: bool
    promo: str


@dataclass(slots=True, eq=False)
class _Kept:
    """An answer before and after its `as_of`. It holds as long as nothing changed on its days after `generation`, and
    until the date turns at the hotel. packed: the part after `as_of`, deflated, once somebody asked for it so.
    """

    house: Changes
    first: int
    last: int
    generation: int
    until: float
    before: bytes
    after: bytes
    packed: bytes | None = None

    def holds(self, now: float) -> bool:
        if now >= self.until or not self.house.current:
            return False
        generation = self.house.generation
        if self.generation != generation:
            if not self.house.same(self.first, self.last, self.generation):
                return False
            self.generation = generation
        return True

    @property
    def size(self) -> int:
        """About: most of them shrink to less than an eighth."""
        return len(self.after) * 9 // 8 + 1_000


class QuickSearch:
    """Of one event loop."""

    def __init__(self, run: Run, suspect: Callable[[], None] = lambda: None) -> None:
        """suspect: called when the database let somebody down."""
        self.admission = self._admission = Admission(run, suspect)
        self._suspect = suspect
        self.live = self._live = Live(run)
        self.live.on_lost = suspect
        self._answers: OrderedDict[tuple[UUID, str, str], _Kept] = OrderedDict()
        self._bytes = 0

    def end(self) -> None:
        self._live.end()

    async def answer(self, asked: Asked) -> Given | None:
        """None: ask Django, who has counted nothing of it yet."""
        understood = understand(asked)
        if understood is None:
            return None
        headers, (key, search), now = asked.headers, understood, datetime.now(UTC)
        caller, use = await self._admission.caller(headers, now)
        if caller is None or not may_call(caller, asked, Scope.AVAILABILITY_READ):
            return None
        open_to: list[tuple[str, str]] = []
        visitor = None
        if caller.publishable:
            open_to = cors.headers_for(caller, headers.get("origin", ""))
            visitor = visitor_bucket(neighbourhood(asked.address()))
            if not open_to or await self._admission.take(visitor, VISITOR_CALLS_PER_MINUTE) is None:
                return None
        bucket = str(caller.program_id)
        allowance = await self._admission.take(bucket, calls_per_minute_of(caller))
        found = None if allowance is None else await self._find(caller, key, asked.query, search)
        if allowance is None or found is None:
            for taken in (visitor, bucket if allowance else None):
                if taken is not None:
                    limits.give_back(key=taken)
            return None
        if use is not None:
            selectors.used(use)
        kept, as_of = found
        request_id = request_id_of(headers.get("x-request-id", ""))
        vary = "Origin, Accept-Encoding" if open_to else "Accept-Encoding"
        told = [*HEADERS, *open_to, ("vary", vary), *limit_headers(allowance), ("x-request-id", request_id)]
        if len(kept.before) + len(kept.after) >= WORTH_COMPRESSING and takes_gzip(headers.get("accept-encoding", "")):
            body = self._packed(kept, as_of)
            told.append(("content-encoding", "gzip"))
        else:
            body = b"".join((kept.before, as_of, kept.after))
        told.append(("content-length", str(len(body))))
        return Given(told, body, request_id, caller)

    async def _find(self, caller: Caller, key: str, query: str, search: Search) -> tuple[_Kept, bytes] | None:
        """The answer, and the moment that it shows. None for one that is not 200."""
        live, place = self._live, (caller.organization_id, key, query)
        since = live.look_ahead(settings.SEARCH_BEHIND_S)
        kept = self._answers.get(place)
        if kept is None or not live.seen(since) or not kept.holds(time.time()):
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await live.see(since)
                    known = await live.house(caller.organization_id, key)
                    if known is None or not caller.may_see(known.house.id):
                        return None
                    if kept is None or not kept.holds(time.time()):
                        return await self._search(known, place, search)
            except (Problem, DomainError):
                return None
            except (psycopg.Error, TimeoutError):
                self._live.end()
                self._suspect()
                return None
        if not caller.may_see(kept.house.property_id):
            return None
        if place in self._answers:
            self._answers.move_to_end(place)
        return kept, _instant(live.as_of)

    async def _search(self, known: Known, place: tuple[UUID, str, str], search: Search) -> tuple[_Kept, bytes] | None:
        """Raises Problem for what Django must refuse."""
        live, now = self._live, datetime.now(UTC)
        stay = check_stay(known.house, search.check_in, search.check_out, now)
        check_party(known.house, list(search.party))
        as_of, generation = live.as_of, known.since.generation
        if search.fresh:
            rows = await live.fresh_rows(known, stay)
            return (
                None
                if rows is None
                else (make_answer(known, generation, stay, search.party, rows, now, search.promo), _instant(live.as_of))
            )
        kept = make_answer(known, generation, stay, search.party, await live.rows(known, stay), now, search.promo)
        self._keep(place, kept)
        return kept, _instant(as_of)

    def _keep(self, place: tuple[UUID, str, str], kept: _Kept) -> None:
        old = self._answers.pop(place, None)
        self._bytes += kept.size - (old.size if old else 0)
        self._answers[place] = kept
        while self._bytes > ANSWERS_BYTES:
            self._bytes -= self._answers.popitem(last=False)[1].size

    @staticmethod
    def _packed(kept: _Kept, as_of: bytes) -> bytes:
        """As gzip. Only the part around `as_of` is new, and stands there as it is: RFC 1952, RFC 1951 section 3.2.4."""
        if kept.packed is None:
            press = zlib.compressobj(5, zlib.DEFLATED, -zlib.MAX_WBITS)
            kept.packed = press.compress(kept.after) + press.flush()
        plain = kept.before + as_of
        checked = zlib.crc32(kept.after, zlib.crc32(plain))
        length = len(plain)
        return b"".join(
            (
                b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x00",
                struct.pack("<HH", length, length ^ 0xFFFF),
                plain,
                kept.packed,
                struct.pack("<II", checked, (length + len(kept.after)) & 0xFFFFFFFF),
            )
        )


def understand(asked: Asked) -> tuple[str, Search] | None:
    """The hotel's id or code and what is searched; None for what Django must refuse or explain."""
    key = asked.path[len(PREFIX) :]
    search = read_query(asked.query) if is_plain_call(asked, key) else None
    return None if search is None else (key, search)


def make_answer(
    known: Known,
    generation: int,
    stay: StayDates,
    party: tuple[Occupancy, ...],
    rows: Rows,
    now: datetime,
    promo: str,
) -> _Kept:
    """Raises PromotionRefused."""
    house = known.house
    today = house.today(now)
    offers = find(
        stay=stay,
        occupancies=party,
        facts=house.facts,
        left=rows.left,
        nights=rows.nights,
        leaving=rows.leaving,
        today=today,
        sellable_days=house.sellable_days,
        taxes=house.taxes,
        fees=house.fees,
        promotions=list_given(house, stay, promo, today),
    )
    about = {
        "hotel_id": str(house.id),
        "check_in": stay.check_in.isoformat(),
        "check_out": stay.check_out.isoformat(),
        "nights": len(stay),
        "currency": house.currency,
    }
    midnight = datetime.combine(today + timedelta(days=1), datetime.min.time(), ZoneInfo(house.time_zone))
    return _Kept(
        known.since,
        stay.check_in.toordinal(),
        stay.check_out.toordinal(),
        generation,
        midnight.timestamp(),
        orjson.dumps(about)[:-1] + b',"as_of":"',
        b'","offers":' + texts_of(house).of(offers, stay, today) + b"}",
    )


@lru_cache(maxsize=4_096)
def read_query(query: str) -> Search | None:
    """None for what Django must refuse or explain."""
    try:
        asked = AvailabilityQuery.model_validate(dict(parse_qsl(query, keep_blank_values=True)))
        party = read_party(asked)
    except (ValidationError, Problem, DomainError, ValueError):
        return None
    if asked.explain:
        return None
    return Search(asked.check_in, asked.check_out, tuple(party), asked.fresh, asked.promo or "")


@lru_cache(maxsize=4)
def _instant(moment: datetime) -> bytes:
    return instant(moment).encode()
