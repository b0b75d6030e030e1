"""Where on the web a page comes from, as browsers tell it: scheme, host and port (RFC 6454)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""A person's own machine, where pages may be tried without a certificate."""
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\]")
_USUAL_PORTS = {"https": 443, "http": 80}


def read_origin(text: str) -> str:
    """The origin exactly as a browser will send it. Raises ValueError for what is none, or one that anybody may forge.

    Only https says whose a page is; http is taken for the loopback alone. There are no patterns: a subdomain may belong
    to somebody else.
    """
    parts = urlsplit(text.strip().removesuffix("/"))
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc or "?" in text or "#" in text:
        raise ValueError("an origin has a scheme, a host and a port, and nothing else")
    port = parts.port  # raises ValueError itself
    host = parts.netloc.lower().removesuffix(f":{port}").removesuffix(":")
    if not host.isascii():
        host = host.encode("idna").decode()
    if not _HOST.fullmatch(host):
        raise ValueError("that is no host")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        raise ValueError("https is needed, but for the loopback")
    shown = "" if port is None or port == _USUAL_PORTS[parts.scheme] else f":{port}"
    return f"{parts.scheme}://{host}{shown}"
