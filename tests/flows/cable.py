"""A line to the tests' database that can be cut."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo


class Cable:
    """Carries connections from a port of its own to a database. cut: as when its machine is gone."""

    def __init__(self, database: str) -> None:
        self._parts = conninfo_to_dict(database)
        self._listener: socket.socket | None = None
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.mend()
        assert self._listener is not None
        self._port = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return make_conninfo("", **{**self._parts, "host": "127.0.0.1", "port": self._port, "sslmode": "disable"})

    def cut(self) -> None:
        with self._lock:
            listener, self._listener = self._listener, None
            ends, self._ends = self._ends, set()
        for end in [*([listener] if listener else []), *ends]:
            _close(end)

    def mend(self) -> None:
        port = getattr(self, "_port", 0)
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = self._reach()
                with self._lock:
                    self._ends |= {near, far}
                    cut = self._listener is not listener
                if cut:
                    _close(near)
                    _close(far)
                    return
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_carry, args=(one, other), daemon=True).start()

    def _reach(self) -> socket.socket:
        host, port = str(self._parts["host"]), self._parts.get("port", 5432)
        if not host.startswith("/"):
            return socket.create_connection((host, int(port)))
        far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        far.connect(str(Path(host) / f".s.PGSQL.{port}"))
        return far


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65_536):
            target.sendall(part)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@contextmanager
def laid(database: str) -> Iterator[Cable]:
    cable = Cable(database)
    try:
        yield cable
    finally:
        cable.cut()
