"""The one error family an adapter lets out; the subclass says what happens next."""

from __future__ import annotations

import re
from datetime import timedelta

from innsync.domain.card_data import scrub_text

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def quote(words: str) -> str:
    """A vendor's words as they may be kept and shown: without card data, and without what no database column takes."""
    return _UNPRINTABLE.sub(" ", scrub_text(words))


class IntegrationError(Exception):
    """Something an outside system did or said. `words` are the vendor's own, without secrets, for a person to read."""

    def __init__(
        self,
        words: str = "",
        *,
        vendor: str = "",
        operation: str = "",
        vendor_code: str = "",
        request_id: str = "",
        retry_after: timedelta | None = None,
    ) -> None:
        self.words = quote(words)
        super().__init__(self.words or type(self).__name__)
        self.vendor = vendor
        self.operation = operation
        self.vendor_code = vendor_code
        self.request_id = request_id
        self.retry_after = retry_after


class Transient(IntegrationError):
    """Nothing happened at the vendor. Repeat with backoff."""


class RateLimited(Transient):
    """Repeat after `retry_after`; the whole connection slows down."""


class OutcomeUnknown(IntegrationError):
    """Sent, no answer. Absolute values: send again. Others: look up, or repeat with the same idempotency key."""


class Rejected(IntegrationError):
    """Understood and refused. Show a person; never repeat it as it is."""


class NeedsSetup(IntegrationError):
    """A mapping or setting is missing. Wait until it changes."""


class NotAuthorised(IntegrationError):
    """Credentials refused. Pause the connection and ask for new ones."""


class ContractBroken(IntegrationError):
    """An answer we cannot read. Keep it and tell the developers."""


class BadSignature(IntegrationError):
    """A message that came in without proof of its sender. Answer 401 and store nothing."""
