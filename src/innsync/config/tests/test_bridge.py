"""WSGI as PEP 3333 has it, on granian's RSGI."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from urllib.parse import quote

import httpx
import pytest

from innsync.config import bridge
from innsync.config.environ import UNREADABLE
from innsync.config.tests.echo import PART
from innsync.integrations.conformance.loopback import free_port


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    where = ("--interface", "rsgi", "--port", str(port := free_port()), "--log-level", "warning")
    command = [sys.executable, "-m", "granian", *where, "innsync.config.tests.echo:application"]
    server = subprocess.Popen([*command, "--workers-kill-timeout", "1"])
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        for _ in range(300):
            with suppress(httpx.TransportError):
                client.get("/")
                break
            time.sleep(0.1)
        yield client
    server.terminate()
    server.wait(20)


def test_a_request_arrives_whole(client: httpx.Client):
    body = bytes(range(256)) * 10_000
    answer = client.post(f"/{quote('宿 a/b')}?q=%20é", content=body, headers={"Content-Type": "x/y"})
    told = answer.json()
    assert answer.status_code == 201
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert (told["read"], told["sum"]) == (len(body), sum(body)), "also when it is too large for the memory"
    assert told["PATH_INFO"].encode("latin-1").decode() == "/宿 a/b"
    assert told["QUERY_STRING"] == "q=%20%C3%A9"
    assert (told["REQUEST_METHOD"], told["CONTENT_TYPE"], told["CONTENT_LENGTH"]) == ("POST", "x/y", str(len(body)))
    assert (told["REMOTE_ADDR"], told["wsgi.url_scheme"]) == ("127.0.0.1", "http")
    assert told["HTTP_HOST"] == f"127.0.0.1:{client.base_url.port}"


def test_a_body_of_unknown_length_arrives_too(client: httpx.Client):
    told = client.post("/", content=iter([b"abc", b"de"])).json()
    assert (told["read"], told["CONTENT_LENGTH"]) == (5, "5")
    assert "HTTP_TRANSFER_ENCODING" not in told


def test_headers_that_come_twice_are_joined(client: httpx.Client):
    told = client.get("/", headers=[("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "2.2.2.2")]).json()
    assert told["HTTP_X_FORWARDED_FOR"] == "1.1.1.1, 2.2.2.2"
    assert client.get("/", headers=[("Cookie", "a=1"), ("Cookie", "b=2")]).json()["HTTP_COOKIE"] == "a=1; b=2"


def test_a_name_with_an_underscore_stands_for_no_other(client: httpx.Client):
    told = client.get("/", headers={"X_Forwarded_For": "6.6.6.6", "X-Real-Ip": "1.1.1.1"}).json()
    assert "HTTP_X_FORWARDED_FOR" not in told
    assert told["HTTP_X_REAL_IP"] == "1.1.1.1"


def test_a_value_that_can_not_be_read_is_not_taken_for_none(client: httpx.Client):
    told = client.get("/", headers={"X-Proof": b"caf\xe9", "X-Name": b"Ada"}).json()
    assert told["HTTP_X_PROOF"] == UNREADABLE
    assert told["HTTP_X_NAME"] == "Ada"


def test_an_answer_of_many_parts_is_made_in_one_thread(client: httpx.Client):
    answer = client.get("/parts")
    assert answer.content == PART * 20 + b"same"


@pytest.mark.parametrize(("path", "status"), [("/nothing", 200), ("/empty", 204)])
def test_an_answer_without_a_body(client: httpx.Client, path: str, status: int):
    answer = client.get(path)
    assert (answer.status_code, answer.content) == (status, b"")


@pytest.mark.parametrize("path", ["/", "/parts"])
def test_head_is_answered_without_a_body(client: httpx.Client, path: str):
    answer = client.head(path)
    assert answer.content == b""
    assert answer.status_code in (200, 201)


@pytest.mark.parametrize(
    ("path", "most"), [("/", bridge.LARGEST_BODY), (f"{bridge.UPLOADS}x/photos", bridge.LARGEST_UPLOAD)]
)
def test_a_body_that_says_it_is_larger_than_any_that_is_meant_is_refused_unread(
    client: httpx.Client, path: str, most: int
):
    with socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=20) as raw:
        raw.sendall(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {most + 1}\r\n\r\n".encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 413 ")


def test_only_so_many_large_bodies_are_taken_at_once(client: httpx.Client):
    """Nobody is known yet who sends them."""
    where = client.base_url.host, client.base_url.port or 80
    head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {bridge.LARGEST_BODY}\r\n\r\n".encode()
    with ExitStack() as open_ones:
        for _ in range(bridge.ON_DISK_AT_ONCE):
            raw = open_ones.enter_context(socket.create_connection(where, timeout=20))
            raw.sendall(head + bytes(bridge.IN_MEMORY + 1))
        statuses = [503 if _refused(where, head) else 0 for _ in range(20)]
    assert 503 in statuses
    for _ in range(100):
        with suppress(httpx.TransportError):
            if client.post("/", content=bytes(2_000_000)).status_code == 201:
                return
        time.sleep(0.05)
    raise AssertionError("it takes none any more")


def _refused(where: tuple[str, int], head: bytes) -> bool:
    with socket.create_connection(where, timeout=0.5) as raw, suppress(TimeoutError, ConnectionError):
        raw.sendall(head + bytes(bridge.IN_MEMORY + 1))
        return raw.recv(100).startswith(b"HTTP/1.1 503 ")
    return False


def test_a_body_that_turns_out_larger_is_not_taken(client: httpx.Client):
    def endless() -> Iterator[bytes]:
        for _ in range(bridge.LARGEST_BODY // 1_000_000 + 1):
            yield bytes(1_000_000)

    try:
        status = client.post("/", content=endless()).status_code
    except httpx.TransportError:  # cut off before all was sent
        status = 413
    assert status == 413
    assert httpx.get(client.base_url).status_code == 201
