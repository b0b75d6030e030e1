"""What the server refuses before anybody reads it: programs get a problem document as from everywhere else."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from innsync.config import bridge

HOOK = "/api/webhooks/booking-created"


def sent(base: str, path: str, *, length: int, body: bytes = b"", headers: str = "") -> httpx.Response:
    """The answer to a request whose body may never come whole."""
    parts = urlsplit(base)
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=20) as raw:
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n{headers}\r\n"
        raw.sendall(head.encode() + body)
        text = b""
        while b"\r\n\r\n" not in text or (b"}" not in text and b"\n" not in text.partition(b"\r\n\r\n")[2]):
            part = raw.recv(65536)
            if not part:
                break
            text += part
    top, _, rest = text.partition(b"\r\n\r\n")
    status, *lines = top.decode().split("\r\n")
    pairs = [tuple(line.split(": ", 1)) for line in lines]
    return httpx.Response(int(status.split()[1]), headers=pairs, content=rest)


def too_large(base: str, path: str, monkeypatch: pytest.MonkeyPatch) -> httpx.Response:
    return sent(base, path, length=bridge.LARGEST_BODY + 1, headers="X-Request-Id: site-4711-abc\r\n")


def too_slow(base: str, path: str, monkeypatch: pytest.MonkeyPatch) -> httpx.Response:
    monkeypatch.setattr(bridge, "BODY_TAKES_S", 0.3)
    return sent(base, path, length=100, body=b"{", headers="X-Request-Id: site-4711-abc\r\n")


def too_many(base: str, path: str, monkeypatch: pytest.MonkeyPatch) -> httpx.Response:
    monkeypatch.setattr(bridge, "ON_DISK_AT_ONCE", 0)
    body = bytes(bridge.IN_MEMORY + 1)
    return sent(base, path, length=len(body), body=body, headers="X-Request-Id: site-4711-abc\r\n")


@pytest.mark.parametrize(
    ("refused", "status", "kind"),
    [(too_large, 413, "too-large"), (too_slow, 408, "too-slow"), (too_many, 503, "try-again")],
)
@pytest.mark.parametrize("path", [HOOK, "/api/booking-engine/bookings"])
def test_a_program_is_told_by_a_problem_document(
    web: str, monkeypatch: pytest.MonkeyPatch, refused, path: str, status: int, kind: str
):
    answer = refused(web, path, monkeypatch)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == f"/problems/{kind}"
    assert answer.json()["status"] == status
    assert answer.json()["instance"] == answer.headers["X-Request-Id"] == "site-4711-abc"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert ("Retry-After" in answer.headers) == (status == 503)


@pytest.mark.parametrize(("refused", "status"), [(too_large, 413), (too_slow, 408), (too_many, 503)])
def test_a_person_is_told_in_words(web: str, monkeypatch: pytest.MonkeyPatch, refused, status: int):
    answer = refused(web, "/sign-in", monkeypatch)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
