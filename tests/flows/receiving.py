"""A program that takes webhooks, as it might be written by somebody who read the Standard Webhooks specification alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str], bytes]
WELL: Answer = (200, {}, b"thanks")


@dataclass(frozen=True, slots=True)
class Call:
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def code(self) -> str:
        return str(self.event["data"].get("code"))


def genuine(call: Call, secret: str, now: float) -> bool:
    """By the specification: the signed content is `id.timestamp.body`, the key what follows `whsec_` in base64."""
    identifier, timestamp = call.headers["webhook-id"], call.headers["webhook-timestamp"]
    if abs(now - int(timestamp)) > 300:
        return False
    key = base64.b64decode(secret[len("whsec_") :], validate=True)
    expected = hmac.new(key, b".".join((identifier.encode(), timestamp.encode(), call.body)), hashlib.sha256)
    wanted = base64.b64encode(expected.digest()).decode()
    given = [one.split(",", 1) for one in call.headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(one, wanted) for version, one in given)


@dataclass
class Receiver:
    """answer: what the next calls are answered; takes_s: how long that takes."""

    port: int = 0
    answer: Callable[[Call], Answer] = lambda call: WELL
    takes_s: float = 0.0
    calls: list[Call] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def wait_for(self, number: int, within_s: float = 20) -> list[Call]:
        until = time.monotonic() + within_s
        while len(self.calls) < number and time.monotonic() < until:
            time.sleep(0.01)
        return list(self.calls)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that is killed is part of the tests."""


@contextmanager
def receiving(receiver: Receiver) -> Iterator[Receiver]:
    """Serve it, on its own port when it has one."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if len(body) < int(self.headers["Content-Length"]):
                return  # the caller was killed
            call = Call({name.lower(): value for name, value in self.headers.items()}, body)
            time.sleep(receiver.takes_s)
            status, headers, text = receiver.answer(call)
            receiver.calls.append(call)
            with suppress(OSError):  # whoever called does not wait for it
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(text))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with _Server(("127.0.0.1", receiver.port), Handler) as server:
        receiver.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join(5)
