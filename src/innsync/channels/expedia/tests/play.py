"""Answers in place of the vendor's, for what it does seldom."""

from __future__ import annotations

from collections.abc import Callable

import httpx

Answer = Callable[[httpx.Request], httpx.Response]


def answer(body: str | bytes, status: int = 200, **headers: str) -> Answer:
    return lambda request: httpx.Response(status, content=body, headers=headers, request=request)


def ar_error(code: str, words: str = "words") -> Answer:
    namespace = "http://www.expediaconnect.com/EQC/AR/2007/02"
    return answer(f'<AvailRateUpdateRS xmlns="{namespace}"><Error code="{code}">{words}</Error></AvailRateUpdateRS>')


def no_answer(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no answer", request=request)


def applied_but_lost(request: httpx.Request) -> httpx.Response:
    """The vendor did it and the connection broke."""
    httpx.post(str(request.url), content=request.content)
    raise httpx.ReadError("broken", request=request)


def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)
