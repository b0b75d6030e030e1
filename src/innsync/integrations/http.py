"""The only place that opens outgoing connections.

A `Session` is one account's way to its vendor: addresses, credentials, settings, the vendor's limits, a cache for
short-lived tokens, and a log of calls. It turns what can go wrong on the wire into the IntegrationError family.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from innsync.integrations.errors import (
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
)

CONNECT_TIMEOUT_S = 5.0
TIMEOUT_S = 30.0
ANSWER_LIMIT_BYTES = 50_000_000
ANSWER_TOLD = 50_000
"""Bytes of an answer that whoever watches a session is told."""
SLOWEST_ANSWER = 4
"""How many times the time-out, which counts between two reads, an answer may take in all."""
LONGEST_WAIT = timedelta(hours=1)
"""No vendor is kept waiting for longer, whatever it asks for: a slip of its units must not close a connection for weeks."""
_UNPACKED = {"content-encoding", "content-length", "transfer-encoding"}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class ForbiddenAddress(Rejected):
    """An address that outgoing calls may not reach: a private network, or this machine."""


class RateLimiter(Protocol):
    """Shared counters of the vendors' limits."""

    def take(self, *, limits: Sequence[str], property_id: str, urgent: bool) -> timedelta | None:
        """Take one call from each limit, or none: then how long until there will be one. None means taken."""
        ...

    def penalise(self, *, limits: Sequence[str], property_id: str, pause: timedelta) -> None:
        """The vendor said too many: no call on these limits before the pause is over."""
        ...


class TokenCache(Protocol):
    """Short-lived tokens, shared by all workers; one obtains while the others wait."""

    def get(self, name: str, obtain: Callable[[], tuple[str, datetime]], *, refused: str = "") -> str:
        """The token of that name; obtained when missing, expired, or equal to the `refused` one."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One outgoing call for the log. No body, no credentials: address, size, time, outcome."""

    operation: str
    method: str
    url: str
    status: int | None
    duration_ms: float
    sent_bytes: int
    received_bytes: int
    error: str = ""


class Unlimited:
    """No limits: for tests and tools that make single calls."""

    def take(self, *, limits: Sequence[str], property_id: str, urgent: bool) -> timedelta | None:
        return None

    def penalise(self, *, limits: Sequence[str], property_id: str, pause: timedelta) -> None:
        return None


class LocalTokens:
    """Tokens kept in this process only."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[str, datetime]] = {}

    def get(self, name: str, obtain: Callable[[], tuple[str, datetime]], *, refused: str = "") -> str:
        token, expires_at = self._tokens.get(name, ("", datetime.min.replace(tzinfo=UTC)))
        if not token or token == refused or expires_at <= datetime.now(UTC):
            token, expires_at = obtain()
            self._tokens[name] = (token, expires_at)
        return token


def _forget(_: object) -> None:
    return None


@dataclass(slots=True)
class Session:
    """One account at one vendor.

    base_urls: the manifest's names to addresses. allow_private: loopback and private addresses may be called
    (sandbox and development only). property_id: whose limits a call counts against, where limits are per property.
    on_answer: told the text of each answer without the credentials, and an empty one as a call begins.
    """

    vendor: str
    account_id: str
    base_urls: Mapping[str, str]
    credentials: Mapping[str, str]
    client: httpx.Client
    settings: Mapping[str, Any] = field(default_factory=dict)
    limiter: RateLimiter = field(default_factory=Unlimited)
    tokens: TokenCache = field(default_factory=LocalTokens)
    allow_private: bool = False
    on_call: Callable[[Call], None] = _forget
    on_answer: Callable[[str], None] = _forget
    timeout_s: float = TIMEOUT_S

    def request(
        self,
        method: str,
        base: str,
        path: str,
        *,
        operation: str,
        content: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        limits: Sequence[str] = (),
        property_id: str = "",
        urgent: bool = False,
        timeout_s: float | None = None,
        accept: Sequence[int] = (),
    ) -> httpx.Response:
        """Make one call and return its answer when it is 2xx, or one of the `accept` statuses.

        base: which of the manifest's base_urls. limits: which limits to draw on before calling; when one is used up,
        RateLimited is raised with the time to wait and nothing is sent.

        Raises RateLimited (429, or our own count), NotAuthorised (401, 403), OutcomeUnknown (5xx, a lost answer),
        Transient (no connection), Rejected (other 4xx).
        """
        self.on_answer("")  # a lost answer must not look like that of an earlier call
        if limits:
            wait = self.limiter.take(limits=limits, property_id=property_id, urgent=urgent)
            if wait is not None:
                raise RateLimited(
                    "the vendor's limit is used up", vendor=self.vendor, operation=operation, retry_after=wait
                )
        url = self.base_urls[base].rstrip("/") + path
        if not self.allow_private:
            refuse_private_address(url)
        response = self._send(
            method, url, operation=operation, content=content, headers=headers, params=params, timeout_s=timeout_s
        )
        self.on_answer(self._without_credentials(response.content[:ANSWER_TOLD].decode("utf-8", "replace")))
        if response.is_success or response.status_code in accept:
            return response
        self._raise_for_status(response, operation, limits, property_id)
        raise AssertionError("unreachable")

    def _send(
        self,
        method: str,
        url: str,
        *,
        operation: str,
        content: bytes | str | None,
        headers: Mapping[str, str] | None,
        params: Any,
        timeout_s: float | None,
    ) -> httpx.Response:
        started = time.perf_counter()
        sent = len(content) if content else 0
        timeout = httpx.Timeout(timeout_s or self.timeout_s, connect=CONNECT_TIMEOUT_S)
        status: int | None = None
        received = 0
        failure = ""
        try:
            with self.client.stream(
                method,
                url,
                content=content,
                headers=dict(headers or {}),
                params=params,
                timeout=timeout,
                extensions={} if self.allow_private else {"trace": _guard(url)},
            ) as answer:
                status = answer.status_code
                body = bytearray()
                until = started + SLOWEST_ANSWER * (timeout_s or self.timeout_s)
                for part in answer.iter_bytes():
                    body += part
                    received = len(body)
                    self._refuse_endless(received, until, operation)
            return _whole(answer, bytes(body))
        except (OutcomeUnknown, ForbiddenAddress) as error:
            failure = error.words
            raise
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            failure = type(error).__name__
            raise Transient("no connection", vendor=self.vendor, operation=operation) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            failure = type(error).__name__
            raise Rejected("not an address", vendor=self.vendor, operation=operation) from error
        except (httpx.LocalProtocolError, UnicodeEncodeError) as error:
            failure = type(error).__name__
            words = "an address or a credential holds letters that can't be sent"
            raise Rejected(words, vendor=self.vendor, operation=operation) from error
        except httpx.HTTPError as error:
            failure = type(error).__name__
            raise OutcomeUnknown("no answer", vendor=self.vendor, operation=operation) from error
        finally:
            duration_ms = (time.perf_counter() - started) * 1000
            self.on_call(Call(operation, method, url, status, duration_ms, sent, received, failure))

    def _refuse_endless(self, received: int, until: float, operation: str) -> None:
        """Raises OutcomeUnknown: what was asked for may have been done, only its answer is not taken."""
        if received > ANSWER_LIMIT_BYTES:
            words = f"the answer is larger than {ANSWER_LIMIT_BYTES} bytes"
            raise OutcomeUnknown(words, vendor=self.vendor, operation=operation)
        if time.perf_counter() > until:
            raise OutcomeUnknown("the answer is too slow", vendor=self.vendor, operation=operation)

    def _words(self, response: httpx.Response) -> str:
        """The beginning of a refusal; some vendors repeat in it what they were sent."""
        return self._without_credentials(response.text[:2000])[:500]

    def _without_credentials(self, words: str) -> str:
        for secret in self.credentials.values():
            if len(secret) >= 4:
                words = words.replace(secret, "[cut]")
        return words

    def _raise_for_status(
        self, response: httpx.Response, operation: str, limits: Sequence[str], property_id: str
    ) -> None:
        status = response.status_code
        words = self._words(response)
        about: dict[str, Any] = {"vendor": self.vendor, "operation": operation, "vendor_code": str(status)}
        if status == 429:
            pause = retry_after(response) or timedelta(seconds=60)
            self.limiter.penalise(limits=limits, property_id=property_id, pause=pause)
            raise RateLimited(words, retry_after=pause, **about)
        if status in (401, 403):
            raise NotAuthorised(words, **about)
        if status >= 500:
            raise OutcomeUnknown(words, retry_after=retry_after(response), **about)
        raise Rejected(words, **about)


def _whole(answer: httpx.Response, body: bytes) -> httpx.Response:
    """The answer with its body read and unpacked, as if it had been asked for in one piece."""
    headers = [(name, value) for name, value in answer.headers.multi_items() if name not in _UNPACKED]
    return httpx.Response(answer.status_code, headers=headers, content=body, request=answer.request)


def retry_after(response: httpx.Response) -> timedelta | None:
    """The wait that a Retry-After header asks for, in seconds or as a date (RFC 9110, 10.2.3), an hour at most."""
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return timedelta(seconds=min(int(value[:12]), int(LONGEST_WAIT.total_seconds())))
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    wait = moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)
    return min(max(wait, timedelta(0)), LONGEST_WAIT)


def refuse_private_address(url: str) -> None:
    """Raises ForbiddenAddress unless every address the host resolves to is public; Rejected for what is no host."""
    try:
        host = urlsplit(url).hostname or ""
        if not host:
            raise Rejected("not an address")
        found = socket.getaddrinfo(host, None)
    except OSError as error:
        raise Transient(f"no address for {host}") from error
    except ValueError as error:  # also what no name server can be asked for
        raise Rejected("not an address") from error
    for entry in found:
        if not is_public(ipaddress.ip_address(str(entry[4][0]).partition("%")[0])):
            raise ForbiddenAddress(f"{host} is not a public address")


def _guard(url: str) -> Callable[[str, Mapping[str, Any]], None]:
    """Watches a call's connections and refuses those that lead to a private address, before anything is sent.

    The name was looked up once to be checked and is looked up again to be connected to: in between it may have been
    given another address. A proxy that the installation is told to use may be private; names are its own affair.
    """
    asked = httpx.URL(url).raw_host.decode("ascii")  # as it is written when it is looked up
    host = ""

    def watch(event: str, info: Mapping[str, Any]) -> None:
        nonlocal host
        if event == "connection.connect_tcp.started":
            host = str(info["host"])
        elif event == "connection.connect_tcp.complete" and host == asked:
            stream = info["return_value"]
            address = str(stream.get_extra_info("server_addr")[0]).partition("%")[0]
            if not is_public(ipaddress.ip_address(address)):
                stream.close()
                raise ForbiddenAddress(f"{asked} is not a public address")

    return watch


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether it is; of an IPv6 address that stands for an IPv4 one, whether that is."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and (address in _NAT64 or int(address) < 2**32):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast
