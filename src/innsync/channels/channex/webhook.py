"""Channex's calls to us: who sent them, and what they hint at. Pure. Source: NOTES.md 4."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence

import orjson

from innsync.integrations.errors import BadSignature, ContractBroken
from innsync.integrations.ports import WebhookResult

SECRET_HEADER = "X-Channex-Webhook-Secret"  # noqa: S105  the name, not the secret
_GUEST_WROTE = frozenset({"message", "message_thread_booking_assigned", "inquiry"})
_QUIET = _GUEST_WROTE | frozenset(
    {
        "ari",
        "review",
        "updated_review",
        "sync_error",
        "sync_warning",
        "rate_error",
        "new_channel",
        "updated_channel",
        "activate_channel",
        "deactivate_channel",
        "disconnect_channel",
        "disconnected_channel",
        "disconnect_listing",
        "channel_removal_warning",
        "property_removal_warning",
    }
)


def authenticate(headers: Mapping[str, str], secrets: Sequence[str]) -> None:
    """Channex signs nothing; it repeats a header of our choice. Several secrets are accepted while one is replaced.

    Compares in constant time, all secrets each time. Raises BadSignature.
    """
    given = headers.get(SECRET_HEADER.lower(), "").encode()
    matches = [hmac.compare_digest(given, secret.encode()) for secret in secrets if secret]
    if not given or not any(matches):
        raise BadSignature("the webhook's secret is missing or wrong", vendor="channex", operation="webhook")


def read(body: bytes) -> WebhookResult:
    """Whether the feed, or the guests' messages, should be read. The body is a hint only: calls come twice and out of order.

    The test call from Channex's screens has no booking, or no body at all: it is answered like any other.
    """
    if not body.strip():
        return WebhookResult(poll=True)
    try:
        call = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ContractBroken("the webhook's body is no JSON", vendor="channex", operation="webhook") from error
    if not isinstance(call, dict):
        raise ContractBroken("the webhook's body is no object", vendor="channex", operation="webhook")
    # Events we have no name for may be bookings: reading an empty feed costs one call, a missed booking a guest.
    event = call.get("event")
    return WebhookResult(poll=event not in _QUIET, guest_wrote=event in _GUEST_WROTE)
