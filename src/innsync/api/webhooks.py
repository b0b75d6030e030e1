"""Vendors' calls to us: verified over the raw bytes, stored for good, answered, and only then applied."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from django.http import HttpRequest, HttpResponse
from ninja import Router

from innsync.api import incoming
from innsync.api.finding import read_uuid
from innsync.api.problems import Problem, not_found, of_status
from innsync.apps.accounts.tenancy import swiftly, together
from innsync.apps.distribution.doors import Door, enter, find_door, find_open_doors, note_call, poll_now
from innsync.apps.inbox import services as inbox
from innsync.apps.messaging import reading
from innsync.integrations.errors import BadSignature, ContractBroken
from innsync.integrations.manifest import adapter, manifests
from innsync.integrations.ports import RawMessage, WebhookResult

router = Router(tags=[incoming.TAG])
log = structlog.get_logger()

EVENT_HEADER = "x-webhook-event"
SOURCE_HEADER = "x-webhook-source"
LARGEST_OPEN_BODY = 1_000_000
"""Bytes. Before anything is proved, it is signed with each secret that may be meant: nobody makes us do that with more."""


@router.post("/{vendor}/{connection_id}", auth=None, include_in_schema=False)
def vendor_call(request: HttpRequest, vendor: str, connection_id: str) -> HttpResponse:
    """The id may be of a connection or of the account behind it. 401: not genuine, and nothing was stored."""
    now = datetime.now(UTC)
    subject_id = read_uuid(connection_id, "connection_id")
    manifest = manifests().get(vendor)
    if manifest is None or "booking_webhook" not in manifest.can:
        raise not_found()
    implementation = adapter(vendor).implementation
    headers = {name.lower(): value for name, value in request.headers.items()}
    with swiftly(None):
        door = find_door(subject_id)
        if door is not None and door.vendor == vendor:
            result = _take(door, implementation, headers, request.body, now)
    if door is None or door.vendor != vendor:
        raise not_found()
    if result is None:
        log.warning("webhook_refused", vendor=vendor, account_id=str(door.account_id))
        raise of_status(401)
    if isinstance(result, ContractBroken):
        log.warning("webhook_not_understood", vendor=vendor, account_id=str(door.account_id))
        return HttpResponse(status=202)
    if result.guest_wrote:
        reading.read_now(organization_id=door.organization_id, account_id=door.account_id, now=now)
    content_type, answer = _answer(door, implementation, result)
    return HttpResponse(answer, content_type=content_type)


@router.post("/{event}", auth=None, include_in_schema=False)
def open_call(request: HttpRequest, event: str) -> HttpResponse:
    """A booking of any system that has a secret of ours; which one, the secret says. 401: nobody's, and stored nowhere.

    202: kept, and a person must see to it.
    """
    if event not in incoming.EVENTS:
        raise not_found()
    if len(request.body) > LARGEST_OPEN_BODY:
        raise of_status(413)
    now = datetime.now(UTC)
    headers = {name.lower(): value for name, value in request.headers.items()} | {EVENT_HEADER: event}
    with swiftly(None):
        found = _whose(headers, request.body, now)
        if found is not None:
            door, implementation = found
            enter(door.organization_id)
            result = _take(door, implementation, headers, request.body, now)
            is_clear = isinstance(result, WebhookResult) and inbox.is_mapped(
                account_id=door.account_id, messages=result.messages, now=now
            )
    if found is None or result is None:
        log.warning("webhook_refused", vendor="", account_id=headers.get(SOURCE_HEADER, "")[:36])
        raise problem_of_no_proof()
    if isinstance(result, ContractBroken):
        log.warning("webhook_not_understood", vendor=door.vendor, account_id=str(door.account_id))
        return HttpResponse(status=202)
    content_type, answer = _answer(door, implementation, result)
    return HttpResponse(answer, content_type=content_type, status=200 if is_clear else 202)


def _whose(headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[Door, Any] | None:
    """The account whose secret the call proves, and its adapter. All that are tried are tried to the end, so that how long
    it takes tells nothing of who is here.
    """
    open_ones = {key: adapter(key).implementation for key, one in manifests().items() if "open_webhook" in one.can}
    names = {name for implementation in open_ones.values() for name in implementation.names_in(body)}
    source = headers.get(SOURCE_HEADER, "")
    account_id = read_uuid(source, SOURCE_HEADER) if source else None
    tried = [
        (door, _verified(door, open_ones[door.vendor], headers, body, now)[0])
        for door in find_open_doors(vendors=open_ones, names=names, account_id=account_id)
    ]
    return next(((door, open_ones[door.vendor]) for door, used in tried if used is not None), None)


def problem_of_no_proof() -> Problem:
    return Problem(
        401,
        "no-proof",
        "The signature is missing or wrong",
        "Sign the raw body with the secret of the connection's page: hex HMAC-SHA256 in X-Webhook-Signature, with "
        "X-Webhook-Timestamp over timestamp.body. X-Webhook-Source may name the access that is meant.",
    )


class Call(NamedTuple):
    """A vendor's call as it came. headers: by their names in small letters."""

    headers: Mapping[str, str]
    body: bytes


def take_together(*, vendor: str, subject_id: UUID, calls: Sequence[Call]) -> list[tuple[str, bytes] | None]:
    """Several calls to one address, kept with one commit, and what each is answered: media type and body, with 200.

    None for one that is not plainly good, of which nothing was kept: `vendor_call` refuses it, or knows what to do.
    """
    now = datetime.now(UTC)
    implementation = adapter(vendor).implementation
    good: dict[int, WebhookResult] = {}
    with swiftly(None):
        door = find_door(subject_id)
        if door is None or door.vendor != vendor:
            return [None] * len(calls)
        messages: dict[str, RawMessage] = {}
        secrets_used: set[int | None] = set()
        for place, call in enumerate(calls):
            used, result = _verified(door, implementation, call.headers, call.body, now)
            if not isinstance(result, WebhookResult) or result.guest_wrote:
                continue
            brought = {message.message_id: message for message in result.messages}
            if not messages.keys().isdisjoint(brought):
                continue  # a second delivery, which is counted by itself
            messages |= brought
            good[place] = result
            secrets_used.add(used)
        with together():
            for one in secrets_used:
                note_call(door, now=now, used=one)
            if messages:
                _store(door, list(messages.values()), now)
            if any(result.poll for result in good.values()):
                poll_now(door, now=now)
    return [_answer(door, implementation, good[place]) if place in good else None for place in range(len(calls))]


def _answer(door: Door, implementation: Any, result: WebhookResult) -> tuple[str, bytes]:
    confirmations = {
        message.booking_ref: inbox.confirmation_code(door.account_id, message.booking_ref)
        for message in result.messages
    }
    answered: tuple[str, bytes] = implementation.webhook_answer(result.messages, confirmations)
    return answered


def _store(door: Door, messages: Sequence[RawMessage], now: datetime) -> None:
    inbox.store(
        organization_id=door.organization_id,
        account_id=door.account_id,
        vendor=door.vendor,
        messages=messages,
        now=now,
    )


def _take(
    door: Door, implementation: Any, headers: Mapping[str, str], body: bytes, now: datetime
) -> WebhookResult | ContractBroken | None:
    """What the call says, kept as soon as the transaction is over. None: it is not genuine.

    The hint to apply what came may be lost with us: the timer looks too.
    """
    used, result = _verified(door, implementation, headers, body, now)
    with together():
        note_call(door, now=now, used=used)
        if isinstance(result, ContractBroken):
            _keep_unread(door, headers.get("content-type", ""), body, result.words, now)
        elif result is not None:
            if result.messages:
                _store(door, result.messages, now)
            if result.poll:
                poll_now(door, now=now)
    return result


def _verified(
    door: Door, implementation: Any, headers: Mapping[str, str], body: bytes, now: datetime
) -> tuple[int | None, WebhookResult | ContractBroken | None]:
    """Which secret the call brought, and what it says, or that a genuine one can't be read. (None, None): not genuine."""
    for at, secrets in enumerate([[one] for one in door.secrets] or [[]]):
        try:
            return at, implementation.receive(headers=headers, body=body, secrets=secrets, now=now)
        except BadSignature:
            continue
        except ContractBroken as error:
            return at, error
    return None, None


def _keep_unread(door: Door, content_type: str, body: bytes, words: str, now: datetime) -> None:
    """Genuine but not understood: kept for a person. Its own bytes are its identity, so a repeat is the same message."""
    message_id = hashlib.sha256(body).hexdigest()
    raw = RawMessage(message_id, "", "", content_type or "application/octet-stream", body)
    inbox.store_unread(
        organization_id=door.organization_id,
        account_id=door.account_id,
        vendor=door.vendor,
        message=raw,
        words=words,
        now=now,
    )
