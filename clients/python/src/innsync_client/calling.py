"""How every call is made, and what becomes of refusals."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx


class Refusal(Exception):
    """What the API refused, or failed at, as it said it (RFC 9457).

    kind: the stable last part of its type, such as `sold-out`. document: all of it, with what is special to its kind.
    retry_after: seconds to wait before it is asked again, where that may help; None where it was not said.
    """

    def __init__(self, status: int, document: Mapping[str, Any], retry_after: float | None = None) -> None:
        super().__init__(f"{status} {document.get('title', '')}: {document.get('detail', '')}")
        self.status = status
        self.document = dict(document)
        self.kind = str(document.get("type", "")).rpartition("/")[2]
        self.detail = str(document.get("detail", ""))
        self.errors: list[dict[str, Any]] = list(document.get("errors") or [])
        self.retry_after = retry_after


class Asking:
    """How an installation is asked, and what its answers mean."""

    def __init__(self, base_url: str, api_key: str | None, token: str | None) -> None:
        self._base = base_url.rstrip("/")
        self._headers = {"Accept": "application/json"}
        if api_key:
            self._headers["X-API-Key"] = api_key
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    @staticmethod
    def part(value: str) -> str:
        """As one part of a path, whatever is in it."""
        return quote(str(value), safe="")

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str | None] | None,
        body: Any,
    ) -> dict[str, Any]:
        return {
            "method": method,
            "url": self._base + path,
            "params": {name: _told(value) for name, value in (query or {}).items() if value is not None},
            "headers": self._headers | {name: value for name, value in (headers or {}).items() if value is not None},
            "json": body,
        }


class Calling(Asking):
    """One installation, and a key or token to it. Connections are kept: close it, or use it in a `with`.

    base_url: without `/api`. http: a client of your own, for proxies or other time limits; it is not closed then.
    Nothing is tried again by itself: with an Idempotency-Key it is safe to do so after an httpx.TransportError.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        token: str | None = None,
        timeout: float = 30.0,
        http: httpx.Client | None = None,
    ) -> None:
        super().__init__(base_url, api_key, token)
        self._own = http is None
        self._http = http or httpx.Client(timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._own:
            self._http.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str | None] | None = None,
        body: Any = None,
    ) -> Any:
        """The answer's JSON; None where it has no body. Raises Refusal."""
        return _read(self._http.request(**self._request(method, path, query, headers, body)))


class AsyncCalling(Asking):
    """The same for programs on an event loop: close it with `aclose`, or use it in an `async with`."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        token: str | None = None,
        timeout: float = 30.0,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        super().__init__(base_url, api_key, token)
        self._own = http is None
        self._http = http or httpx.AsyncClient(timeout=timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        if self._own:
            await self._http.aclose()

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str | None] | None = None,
        body: Any = None,
    ) -> Any:
        """The answer's JSON; None where it has no body. Raises Refusal."""
        return _read(await self._http.request(**self._request(method, path, query, headers, body)))


def _read(answer: httpx.Response) -> Any:
    if answer.is_success:
        return answer.json() if answer.content else None
    raise Refusal(answer.status_code, _document(answer), _seconds(answer.headers.get("Retry-After")))


def _told(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _document(answer: httpx.Response) -> dict[str, Any]:
    """Something else than a problem document may come from what stands between."""
    try:
        found = answer.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"title": answer.reason_phrase, "detail": answer.text[:200]}


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None
