"""Calls of a system that has our secret: who sent them, and which message they are. Pure. Source: NOTES.md 2."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from innsync.channels.booking_engine import bookings
from innsync.integrations.errors import BadSignature, ContractBroken
from innsync.integrations.ports import WebhookResult

TOLERANCE = timedelta(minutes=5)
EVENT_HEADER = "x-webhook-event"
"""Which address was called: the doors that name no connection say so here."""
_SECRET_PREFIX = "whsec_"  # noqa: S105  what such a secret begins with


def authenticate(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> None:
    """Any of the schemes of NOTES.md 2 with any of the secrets. All are compared, in constant time. Raises BadSignature."""
    given = _given(headers, body, now)
    genuine = [_is_genuine(given, secret) for secret in secrets if secret]
    if not any(genuine):
        raise _refused("the signature is wrong")


class _Given:
    """What a call brings as its proof. signed: the bytes that it covers."""

    __slots__ = ("signatures", "signed", "standard")

    def __init__(self, signatures: Sequence[bytes], signed: bytes, *, standard: bool) -> None:
        self.signatures, self.signed, self.standard = signatures, signed, standard


def _given(headers: Mapping[str, str], body: bytes, now: datetime) -> _Given:
    """Raises BadSignature for a call without a proof, or with one of another day."""
    if "webhook-signature" in headers:
        moment, name = headers.get("webhook-timestamp", ""), headers.get("webhook-id", "")
        _check_moment(moment, now)
        signed = f"{name}.{moment}.".encode() + body
        found = [one[3:] for one in headers["webhook-signature"].split() if one.startswith("v1,")]
        return _Given([_bytes_of_base64(one) for one in found], signed, standard=True)
    signature = headers.get("x-webhook-signature", "").strip().removeprefix("sha256=")
    if not signature:
        raise _refused("there is no signature")
    signed = body
    if (moment := headers.get("x-webhook-timestamp", "").strip()) != "":
        _check_moment(moment, now)
        signed = moment.encode() + b"." + body
    return _Given([_bytes_of_hex(signature)], signed, standard=False)


def _is_genuine(given: _Given, secret: str) -> bool:
    key = secret.encode()
    if given.standard and secret.startswith(_SECRET_PREFIX):
        key = _bytes_of_base64(secret.removeprefix(_SECRET_PREFIX)) or key
    expected = hmac.new(key, given.signed, hashlib.sha256).digest()
    matches = [hmac.compare_digest(expected, one) for one in given.signatures]  # each, whichever fits
    return any(matches)


def _check_moment(text: str, now: datetime) -> None:
    """Seconds since 1970. Raises BadSignature for what is none, or five minutes off."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 12):
        raise _refused("the timestamp is no number of seconds")
    if abs(now.timestamp() - int(text)) > TOLERANCE.total_seconds():
        raise _refused("the timestamp is more than five minutes off")


def _bytes_of_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _bytes_of_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _refused(words: str) -> BadSignature:
    return BadSignature(words, vendor="booking_engine", operation="webhook")


def read(headers: Mapping[str, str], body: bytes, now: datetime) -> WebhookResult:
    """The message that a genuine call brings. Raises ContractBroken for a body that is no booking."""
    booking = bookings.open_body(body)
    # The body's own word first: it is signed, and the address is not.
    event = bookings.event_of(booking.get("event")) or bookings.event_of(headers.get(EVENT_HEADER))
    if event is None:
        raise ContractBroken("the call does not say what happened", vendor="booking_engine", operation="webhook")
    told = headers.get("webhook-id") or headers.get("x-webhook-id") or ""
    return WebhookResult(messages=(bookings.message_of(body, booking, event=event, told_as=told, now=now),))
