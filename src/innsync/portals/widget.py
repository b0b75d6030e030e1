"""The booking widget: one script for hotels' own websites, put together from the files of its version.

`/widget/v1.js` is the newest that understands pages written for v1; `/widget/1.0.0.js` stays what it is. A version that
was released is never edited: a change is a new folder, and what would break a page is v2.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from innsync.portals.static_files import A_YEAR

VERSIONS = ("1.0.0",)
"""The newest last."""
PARTS = (
    *("words", "speaking", "hub", "drawing", "style"),
    *("calendar", "asking", "offering", "adding", "checkout", "element"),
)
"""In this order; one scope holds them all, so that nothing of theirs is seen by the page."""
A_WHILE = "public, max-age=300, stale-while-revalidate=86400"
_FOLDER = Path(__file__).parent / "static" / "widget"


@dataclass(frozen=True, slots=True)
class Script:
    """As it is sent. integrity: what a page may hold it to (Subresource Integrity)."""

    content: bytes
    zipped: bytes
    integrity: str


@cache
def script(version: str) -> Script:
    parts = [(_FOLDER / version / f"{part}.js").read_text("utf-8") for part in PARTS]
    content = f'// Innsync booking widget {version}\n(() => {{\n"use strict";\n{"".join(parts)}}})();\n'.encode()
    digest = base64.b64encode(hashlib.sha384(content).digest()).decode()
    return Script(content, gzip.compress(content, 9, mtime=0), f"sha384-{digest}")


@require_safe
def newest(request: HttpRequest, major: int) -> HttpResponse:
    found = [one for one in VERSIONS if one.startswith(f"{major}.")]
    if not found:
        raise Http404
    return _send(request, found[-1], A_WHILE)


@require_safe
def pinned(request: HttpRequest, version: str) -> HttpResponse:
    if version not in VERSIONS:
        raise Http404
    return _send(request, version, A_YEAR)


def _send(request: HttpRequest, version: str, kept: str) -> HttpResponse:
    """Any page may load it, and check what it loads: it holds nothing of anybody."""
    sent = script(version)
    tag = f'"{sent.integrity[7:39]}"'
    zips = "gzip" in request.headers.get("Accept-Encoding", "")
    if request.headers.get("If-None-Match") == tag:
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(sent.zipped if zips else sent.content, content_type="text/javascript; charset=utf-8")
        if zips:
            response["Content-Encoding"] = "gzip"
    response["ETag"] = tag
    response["Vary"] = "Accept-Encoding"
    response["Cache-Control"] = kept
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
