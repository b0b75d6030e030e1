"""What every page of ours tells the browser: run nothing but our own files, keep nothing."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self' {sockets}",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


class PageHeaders:
    """Sets them on HTML pages outside the API, whose own browsable page has needs of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html") and not request.path_info.startswith(
            "/api/"
        ):
            response.headers.setdefault("Content-Security-Policy", POLICY.format(sockets=_sockets(request)))
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def _sockets(request: HttpRequest) -> str:
    """Our own, by name: not every browser counts them to 'self' (w3c/webappsec-csp#7)."""
    try:
        return f"{'wss' if request.is_secure() else 'ws'}://{request.get_host()}"
    except DisallowedHost:
        return ""
