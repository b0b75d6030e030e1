"""What a page is sent, made fit for the database."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.request import UnreadablePostError

_ZERO = "\x00"
_NO_LETTER = "\ufffd"


class ReadableText:
    """Puts the sign for an unreadable letter where an address, a form or a cookie holds a zero byte.

    PostgreSQL keeps none in any text, and no keyboard types it: what holds one is found nowhere and refused as any other
    nonsense is. The API refuses it by the schema of each field.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/api/"):
            return self.get_response(request)
        request.path_info = request.path_info.replace(_ZERO, _NO_LETTER)
        for name, value in request.COOKIES.items():
            request.COOKIES[name] = value.replace(_ZERO, _NO_LETTER)
        if _holds_zero(request.GET):
            request.GET = _readable(request.GET)  # type: ignore[assignment]  # of the immutable kind, as it was
        if request.method == "POST":
            # Whoever hung up while sending learns nothing of it anyway; the form is empty then.
            with suppress(UnreadablePostError):
                if _holds_zero(request.POST):
                    request.POST = _readable(request.POST)  # type: ignore[assignment]  # as above
        return self.get_response(request)


def _holds_zero(fields: QueryDict) -> bool:
    return any(_ZERO in name or any(_ZERO in value for value in values) for name, values in fields.lists())


def _readable(fields: QueryDict) -> QueryDict:
    found = QueryDict(mutable=True, encoding=fields.encoding)
    for name, values in fields.lists():
        found.setlist(name.replace(_ZERO, _NO_LETTER), [value.replace(_ZERO, _NO_LETTER) for value in values])
    found._mutable = False
    return found
