"""Takes calls that are signed over their raw bytes, as most channels sign theirs that sign."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

import orjson

from innsync.domain.channel import BookingRevision
from innsync.integrations.errors import BadSignature, ContractBroken
from innsync.integrations.ports import RawMessage, WebhookResult

SIGNATURE = "X-Signature"


def sign(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Announcing:
    """Its bookings are kept, and read by nobody: what is measured ends with their being kept."""

    def receive(
        self, *, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime
    ) -> WebhookResult:
        given = headers.get(SIGNATURE.lower(), "")
        if not any(hmac.compare_digest(given, sign(body, secret)) for secret in secrets):
            raise BadSignature("the signature is missing or wrong", vendor="announcing", operation="webhook")
        try:
            call = orjson.loads(body)
            message = RawMessage(
                call["id"], call["property_id"], call["booking"]["unique_id"], "application/json", body
            )
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise ContractBroken("the call holds no booking", vendor="announcing", operation="webhook") from error
        return WebhookResult(messages=(message,))

    def webhook_answer(self, messages: Sequence[RawMessage], confirmations: Mapping[str, str]) -> tuple[str, bytes]:
        return "application/json", orjson.dumps({"confirmation_numbers": list(confirmations.values())})

    def parse_booking(self, message: RawMessage) -> list[BookingRevision]:
        raise ContractBroken("bookings of this channel are for measuring", vendor="announcing", operation="parse")


ADAPTER = Announcing()
