"""Calls from the pages of hotels' websites: which answers their browsers may show to them (the Fetch standard's CORS).

Only a publishable key opens this, and only for the origins that it names. A browser asks beforehand without any key, so
that question is answered to every origin that some living key names; what counts is the call that follows.
No answer ever allows credentials: a session's cookie is of no use to another site.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from innsync.api import problems
from innsync.api.security import spend_from_here
from innsync.apps.accounts.selectors import Caller, is_known_origin
from innsync.apps.accounts.services import PUBLISHABLE_PREFIX

PREFIX = "/api/booking-engine/"
READABLE = "ETag, Idempotent-Replayed, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
METHODS = "GET, POST, DELETE"
SENT = "Content-Type, Idempotency-Key, X-API-Key, X-Request-Id"
ASKED_AGAIN_AFTER_S = 600
_KEPT_S = 1.0
_MOST_KEPT = 1024

_kept: dict[str, tuple[float, bool]] = {}
_keeping = threading.Lock()


def headers_for(caller: Caller, origin: str) -> list[tuple[str, str]]:
    """What lets a page of that origin read the answer; nothing where the key does not name it."""
    if origin not in caller.origins:
        return []
    return [("access-control-allow-origin", origin), ("access-control-expose-headers", READABLE)]


class PagesElsewhere:
    """Stands before everything that answers a program."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        origin = request.headers.get("Origin", "")
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            return self._preflight(request, origin)
        response = self.get_response(request)
        if request.headers.get("X-API-Key", "").startswith(PUBLISHABLE_PREFIX):
            patch_vary_headers(response, ("Origin",))
            caller: Caller | None = getattr(request, "caller", None)
            for name, value in headers_for(caller, origin) if caller else []:
                response[name] = value
        return response

    def _preflight(self, request: HttpRequest, origin: str) -> HttpResponse:
        try:
            spend_from_here(request)
        except problems.Problem as refusal:
            return problems.answer(refusal, request)
        if not _known(origin):
            return self.get_response(request)
        return HttpResponse(
            status=204,
            headers={
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Allow-Methods": METHODS,
                "Access-Control-Allow-Headers": SENT,
                "Access-Control-Max-Age": str(ASKED_AGAIN_AFTER_S),
                "Vary": "Origin",
                "Cache-Control": "no-store",
            },
        )


def _known(origin: str) -> bool:
    """As remembered for a second: as long as a withdrawn key may still be good."""
    if "://" not in origin or len(origin) > 200:
        return False
    moment = time.monotonic()
    with _keeping:
        kept = _kept.get(origin)
    if kept is not None and moment - kept[0] < _KEPT_S:
        return kept[1]
    known = is_known_origin(origin)
    with _keeping:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[origin] = moment, known
    return known
