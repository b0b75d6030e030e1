"""Who calls, on the event loop: keys, tokens and allowances without Django in the way."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from django.db import OperationalError

from innsync.api import plain, tokens
from innsync.api.middleware import may_compress
from innsync.apps.accounts import limits, selectors
from innsync.apps.accounts.limits import Allowance
from innsync.apps.accounts.models import Scope
from innsync.apps.accounts.selectors import Caller
from innsync.apps.accounts.services import hash_secret
from innsync.apps.rates.live import Run
from innsync.apps.tokens import signing
from innsync.apps.tokens.signing import Keys

LONGEST_QUERY = 500
"""Characters. What is longer is no plain search, and would be remembered whole."""
_KEY = re.compile(r"[A-Za-z0-9_-]{1,80}")


class Asked(NamedTuple):
    """A GET. headers: by their names in small letters. address: whose it is, behind trusted proxies too."""

    path: str
    query: str
    headers: Mapping[str, str]
    address: Callable[[], str]


class Admission:
    """Of one event loop."""

    def __init__(self, run: Run, suspect: Callable[[], None] = lambda: None) -> None:
        """suspect: called when the database let somebody down."""
        self._run = run
        self._suspect = suspect
        self._asking: dict[object, asyncio.Future[Any]] = {}

    async def take(self, bucket: str, most: int) -> Allowance | None:
        """A call of those that the bucket holds ready; None where only Django may count it."""
        allowance = limits.take_leased(key=bucket, calls_per_minute=most)
        if allowance is None and await self._once(
            bucket, lambda: limits.lease_calls(key=bucket, calls_per_minute=most)
        ):
            allowance = limits.take_leased(key=bucket, calls_per_minute=most)
        return allowance

    async def caller(self, headers: Mapping[str, str], now: datetime) -> tuple[Caller | None, str | UUID | None]:
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


def is_plain_call(asked: Asked, key: str) -> bool:
    """Whether all but the query is as it should be. key: how the call names its hotel."""
    return (
        len(asked.query) <= LONGEST_QUERY
        and asked.headers.get("content-length", "0") == "0"
        and plain.is_plain(asked.headers)
        and _KEY.fullmatch(key) is not None
    )


@lru_cache(maxsize=1_024)
def takes_gzip(accepted: str) -> bool:
    return may_compress(accepted)


@lru_cache(maxsize=4_096)
def read_token(keys: Keys, token: str) -> tokens.Token | None:
    """A good one stays good, as long as the keys are the same, until it expires, which is asked each time."""
    return tokens.read_with(keys, token.strip())


def may_call(caller: Caller, asked: Asked, scope: Scope) -> bool:
    """Whether the key goes for that, and from there."""
    return scope in caller.scopes and (not caller.ip_allowlist or caller.may_come_from(asked.address()))
