"""From a stored account to a working session with its vendor."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import httpx
import psycopg
import structlog
from django.conf import settings

from innsync.apps.accounts.tenancy import sql, swiftly, tenant
from innsync.apps.distribution.limits import SharedLimiter
from innsync.apps.distribution.models import Account
from innsync.apps.distribution.selectors import Linked
from innsync.apps.distribution.vault import seal, unseal
from innsync.integrations.http import TIMEOUT_S, Call, LocalTokens, Session
from innsync.integrations.manifest import Adapter, adapter

log = structlog.get_logger()


_making = threading.Lock()


@cache
def _client() -> httpx.Client:
    return httpx.Client(limits=httpx.Limits(max_connections=200, max_keepalive_connections=50))


def client() -> httpx.Client:
    """The process's one client: connections are kept open and shared by its threads."""
    with _making:
        return _client()


@dataclass(frozen=True, slots=True)
class SharedTokens:
    """An account's tokens, kept encrypted in PostgreSQL; an advisory lock lets one worker obtain a new one."""

    organization_id: UUID
    account_id: UUID

    def get(self, name: str, obtain: Callable[[], tuple[str, datetime]], *, refused: str = "") -> str:
        found = self._read(name)
        if found and found != refused:
            return found
        with tenant(self.organization_id), sql() as cursor:
            # Whoever waits here waits for another's call to the vendor, which may take longer than a lock otherwise may.
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", (f"{2 * TIMEOUT_S:.0f}s",))
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", (f"{self.account_id}:{name}",))
            found = self._select(cursor, name)
            if found and found != refused:
                return found
            token, expires_at = obtain()
            cursor.execute(
                "INSERT INTO distribution_token (organization_id, account_id, name, value, expires_at)"
                " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (account_id, name)"
                " DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at",
                (self.organization_id, self.account_id, name, seal(token), expires_at),
            )
        return token

    def _read(self, name: str) -> str:
        with swiftly(self.organization_id), sql() as cursor:
            return self._select(cursor, name)

    def _select(self, cursor: psycopg.Cursor[Any], name: str) -> str:
        row = cursor.execute(
            "SELECT value FROM distribution_token WHERE account_id = %s AND name = %s AND expires_at > %s",
            (self.account_id, name, datetime.now(UTC)),
        ).fetchone()
        return str(unseal(row[0])) if row else ""


def _log_call(vendor: str, account_id: UUID) -> Callable[[Call], None]:
    def write(call: Call) -> None:
        log.debug(
            "vendor_call",
            vendor=vendor,
            account_id=str(account_id),
            operation=call.operation,
            status=call.status,
            duration_ms=round(call.duration_ms, 1),
            sent=call.sent_bytes,
            received=call.received_bytes,
            error=call.error,
        )

    return write


class NothingToAsk(Exception):
    """The adapter can't try credentials."""


def prove(linked: Linked, credentials: Mapping[str, str], base_urls: Mapping[str, str] | None = None) -> None:
    """Ask the channel whether these credentials reach the connection's property. Nothing is kept.

    base_urls: where; None for the account's own addresses.

    Raises IntegrationError, or NothingToAsk where the adapter has no call for that.
    """
    account = copy(linked.account)
    account.credentials = seal(dict(credentials))
    account.base_urls = dict(account.base_urls if base_urls is None else base_urls)
    found, session = open_session(account)
    if not found.can("catalogue"):
        raise NothingToAsk
    found.implementation.check_access(replace(session, tokens=LocalTokens()), linked.ref)


def open_session(account: Account) -> tuple[Adapter, Session]:
    """The adapter of the account's vendor and a session with it. Raises KeyError when the adapter is not installed."""
    found = adapter(account.vendor)
    credentials = unseal(account.credentials)
    assert isinstance(credentials, dict)
    settings_of_account = {**found.manifest.settings, **account.settings}
    session = Session(
        vendor=account.vendor,
        account_id=str(account.id),
        base_urls={**found.manifest.base_urls, **account.base_urls},
        credentials=credentials,
        client=client(),
        settings=settings_of_account,
        limiter=SharedLimiter(str(account.id), found.manifest.limits, account.limits),
        tokens=SharedTokens(account.organization_id, account.id),
        allow_private=settings.SANDBOX,
        on_call=_log_call(account.vendor, account.id),
        timeout_s=float(settings_of_account.get("timeout_s", TIMEOUT_S)),
    )
    return found, session
