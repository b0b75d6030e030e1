"""The availability search without Django in its way: the same checks and the same answers, on the event loop.

Whatever is not plainly a good search is left to Django: answers other than 200, and what only Django knows how to read.
So there is one place that refuses, and this one may only be quicker. Answers are kept, and given again as long as
nothing of what they show has changed (`rates.live`).
"""

from __future__ import annotations

import asyncio
import re
import struct
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import psycopg
from django.conf import settings
from django.db import OperationalError
from pydantic import ValidationError

from innsync.api import cors, plain, tokens
from innsync.api.answers import instant
from innsync.api.availability import AvailabilityQuery, read_party
from innsync.api.finding import check_party, check_stay
from innsync.api.middleware import WORTH_COMPRESSING, limit_headers, may_compress, request_id_of
from innsync.api.offer_text import texts_of
from innsync.api.problems import Problem
from innsync.api.security import VISITOR_CALLS_PER_MINUTE, calls_per_minute_of, neighbourhood, visitor_bucket
from innsync.apps.accounts import limits, selectors
from innsync.apps.accounts.limits import Allowance
from innsync.apps.accounts.models import Scope
from innsync.apps.accounts.selectors import Caller
from innsync.apps.accounts.services import hash_secret
from innsync.apps.rates.live import Changes, Known, Live, Rows, Run
from innsync.apps.reservations.promoting import list_given
from innsync.apps.tokens import signing
from innsync.apps.tokens.signing import Keys
from innsync.domain.errors import DomainError
from innsync.domain.occupancy import Occupancy
from innsync.domain.offers import find
from innsync.domain.stay import StayDates

LOOKS_AHEAD = 0.25
"""The share of that time before whose end the next look begins, so that nobody waits for it where many search."""
PATIENCE_S = 5.0
ANSWERS_BYTES = 96_000_000
LONGEST_QUERY = 500
"""Characters. What is longer is no plain search, and would be remembered whole."""
PREFIX = "/api/booking-engine/availability/"
_KEY = re.compile(r"[A-Za-z0-9_-]{1,80}")
HEADERS = [
    ("content-type", "application/json"),
    ("cache-control", "no-store"),
    *plain.SAFE_HEADERS,
]


class Asked(NamedTuple):
    """A GET. headers: by their names in small letters. address: whose it is, behind trusted proxies too."""

    path: str
    query: str
    headers: Mapping[str, str]
    address: Callable[[], str]


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
        self._run = run
        self._suspect = suspect
        self.live = self._live = Live(run)
        self.live.on_lost = suspect
        self._answers: OrderedDict[tuple[UUID, str, str], _Kept] = OrderedDict()
        self._bytes = 0
        self._asking: dict[object, asyncio.Future[Any]] = {}

    def end(self) -> None:
        self._live.end()

    async def answer(self, asked: Asked) -> Given | None:
        """None: ask Django, who has counted nothing of it yet."""
        understood = understand(asked)
        if understood is None:
            return None
        headers, (key, search), now = asked.headers, understood, datetime.now(UTC)
        caller, use = await self._caller(headers, now)
        if caller is None or not may_search(caller, asked):
            return None
        open_to: list[tuple[str, str]] = []
        visitor = None
        if caller.publishable:
            open_to = cors.headers_for(caller, headers.get("origin", ""))
            visitor = visitor_bucket(neighbourhood(asked.address()))
            if not open_to or await self._take(visitor, VISITOR_CALLS_PER_MINUTE) is None:
                return None
        bucket = str(caller.program_id)
        allowance = await self._take(bucket, calls_per_minute_of(caller))
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

    async def _take(self, bucket: str, most: int) -> Allowance | None:
        """A call of those that the bucket holds ready; None where only Django may count it."""
        allowance = limits.take_leased(key=bucket, calls_per_minute=most)
        if allowance is None and await self._once(
            bucket, lambda: limits.lease_calls(key=bucket, calls_per_minute=most)
        ):
            allowance = limits.take_leased(key=bucket, calls_per_minute=most)
        return allowance

    async def _caller(self, headers: Mapping[str, str], now: datetime) -> tuple[Caller | None, str | UUID | None]:
        """Whose key or token that is (a key goes before a token, as with Django), and by what a use is to be counted."""
        secret = headers.get("x-api-key", "")
        if secret:
            return await self._known(hash_secret(secret), lambda: selectors.authenticate(secret=secret), now)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None, None
        keys = signing.remembered() or await self._once("signing keys", signing.read_keys)
        said = None if keys is None else read_token(keys, token)
        if said is None or said.expires_at <= now:
            return None, None
        caller, use = await self._known(said.key_id, lambda: selectors.caller_of(key_id=said.key_id), now)
        return (None if caller is None else replace(caller, scopes=caller.scopes & said.scopes)), use

    async def _known(
        self, by: str | UUID, work: Callable[[], Caller | None], now: datetime
    ) -> tuple[Caller | None, str | UUID | None]:
        caller = selectors.remembered(by, now)
        if caller is not None:
            return caller, by
        first = by not in self._asking  # whoever looks it up is counted with that
        return await self._once(by, work), None if first else by

    async def _once(self, what: object, work: Callable[[], Any]) -> Any:
        """One asks the database, and all who wait get the same answer. A failure is None."""
        asking = self._asking.get(what)
        if asking is None or asking.done():
            asking = self._asking[what] = asyncio.ensure_future(self._run(work))
            asking.add_done_callback(lambda _: self._asking.pop(what, None))
        try:
            return await asyncio.shield(asking)
        except (psycopg.OperationalError, OperationalError, TimeoutError):
            self._suspect()
            return None
        except Exception:
            return None  # Django meets it too, and says so

    async def _find(self, caller: Caller, key: str, query: str, search: Search) -> tuple[_Kept, bytes] | None:
        """The answer, and the moment that it shows. None for one that is not 200."""
        live, place = self._live, (caller.organization_id, key, query)
        behind: float = settings.SEARCH_BEHIND_S
        since = asyncio.get_running_loop().time() - behind
        if live.seen(since) and not live.seen(since + behind * LOOKS_AHEAD):
            live.look()
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


def is_plain_call(asked: Asked, key: str) -> bool:
    """Whether all but the query is as it should be. key: how the call names its hotel."""
    return (
        len(asked.query) <= LONGEST_QUERY
        and asked.headers.get("content-length", "0") == "0"
        and plain.is_plain(asked.headers)
        and _KEY.fullmatch(key) is not None
    )


def may_search(caller: Caller, asked: Asked) -> bool:
    """Whether the key goes for searches, and from there."""
    return Scope.AVAILABILITY_READ in caller.scopes and (
        not caller.ip_allowlist or caller.may_come_from(asked.address())
    )


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


@lru_cache(maxsize=1_024)
def takes_gzip(accepted: str) -> bool:
    return may_compress(accepted)


@lru_cache(maxsize=4_096)
def read_token(keys: Keys, token: str) -> tokens.Token | None:
    """A good one stays good, as long as the keys are the same, until it expires, which is asked each time."""
    return tokens.read_with(keys, token.strip())


@lru_cache(maxsize=4)
def _instant(moment: datetime) -> bytes:
    return instant(moment).encode()
