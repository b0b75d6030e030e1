"""The real WSGI application behind real HTTP, in threads of the test process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import httpx
from django.core.wsgi import get_wsgi_application


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass

    def address_string(self) -> str:
        return str(self.client_address[0])


@contextmanager
def served() -> Iterator[str]:
    """Serve on a free port of the loopback; answers the address."""
    with make_server("127.0.0.1", 0, get_wsgi_application(), _Server, _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(5)


@contextmanager
def calling(address: str, secret: str = "") -> Iterator[httpx.Client]:
    """A client of the booking engine, with that key."""
    headers = {"X-API-Key": secret} if secret else {}
    limits = httpx.Limits(max_connections=128)
    with httpx.Client(base_url=f"{address}/api/booking-engine", headers=headers, timeout=30, limits=limits) as client:
        yield client
