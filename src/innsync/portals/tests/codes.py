"""One-time codes as an authenticator app works them out, written from RFC 6238 and RFC 4226."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time


def code_now(secret: str, *, steps: int = 0) -> str:
    """The six digits of this half minute, or of one that many steps from it."""
    counter = int(time.time()) // 30 + steps
    digest = hmac.new(base64.b32decode(secret), counter.to_bytes(8, "big"), hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"
