"""Having a channel announce its bookings: the address and the secret, entering them there, and whether a call has come in."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings

from innsync.apps.distribution.access import open_session
from innsync.apps.distribution.models import Account
from innsync.apps.distribution.selectors import Linked
from innsync.apps.distribution.vault import seal, unseal
from innsync.integrations.http import Session
from innsync.integrations.manifest import Adapter

SECRET_BYTES = 32
NOTED_EVERY = timedelta(seconds=10)
"""A channel that calls without pause need not have each call written down."""


def address_of(account: Account) -> str:
    """Where the channel is to call, as the outside reaches this installation."""
    return f"{settings.PUBLIC_URL}/api/webhooks/{account.vendor}/{account.id}"


def secrets_of(account: Account) -> list[str]:
    """With which calls are taken, the newest first."""
    return list(secrets_in(bytes(account.webhook_secrets)))


@lru_cache(maxsize=1024)
def secrets_in(sealed: bytes) -> tuple[str, ...]:
    """The secrets as an account keeps them. Remembered: a busy channel's are not unsealed for each call."""
    found: Any = unseal(sealed) if sealed else []
    return tuple(str(one) for one in found) if isinstance(found, list) else ()


def secret_of(account: Account) -> str:
    """What the channel is to send with each call; empty where there is none yet."""
    return next(iter(secrets_of(account)), "")


def used_of(account: Account) -> int | None:
    """Which of the secrets the channel called with, 0 for the newest; None: it never called."""
    if account.webhook_used is None and account.webhook_called_at:
        return 0  # it called before that was written down
    return account.webhook_used


def make_secret(*, account_id: UUID, anew: bool = True) -> str:
    """A new one; not anew: only where there is none.

    The one before is taken as well, and so is the last that the channel called with, until it has called with the
    newest: nothing is lost while it is replaced there, however often one is made.
    """
    account = Account.objects.select_for_update().get(id=account_id)
    known, used = secrets_of(account), used_of(account)
    if known and not anew:
        return known[0]
    made = secrets.token_urlsafe(SECRET_BYTES)
    kept = known[:2] if used is None else [known[at] for at in sorted({0, used}) if at < len(known)]
    account.webhook_secrets = seal([made, *kept])
    account.webhook_used = None if used is None else min(used + 1, len(kept))
    account.webhook_refused_at = None
    account.save(update_fields=["webhook_secrets", "webhook_used", "webhook_refused_at"])
    return made


def register(linked: Linked) -> str:
    """Enter address and secret at the channel, by its own interface. Calls it: in no transaction. Answers its id there.

    Raises the IntegrationError family.
    """
    return _call(linked, lambda found, session: found.implementation.register_webhook)


def try_out(linked: Linked) -> str:
    """Have the channel call us now. Calls it: in no transaction. Answers what it says of that. Raises as above."""
    return _call(linked, lambda found, session: found.implementation.try_webhook)


def _call(linked: Linked, what: Callable[[Adapter, Session], Any]) -> str:
    found, session = open_session(linked.account)
    return str(what(found, session)(session, linked.ref, address_of(linked.account), secret_of(linked.account)))
