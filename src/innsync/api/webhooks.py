"""Vendors' calls to us: verified over the raw bytes, stored for good, answered, and only then applied."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog
from django.http import HttpRequest, HttpResponse
from ninja import Router

from innsync.api.finding import read_uuid
from innsync.api.problems import not_found, of_status
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import webhooks
from innsync.apps.distribution.models import Account, Connection
from innsync.apps.distribution.selectors import organization_of
from innsync.apps.events import services as events
from innsync.apps.inbox import pulling
from innsync.apps.inbox import services as inbox
from innsync.apps.inbox.models import Message
from innsync.apps.messaging import reading
from innsync.integrations.errors import BadSignature, ContractBroken
from innsync.integrations.manifest import Adapter, adapter, manifests
from innsync.integrations.ports import RawMessage, WebhookResult

router = Router(tags=["Coming in"])
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Door:
    """Where a call arrived: whose account, and the adapter that can tell whether the call is genuine."""

    account: Account
    adapter: Adapter
    secrets: Sequence[str]

    @property
    def organization_id(self) -> UUID:
        return self.account.organization_id


@router.post("/{vendor}/{connection_id}", auth=None, include_in_schema=False)
def vendor_call(request: HttpRequest, vendor: str, connection_id: str) -> HttpResponse:
    """The id may be of a connection or of the account behind it. 401: not genuine, and nothing was stored."""
    now = datetime.now(UTC)
    door = _find_door(vendor, connection_id)
    body = request.body
    headers = {name.lower(): value for name, value in request.headers.items()}
    used, result = _verified(door, headers, body, now)
    webhooks.note_call(account=door.account, now=now, used=used)
    if result is None:
        log.warning("webhook_refused", vendor=vendor, account_id=str(door.account.id))
        raise of_status(401)
    if isinstance(result, ContractBroken):
        _keep_unread(door, request.headers.get("Content-Type", ""), body, result.words, now)
        return HttpResponse(status=202)
    if result.messages:
        _keep(door, result.messages, now)
    if result.poll:
        pulling.poll_now(organization_id=door.organization_id, account_id=door.account.id, now=now)
    if result.guest_wrote:
        reading.read_now(organization_id=door.organization_id, account_id=door.account.id, now=now)
    confirmations = {
        message.booking_ref: inbox.confirmation_code(door.account.id, message.booking_ref)
        for message in result.messages
    }
    content_type, answer = door.adapter.implementation.webhook_answer(result.messages, confirmations)
    return HttpResponse(answer, content_type=content_type)


def _verified(
    door: _Door, headers: Mapping[str, str], body: bytes, now: datetime
) -> tuple[int | None, WebhookResult | ContractBroken | None]:
    """Which secret the call brought, and what it says, or that a genuine one can't be read. (None, None): not genuine."""
    for at, secrets in enumerate([[one] for one in door.secrets] or [[]]):
        try:
            return at, door.adapter.implementation.receive(headers=headers, body=body, secrets=secrets, now=now)
        except BadSignature:
            continue
        except ContractBroken as error:
            return at, error
    return None, None


def _find_door(vendor: str, subject: str) -> _Door:
    """Raises a problem (404) when the vendor, the id, or the two together lead nowhere."""
    subject_id = read_uuid(subject, "connection_id")
    manifest = manifests().get(vendor)
    organization_id = organization_of(subject_id) if manifest and "booking_webhook" in manifest.can else None
    if organization_id is None:
        raise not_found()
    with tenant(organization_id):
        account = Account.objects.filter(id=subject_id).first()
        if account is None:
            connection = Connection.objects.select_related("account").filter(id=subject_id).first()
            account = connection.account if connection else None
    if account is None or account.vendor != vendor:
        raise not_found()
    return _Door(account, adapter(vendor), webhooks.secrets_of(account))


def _keep(door: _Door, messages: Sequence[RawMessage], now: datetime) -> None:
    """Stored and committed when this returns. The hint to apply may be lost with us: the timer looks too."""
    inbox.receive(organization_id=door.organization_id, account=door.account, messages=messages, now=now)
    with tenant(door.organization_id):
        events.enqueue(
            organization_id=door.organization_id,
            property_id=door.account.id,
            topic="apply_inbox",
            payload={"account_id": str(door.account.id)},
        )


def _keep_unread(door: _Door, content_type: str, body: bytes, words: str, now: datetime) -> None:
    """Genuine but not understood: kept for a person. Its own bytes are its identity, so a repeat is the same message."""
    message_id = hashlib.sha256(body).hexdigest()
    raw = RawMessage(message_id, "", "", content_type or "application/octet-stream", body)
    inbox.receive(organization_id=door.organization_id, account=door.account, messages=[raw], now=now)
    with tenant(door.organization_id):
        Message.objects.filter(account=door.account, message_id=message_id, state="received").update(
            state="needs_attention", reason=words[:2000]
        )
    log.warning("webhook_not_understood", vendor=door.account.vendor, account_id=str(door.account.id))
