"""Which calls may be answered on the event loop, before Django: those in which nothing is out of the ordinary."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from django.conf import settings
from django.http.request import split_domain_port, validate_host

LONGEST_HEADER = 2_000
"""Characters, of those that are remembered."""
SAFE_HEADERS = [
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
]
"""What Django's answers to programs say, too."""
_REMEMBERED = ("host", "authorization", "accept-encoding")
# Who sends one of these wants more than an answer, or hides how much is still to come.
_NOT_PLAIN = ("cookie", "transfer-encoding", "expect", "upgrade")


def is_plain(headers: Mapping[str, str]) -> bool:
    """headers: by their names in small letters."""
    return (
        max(len(headers.get(name, "")) for name in _REMEMBERED) <= LONGEST_HEADER
        and not any(name in headers for name in _NOT_PLAIN)
        and _welcome(headers.get("host", ""))
    )


@lru_cache(maxsize=256)
def _welcome(host: str) -> bool:
    """Whether Django takes calls to that host."""
    domain, port = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS) and (not port or port.isdecimal())
