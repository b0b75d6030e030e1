"""The outermost step of every request that Django answers."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from innsync.api import middleware
from innsync.ops.logs import plain_lines


class RequestContext(middleware.RequestContext):
    """Its line is written by hand: of a short request, the logger's own ways would be a tenth."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        super().__init__(get_response, quick=lambda: plain_lines(middleware.__name__))
