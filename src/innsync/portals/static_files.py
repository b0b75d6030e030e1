"""The apps' own static files, served by the application itself: no other server is needed."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from django.contrib.staticfiles import finders
from django.core.exceptions import SuspiciousFileOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
"""What is served; a file of another kind is not there."""
A_YEAR = "public, max-age=31536000, immutable"
ASK_AGAIN = "public, no-cache"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file as it is sent. digest: of its content, in its address and its ETag."""

    content: bytes
    zipped: bytes
    digest: str
    content_type: str


def load(path: str) -> StaticFile | None:
    """The file at that path below any app's `static` folder; None when there is none."""
    content_type = CONTENT_TYPES.get(PurePosixPath(path).suffix)
    try:
        found = finders.find(path) if content_type else None
    except SuspiciousFileOperation:
        return None
    if not isinstance(found, str) or content_type is None:
        return None
    return _read(found, content_type)


@cache  # an installation's files don't change while it runs; only those that exist are remembered
def _read(file: str, content_type: str) -> StaticFile:
    content = Path(file).read_bytes()
    return StaticFile(
        content, gzip.compress(content, 9, mtime=0), hashlib.sha256(content).hexdigest()[:16], content_type
    )


def address(path: str) -> str:
    """The file's address, which changes with its content."""
    file = load(path)
    if file is None:
        raise LookupError(f"there is no static file {path}")
    return f"{reverse('static', args=[path])}?v={file.digest}"


@require_safe
def serve(request: HttpRequest, path: str) -> HttpResponse:
    """A static file; kept for ever by browsers when asked for by its content's address."""
    file = load(path)
    if file is None:
        raise Http404
    tag = f'"{file.digest}"'
    if request.headers.get("If-None-Match") == tag:
        response = HttpResponse(status=304)
    else:
        zips = "gzip" in request.headers.get("Accept-Encoding", "")
        response = HttpResponse(file.zipped if zips else file.content, content_type=file.content_type)
        if zips:
            response["Content-Encoding"] = "gzip"
    response["ETag"] = tag
    response["Vary"] = "Accept-Encoding"
    response["Cache-Control"] = A_YEAR if request.GET.get("v") == file.digest else ASK_AGAIN
    return response
