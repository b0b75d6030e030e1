"""Whom a proxy in front calls for."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from typing import Any

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def behind(trusted: Sequence[str], application: Application) -> Application:
    """The application, called from the address and by the scheme that the trusted proxies name.

    The address is the last in X-Forwarded-For that is none of the proxies'. Where that is no address, the proxy's own stays.
    Raises ValueError for a proxy that is no address or network.
    """
    networks = [ipaddress.ip_network(one) for one in trusted]

    def serve(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        peer = _address(environ.get("REMOTE_ADDR", ""))
        if peer is not None and _within(peer, networks):
            caller = _caller(environ.get("HTTP_X_FORWARDED_FOR", ""), networks)
            if caller is not None:
                environ["REMOTE_ADDR"] = str(caller)
            # Each proxy adds its own at the end; the first is the one by which the caller came.
            scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").partition(",")[0].strip()
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
        return application(environ, start)

    return serve


def _caller(forwarded_for: str, networks: Sequence[Network]) -> Address | None:
    """The one before our proxies, or the first of them when all are; None when nobody can be made out."""
    found = None
    for part in reversed([part.strip() for part in forwarded_for.split(",") if part.strip()]):
        found = _address(part)
        if found is None or not _within(found, networks):
            return found
    return found


def _address(text: str) -> Address | None:
    """An address as proxies write it: alone, in brackets, with a port behind."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
