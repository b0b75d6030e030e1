"""Calls to addresses that customers name: many at once, each bounded, none to where nobody outside may reach.

A name is looked up once; all of its addresses are checked, and it is one of these that is connected to, under the name as
far as TLS and the Host header are concerned. So it can't be given another address in between (DNS rebinding). Redirects
are not followed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import httpcore
import httpx

from innsync.domain.wording import told
from innsync.integrations.errors import Rejected
from innsync.integrations.http import ForbiddenAddress, is_public, refuse_private_address, retry_after

WITHIN_S = 15.0
CONNECT_WITHIN_S = 5.0
ANSWER_READ_BYTES = 8_000
"""Of an answer; what follows is of no interest."""
AT_ONCE = 1_000
LONGEST_URL = 500


class NotPosted(Exception):
    """No answer: why, in words for the log."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What was answered: as much of the body as was read."""

    status: int
    body: bytes
    retry_after: timedelta | None
    duration_ms: float


def check_url(url: str, *, allow_private: bool) -> None:
    """Raises Rejected for what nothing may be posted to, its words what is asked; Transient when the name can't be looked up.

    allow_private: http and this machine are allowed too (sandbox and development only).
    """
    try:
        found = httpx.URL(url)
    except httpx.InvalidURL:
        raise Rejected(told("must be an address")) from None
    if len(url) > LONGEST_URL or not found.host or found.userinfo or found.fragment or not url.isascii():
        raise Rejected(told("must be an address such as https://hotel.example.com/hook"))
    if found.scheme != "https" and not (allow_private and found.scheme == "http"):
        raise Rejected(told("must begin with https://"))
    if not allow_private:
        refuse_private_address(url)


class Poster:
    """For one event loop."""

    def __init__(self, *, allow_private: bool, within_s: float = WITHIN_S) -> None:
        self._within_s = within_s
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=AT_ONCE,
            max_keepalive_connections=AT_ONCE // 10,
            keepalive_expiry=30.0,
            network_backend=_Guarded(allow_private=allow_private),
        )

    async def close(self) -> None:
        await self._pool.aclose()

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Posted:
        """Raises NotPosted."""
        started = time.perf_counter()
        target = httpx.URL(url)
        address = httpcore.URL(scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=target.raw_path)
        limits = {
            "connect": CONNECT_WITHIN_S,
            "read": self._within_s,
            "write": self._within_s,
            "pool": CONNECT_WITHIN_S,
        }
        try:
            async with (
                asyncio.timeout(self._within_s),
                self._pool.stream(
                    "POST", address, headers=list(headers.items()), content=body, extensions={"timeout": limits}
                ) as answer,
            ):
                read = bytearray()
                async for part in answer.aiter_stream():
                    read += part
                    if len(read) >= ANSWER_READ_BYTES:
                        break
        except TimeoutError:
            raise NotPosted(f"no answer within {self._within_s:g} s") from None
        except ForbiddenAddress as error:
            raise NotPosted(error.words) from error
        except OSError as error:
            raise NotPosted(f"no address for {target.host}") from error
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise NotPosted(f"{type(error).__name__}: {error}".rstrip(": ")[:200]) from error
        told = httpx.Response(answer.status, headers=answer.headers)
        took = (time.perf_counter() - started) * 1000
        return Posted(answer.status, bytes(read[:ANSWER_READ_BYTES]), retry_after(told), took)


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connects to what was checked."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not self._allow_private:
            for address in addresses:
                if not is_public(ipaddress.ip_address(address.partition("%")[0])):
                    raise ForbiddenAddress(f"{host} is not a public address")
        for address in addresses[:-1]:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise ForbiddenAddress("a socket of this machine is not a public address")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
