"""Having a channel announce its bookings: the address and the secret, entering them there, and whether a call has come in."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from innsync.apps.accounts.tenancy import tenant
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


def secret_of(account: Account) -> str:
    """What the channel is to send with each call; empty where there is none yet."""
    found: Any = unseal(account.webhook_secrets) if bytes(account.webhook_secrets) else []
    return str(found[0]) if found else ""


def make_secret(*, account_id: UUID) -> str:
    """A new one. The one before is taken as well, until there is another: nothing is lost while it is replaced there."""
    account = Account.objects.select_for_update().get(id=account_id)
    before = secret_of(account)
    made = secrets.token_urlsafe(SECRET_BYTES)
    account.webhook_secrets = seal([made, *([before] if before else [])])
    account.webhook_called_at = account.webhook_refused_at = None
    account.save(update_fields=["webhook_secrets", "webhook_called_at", "webhook_refused_at"])
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


def note_call(*, organization_id: UUID, account_id: UUID, now: datetime, genuine: bool = True) -> None:
    """That a call came in, with the secret or without."""
    name = "webhook_called_at" if genuine else "webhook_refused_at"
    long_ago = Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__lt": now - NOTED_EVERY})
    with tenant(organization_id):
        Account.objects.filter(long_ago, id=account_id).update(**{name: now})
