"""PaperFax's calls to us: a booking's sheet under the office's seal. Pure. Source: NOTES.md 3."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence

from innsync.integrations.errors import BadSignature, ContractBroken
from innsync.integrations.ports import RawMessage, WebhookResult


def authenticate(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> None:
    """The seal is an HMAC over the bytes as they came. Raises BadSignature."""
    given = headers.get("x-fax-seal", "")
    seals = [hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for secret in secrets if secret]
    matches = [hmac.compare_digest(given.encode(), seal.encode()) for seal in seals]
    if not any(matches):
        raise BadSignature("the seal is missing or broken", vendor="paperfax", operation="webhook")


def parse(body: bytes) -> WebhookResult:
    """The sheet itself: the tray needs not be looked into. Raises ContractBroken."""
    return WebhookResult((cut_out(body),))


def cut_out(sheet: bytes) -> RawMessage:
    """Number, hotel and booking stand in a sheet's first line. Raises ContractBroken."""
    try:
        number, hotel, reference = sheet.decode().splitlines()[0].split()
    except (ValueError, IndexError) as error:
        raise ContractBroken("not a sheet", vendor="paperfax") from error
    return RawMessage(number, hotel, reference, "text/plain", sheet)
