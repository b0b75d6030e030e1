"""Around every request: its id, one log line, its metrics, and problem documents for what never reached a view."""

from __future__ import annotations

import gzip
import os
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils.cache import patch_vary_headers

from innsync.api import metrics, problems, recording
from innsync.apps.accounts.limits import Allowance
from innsync.domain.card_data import scrub_text

log = structlog.get_logger()
LARGEST_BODY = 1_000_000
LARGEST_WEBHOOK = 10_000_000
WORTH_COMPRESSING = 4_000
Write = Callable[[str, str, Mapping[str, Any]], None]
"""What happened, the request's id, and what else is to be said."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{8,128}")
COMPRESSED = re.compile(r"application/(json|problem\+json)|text/")


class RequestContext:
    """Outermost: what it adds is in every answer, whoever gave it."""

    def __init__(
        self, get_response: Callable[[HttpRequest], HttpResponse], quick: Callable[[], Write | None] = lambda: None
    ) -> None:
        """quick: how a line is logged at present, where there is a quicker way than the logger."""
        self.get_response = get_response
        self._quick = quick

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = request_id_of(request.headers.get("X-Request-Id", ""))
        request.request_id = request_id  # type: ignore[attr-defined]  # read by problem documents
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self._answer(request)
            response["X-Request-Id"] = request_id
            seconds = time.perf_counter() - started
            _tell(request, response, seconds, self._quick())
            recording.record(request, response, seconds, request_id)
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        api = request.path_info.startswith("/api/")
        refused = (_refuse_body(request) or _read_body(request)) if api else None
        if refused is not None:
            return problems.answer(refused, request)
        response = self.get_response(request)
        if api:
            response = _as_problem(request, response)
            allowance = getattr(request, "allowance", None)
            if allowance is not None:
                for name, value in limit_headers(allowance):
                    response[name] = value
            recording.note(request, response)
            _compress(request, response)
        return response


def request_id_of(given: str) -> str:
    """The caller's own where it is one. An id is logged as it is, so it must not be a card's number."""
    return given if _SANE_ID.fullmatch(given) and scrub_text(given) == given else os.urandom(16).hex()


def _refuse_body(request: HttpRequest) -> problems.Problem | None:
    """Bodies too large to be meant, before a byte of them is read; and those that hide their length."""
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower() and "Content-Length" not in request.headers:
        return problems.of_status(411)
    largest = LARGEST_WEBHOOK if request.path_info.startswith("/api/webhooks/") else LARGEST_BODY
    length = request.headers.get("Content-Length") or "0"
    return problems.of_status(413) if length.isdecimal() and int(length) > largest else None


def _read_body(request: HttpRequest) -> problems.Problem | None:
    """All of the body, whoever is calling: a web server closes the connection of a call that was refused before its body
    arrived, and a client that sends its next call there loses it."""
    try:
        _ = request.body
    except UnreadablePostError:
        return problems.of_status(400)
    return None


def _as_problem(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Django's own refusals (unknown path, method, host, broken request) in the API's words."""
    if response.status_code < 400 or response.headers.get("Content-Type") == problems.MEDIA_TYPE:
        return response
    answer = problems.answer(problems.of_status(response.status_code), request)
    for name in ("Allow", "Retry-After"):
        if name in response:
            answer[name] = response[name]
    return answer


def limit_headers(allowance: Allowance) -> list[tuple[str, str]]:
    """Source: draft-ietf-httpapi-ratelimit-headers-10."""
    quota, remaining = allowance.quota, allowance.remaining
    return [
        ("ratelimit-policy", f'"key";q={quota};w=60'),
        ("ratelimit", f'"key";r={remaining};t={max(1, round(60 * (quota - remaining) / quota))}'),
    ]


def may_compress(accepted: str) -> bool:
    """Whether a caller who accepts these encodings takes gzip."""
    return bool(re.search(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))", accepted))


def _compress(request: HttpRequest, response: HttpResponse) -> None:
    if (
        response.streaming
        or response.has_header("Content-Encoding")
        or not COMPRESSED.match(response.headers.get("Content-Type", ""))
    ):
        return
    patch_vary_headers(response, ("Accept-Encoding",))
    if len(response.content) < WORTH_COMPRESSING or not may_compress(request.headers.get("Accept-Encoding", "")):
        return
    response.content = gzip.compress(response.content, 5)
    response["Content-Encoding"] = "gzip"
    response["Content-Length"] = str(len(response.content))
    tag = response.headers.get("ETag", "")
    if tag.startswith('"'):
        response["ETag"] = f"W/{tag}"


def _tell(request: HttpRequest, response: HttpResponse, seconds: float, write: Write | None) -> None:
    match = request.resolver_match
    route = match.route if match else "unknown"
    method = request.method if request.method in _METHODS else "other"
    metrics.REQUESTS.labels(method, route, str(response.status_code)).inc()
    metrics.DURATION.labels(method, route).observe(seconds)
    # The path without its query: a look-up's query holds a guest's address.
    told = {
        "method": request.method,
        "path": request.path_info,
        "status": response.status_code,
        "duration_ms": round(seconds * 1000, 1),
        "caller": getattr(getattr(request, "auth", None), "prefix", None),
    }
    if write is None:
        log.info("request", **told)
    else:
        write("request", request.request_id, told)  # type: ignore[attr-defined]  # given above
