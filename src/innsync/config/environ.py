"""A request as WSGI calls it (PEP 3333), from granian's RSGI scope."""

from __future__ import annotations

import sys
from typing import IO, Any

Environ = dict[str, Any]
UNREADABLE = "\xff"
"""Stands for a header's value that is not ASCII, which granian keeps to itself: whoever checks the header refuses it, where
one that is not there would pass."""


def environ_of(scope: Any, body: IO[bytes], length: int = 0) -> Environ:
    """length: of the body, in bytes; it holds also where the caller did not tell it.

    A name with an underscore in it would look like the one with a hyphen that a proxy in front set or took away: such
    headers are left out.
    """
    host, _, port = scope.server.rpartition(":")
    environ: Environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": _as_wsgi(scope.path),
        "QUERY_STRING": _as_wsgi(scope.query_string),
        "SERVER_NAME": host or "localhost",
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "CONTENT_LENGTH": str(length),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if scope.scheme in ("https", "wss") else "http",
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if scope.authority:  # HTTP/2 names the host there
        environ["HTTP_HOST"] = scope.authority
    for name, value in scope.headers.items():
        if "_" in name or name in ("content-length", "transfer-encoding"):
            continue
        key = name.upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        joint = "; " if key == "HTTP_COOKIE" else ", "
        environ[key] = f"{environ[key]}{joint}{value}" if key in environ and key != "HTTP_HOST" else value
    for name in unreadable(scope):
        if "_" not in name:
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = UNREADABLE
    return environ


def unreadable(scope: Any) -> set[str]:
    """Headers that are there without a value that can be read."""
    return set(scope.headers.keys()) - {name for name, _ in scope.headers.items()}


def _as_wsgi(text: str) -> str:
    """Text as WSGI carries it: a character for each byte."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")
