"""A person's language and time zone on every page, and when each of their sessions was last seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from innsync.apps.accounts.models import User
from innsync.portals.account.languages import fitting, of_browser

_ELSEWHERE = ("/api/", "/static/", "/photos/", "/healthz", "/readyz", "/metrics")
SEEN_EVERY_S = 60.0
_MOST_REMEMBERED = 10_000
_seen: dict[str, float] = {}


class Habits:
    """Stands behind the one that knows who asks. A program's calls and static files pass untouched."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(_ELSEWHERE):
            return self.get_response(request)
        user = request.user if settings.SESSION_COOKIE_NAME in request.COOKIES else None
        language, zone = of_browser(request.headers.get("Accept-Language", "")), None
        if isinstance(user, User):
            language = fitting(user.language)
            with suppress(ZoneInfoNotFoundError, ValueError):
                zone = ZoneInfo(user.time_zone or "UTC")
        with translation.override(language), timezone.override(zone):
            response = self.get_response(request)
        if isinstance(user, User) and request.user.is_authenticated:
            _note(request)
        response.headers.setdefault("Content-Language", language)
        return response


def _note(request: HttpRequest) -> None:
    """That the session is in use and from where, once a minute; only of sessions that somebody signed in to."""
    key = request.session.session_key
    if not key or AUTHENTICATION_METHODS_SESSION_KEY not in request.session:
        return
    if time.monotonic() - _seen.get(key, -SEEN_EVERY_S) < SEEN_EVERY_S:
        return
    if len(_seen) >= _MOST_REMEMBERED:
        _seen.clear()
    _seen[key] = time.monotonic()
    UserSession.objects.filter(session_key=key).update(
        last_seen_at=datetime.now(UTC),
        ip=request.META.get("REMOTE_ADDR") or "0.0.0.0",  # noqa: S104  # no address, not a binding
    )
