"""The photos themselves, for everybody who knows their address: websites show them, channels fetch them."""

from __future__ import annotations

import re

from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from innsync.apps.properties.photos import CONTENT_TYPE, file_name

A_YEAR = "public, max-age=31536000, immutable"
_KEY = re.compile(r"[0-9a-f]{32}")


@require_safe
def serve(request: HttpRequest, key: str, width: int) -> HttpResponse:
    """One size of a photo. Nothing in it is run or interpreted by a browser, whatever it holds."""
    tag = f'"{key}-{width}"'
    if not _KEY.fullmatch(key) or width > 100_000:
        raise Http404
    try:
        with default_storage.open(file_name(key, width)) as file:
            content = b"" if request.headers.get("If-None-Match") == tag else file.read()
    except FileNotFoundError:
        raise Http404 from None
    response = HttpResponse(content, content_type=CONTENT_TYPE) if content else HttpResponse(status=304)
    response["ETag"] = tag
    response["Cache-Control"] = A_YEAR
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Content-Disposition"] = "inline"
    return response
