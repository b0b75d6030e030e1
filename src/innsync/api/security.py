"""The API's doors: whose call it is, what it may do, how fast."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja.security import APIKeyCookie, APIKeyHeader, HttpBearer
from ninja.utils import check_csrf

from innsync.api import tokens
from innsync.api.problems import Problem, of_status
from innsync.apps.accounts import selectors
from innsync.apps.accounts.limits import take_call
from innsync.apps.accounts.models import Scope
from innsync.apps.accounts.selectors import Caller
from innsync.apps.accounts.services import PUBLISHABLE_SCOPES

GUESSES_PER_MINUTE = 120
VISITOR_CALLS_PER_MINUTE = 600
"""Of one address that shows publishable keys: a household searching, and a lobby's network."""
VISITOR_CHANGES_PER_MINUTE = 12
"""Of those, the calls that keep or sell rooms."""


def _admit(request: HttpRequest, caller: Caller | None, scope: str) -> Caller | None:
    """Check everything about a known caller. Raises Problem: 403 from elsewhere or without the scope, 429 too fast."""
    if caller is None:
        return None
    check_address(request, caller)
    if caller.publishable:
        _check_page(request, caller, scope)
    count(request, caller)
    if scope and not caller.may(scope):
        raise Problem(403, "forbidden", "Not allowed", f"This key lacks the scope {scope}.")
    return caller


def _check_page(request: HttpRequest, caller: Caller, scope: str) -> None:
    """Raises Problem: 403 when a publishable key is shown elsewhere than in its pages, or for what is not theirs; 429."""
    spend_from_here(request)
    if request.method not in ("GET", "HEAD"):
        spend(request, f"visitor-change:{neighbourhood_of(request)}", VISITOR_CHANGES_PER_MINUTE)
    if not is_from_page(caller, request.headers.get("Origin", ""), request.headers.get("Sec-Fetch-Site", "")):
        raise Problem(
            403,
            "forbidden",
            "Not allowed",
            "A publishable key works only in pages of the origins that it names. Add this one to the key, or use another key.",
        )
    if scope not in PUBLISHABLE_SCOPES:
        raise Problem(403, "forbidden", "Not allowed", "A publishable key is not good for this. Use another key.")


def is_from_page(caller: Caller, origin: str, site: str) -> bool:
    """Whether a publishable key is shown where it may be. site: Sec-Fetch-Site, which pages can't forge: those of this
    installation itself, such as a preview at the desk, name no origin when they read."""
    return origin in caller.origins or (not origin and site == "same-origin")


def spend_from_here(request: HttpRequest) -> None:
    """Count a call of some visitor of a website against the limit of the address. Raises Problem 429."""
    spend(request, visitor_bucket(neighbourhood_of(request)), VISITOR_CALLS_PER_MINUTE)


def visitor_bucket(neighbourhood: str) -> str:
    return f"visitor:{neighbourhood}"


def check_address(request: HttpRequest, caller: Caller) -> None:
    """Raises Problem 403 when the key may not be used from there: the caller, or whom a trusted proxy calls for."""
    request.caller = caller  # type: ignore[attr-defined]  # recorded as whose call it was, however it ends
    if not caller.may_come_from(request.META.get("REMOTE_ADDR", "")):
        raise Problem(403, "forbidden", "Not allowed", "This key may not be used from this address.")


def count(request: HttpRequest, caller: Caller) -> None:
    """Count the call against the key's limit. Raises Problem 429."""
    spend(request, str(caller.program_id), calls_per_minute_of(caller))


def calls_per_minute_of(caller: Caller) -> int:
    return caller.calls_per_minute or usual_limit()


def usual_limit() -> int:
    """Calls a minute of whoever has no limit of its own."""
    name = "INNSYNC_API_CALLS_PER_MINUTE"
    return int(os.environ.get(name) or settings.SETTINGS[name][0])


def guess(request: HttpRequest) -> None:
    """Count a try with no good key or token: nobody who guesses gets far. Raises Problem 429."""
    spend(request, f"guess:{neighbourhood_of(request)}", GUESSES_PER_MINUTE)


def neighbourhood_of(request: HttpRequest) -> str:
    """From where a call comes, as limits count it."""
    return neighbourhood(request.META.get("REMOTE_ADDR", ""))


def neighbourhood(text: str) -> str:
    """The address, and of IPv6 its network of 2^64, which is one caller's."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))


def spend(request: HttpRequest, bucket: str, calls_per_minute: int) -> None:
    """Take one call from the bucket; the answer's headers tell what is left. Raises Problem 429."""
    allowance = take_call(key=bucket, calls_per_minute=calls_per_minute)
    request.allowance = allowance  # type: ignore[attr-defined]  # the middleware tells it in headers
    if not allowance.granted:
        raise Problem(
            429,
            "too-many-requests",
            "Too many requests",
            f"At most {calls_per_minute} calls a minute are allowed.",
            headers={"Retry-After": str(allowance.retry_after_s)},
        )


class ApiKey(APIKeyHeader):
    """A key of an organization, as made with `innsync keys create`."""

    param_name = "X-API-Key"

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, key: str | None) -> Caller | None:
        if not key:
            return None
        caller = selectors.authenticate(secret=key)
        if caller is None:
            guess(request)
        return _admit(request, caller, self.scope)


class Bearer(HttpBearer):
    """A token from POST /api/booking-engine/auth/token."""

    openapi_bearerFormat = "JWT"  # noqa: N815  # the library's name for it

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        caller = caller_of_token(token)
        if caller is None:
            guess(request)
        return _admit(request, caller, self.scope)


class SignedIn(APIKeyCookie):
    """A person's session at the desk. A browser sends it whoever asks, so the page's own token is asked for as well."""

    param_name = "sessionid"

    def __init__(self) -> None:
        super().__init__(csrf=False)  # checked below, and only for those who come this way

    def authenticate(self, request: HttpRequest, key: str | None) -> object | None:
        user: object = getattr(request, "user", None)
        if not key or user is None or not getattr(user, "is_authenticated", False):
            return None
        if check_csrf(request):
            raise of_status(403)
        return user


def caller_of_token(token: str) -> Caller | None:
    """The caller behind a token: its key must still be alive, and the token never may do more than the key."""
    said = tokens.read(token)
    if said is None:
        return None
    caller = selectors.caller_of(key_id=said.key_id)
    return None if caller is None else replace(caller, scopes=caller.scopes & said.scopes)


def needs(scope: Scope) -> list[Any]:
    """The doors of an operation that asks for this scope."""
    return [ApiKey(scope.value), Bearer(scope.value)]


def needs_a_key() -> list[Any]:
    """The doors of an operation whose answer shows each caller what its scopes do."""
    return [ApiKey(""), Bearer("")]


def caller_of(request: HttpRequest) -> Caller:
    """Who was admitted. Raises Problem 401 where no door stood before."""
    caller = getattr(request, "auth", None)
    if not isinstance(caller, Caller):
        raise of_status(401)
    return caller
