"""What a vendor, or somebody in its place, may answer, and that none of it stops a worker or is believed."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from innsync.integrations import http
from innsync.integrations.errors import ContractBroken, IntegrationError, OutcomeUnknown, RateLimited, Rejected
from innsync.integrations.http import ForbiddenAddress, Session, refuse_private_address, retry_after
from innsync.integrations.ports import AckResult

PAN = "4111 1111 1111 1111"


@contextmanager
def vendor(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A vendor on a real socket that answers so."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def session(url: str, **more: Any) -> Iterator[Session]:
    with httpx.Client(trust_env=False) as client:
        yield Session("test", "account", {"api": url}, {"key": "k-secret-value"}, client, allow_private=True, **more)


def fetch(url: str, **more: Any) -> httpx.Response:
    with session(url, **more) as one:
        return one.request("GET", "api", "/x", operation="read")


def answering(body: bytes, status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def test_an_answer_arrives_whole_and_unpacked() -> None:
    with vendor(answering(gzip.compress("Zoë".encode()), Content_Encoding="gzip", X_Id="7")) as url:
        response = fetch(url)
    assert (response.status_code, response.content, response.headers["x-id"]) == (200, "Zoë".encode(), "7")


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_without_end_is_not_read_to_its_end(packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packed, a few kilobytes would become what no memory holds."""
    monkeypatch.setattr(http, "ANSWER_LIMIT_BYTES", 1_000_000)
    body = bytes(100_000_000)
    headers = {"Content_Encoding": "gzip"} if packed else {}
    calls: list[http.Call] = []
    with (
        vendor(answering(gzip.compress(body) if packed else body, **headers)) as url,
        pytest.raises(OutcomeUnknown, match="larger than"),
    ):
        fetch(url, on_call=calls.append)
    assert calls[0].received_bytes < 80_000_000
    assert "larger" in calls[0].error


def test_an_answer_that_drips_for_ever_is_given_up() -> None:
    """Each byte comes within the time that is allowed between two, so only the whole can be too slow."""

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "10000")
        handler.end_headers()
        for _ in range(2000):
            try:
                handler.wfile.write(b".")
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.05)

    started = time.monotonic()
    with vendor(drip) as url, pytest.raises(OutcomeUnknown, match="too slow"):
        fetch(url, timeout_s=0.2)
    assert time.monotonic() - started < 50


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17),
        ("0", 0),
        ("99999999999999999999999", 3600),
        ("604800", 3600),
        ("²", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("Sat, 21 Nov 2020 10:00:00 GMT", 0),
        ("Sat, 21 Nov 2020 10:00:00 -0000", 0),
        ("Fri, 21 Nov 9998 10:00:00 GMT", 3600),
    ],
)
def test_a_wait_that_is_asked_for_is_kept_within_reason(value: str, seconds: int | None) -> None:
    response = httpx.Response(429, headers=[(b"retry-after", value.encode())])
    assert retry_after(response) == (None if seconds is None else timedelta(seconds=seconds))


def test_too_many_calls_with_a_senseless_wait_is_still_too_many_calls() -> None:
    with vendor(answering(b"slow down", 429, Retry_After="9" * 30)) as url, pytest.raises(RateLimited) as caught:
        fetch(url)
    assert caught.value.retry_after == timedelta(hours=1)


def test_words_of_a_vendor_hold_neither_cards_nor_our_credentials_nor_what_can_not_be_stored() -> None:
    body = f"no\x00 such booking; you sent {PAN} with key k-secret-value".encode()
    with vendor(answering(body, 400)) as url, pytest.raises(Rejected) as caught:
        fetch(url)
    assert caught.value.words.startswith("no  such booking; you sent ****")
    for unwanted in ("4111", "k-secret-value", "\x00"):
        assert unwanted not in caught.value.words
        assert unwanted not in str(caught.value)


@pytest.mark.parametrize("kind", [ContractBroken, Rejected, IntegrationError])
def test_whoever_quotes_a_vendor_quotes_what_can_be_stored(kind: type[IntegrationError]) -> None:
    error = kind(f"room \x00\x1b[31m of {PAN}\nunknown")
    assert error.words == "room   [31m of ************1111\nunknown"
    assert AckResult("1", False, f"\x00{PAN}").words == " ************1111"


@pytest.mark.parametrize("base", ["ftp://vendor.example", "http://[::1", "//nothing"])
def test_an_address_that_is_none_is_refused(base: str) -> None:
    with pytest.raises(Rejected):
        fetch(base)


def test_a_credential_that_no_header_can_carry_is_refused() -> None:
    with vendor(answering(b"")) as url, session(url) as one:
        for value in ("clé", "a\r\nX-Other: b"):
            with pytest.raises(Rejected):
                one.request("GET", "api", "/x", operation="read", headers={"X-Key": value})


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # an address to be refused, not one to listen on
        "224.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "fe80::1",
        "fd00::1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "::127.0.0.1",
    ],
)
def test_no_private_address_is_called_however_it_is_written(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [(0, 0, 0, "", (address, 0))])
    with pytest.raises(ForbiddenAddress):
        refuse_private_address("https://vendor.example/x")


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"])
def test_a_public_address_is_called(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [(0, 0, 0, "", (address, 0))])
    refuse_private_address("https://vendor.example/x")


def test_a_name_that_has_another_address_by_the_time_it_is_called_is_not_told_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name server may answer the check with a public address and the call with one of ours (rebinding)."""
    heard: list[str] = []
    addresses = iter(["93.184.215.14"])

    def look_up(host: str, port: int | None, *_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(addresses, "127.0.0.1"), port or 0))]

    def answer(handler: BaseHTTPRequestHandler) -> None:
        heard.append(handler.headers["Authorization"])
        answering(b"{}")(handler)

    calls: list[http.Call] = []
    with vendor(answer) as url, session(url.replace("127.0.0.1", "Vendor.example")) as one:
        one.on_call = calls.append
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        one.allow_private = False
        with pytest.raises(ForbiddenAddress):
            one.request("GET", "api", "/x", operation="read", headers={"Authorization": "k-secret-value"})
        assert heard == []
        assert calls[0].error
        one.allow_private = True
        one.request("GET", "api", "/x", operation="read", headers={"Authorization": "k-secret-value"})
    assert heard == ["k-secret-value"]


@pytest.mark.parametrize("url", ["http://" + "a" * 64 + ".example", "http:///x", "http://a..b"])
def test_a_host_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Rejected):
        refuse_private_address(url)


def test_a_redirect_is_not_followed() -> None:
    """It could lead where no call may go."""
    with (
        vendor(answering(b"", 302, Location="http://169.254.169.254/latest/meta-data")) as url,
        pytest.raises(Rejected),
    ):
        fetch(url)
