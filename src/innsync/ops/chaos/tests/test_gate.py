"""The hop between two parties: it passes on, is cut, and springs at an answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from innsync.ops.chaos.gate import Ambush, Gate


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Before a server that says everything back, in capitals."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    there, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=echo, args=(there,), daemon=True).start()

        def echo(there: socket.socket) -> None:
            with there:
                try:
                    while data := there.recv(1000):
                        there.sendall(data.upper())
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        made = Gate(server.getsockname()[1])
        yield made
        made.close()
        server.shutdown(socket.SHUT_RDWR)


def call(gate: Gate) -> socket.socket:
    return socket.create_connection(("127.0.0.1", gate.port), timeout=5)


def test_it_passes_on_both_ways(gate: Gate) -> None:
    with call(gate) as caller:
        caller.sendall(b"hello")
        assert caller.recv(100) == b"HELLO"


def test_while_it_is_silent_nothing_comes_through_and_afterwards_it_does(gate: Gate) -> None:
    with call(gate) as caller:
        caller.sendall(b"a")
        assert caller.recv(100) == b"A"
        gate.set("silent")
        caller.sendall(b"b")
        caller.settimeout(0.3)
        with pytest.raises(TimeoutError):
            caller.recv(100)
        gate.set("open")
        caller.settimeout(5)
        assert caller.recv(100) == b"B"


def test_a_reset_breaks_what_is_open_and_what_is_begun(gate: Gate) -> None:
    with call(gate) as caller:
        caller.sendall(b"a")
        assert caller.recv(100) == b"A"
        gate.set("reset")
        with pytest.raises(ConnectionResetError):
            caller.recv(100)
    with pytest.raises(ConnectionError), call(gate) as caller:
        caller.sendall(b"a")
        while caller.recv(100):
            pass
        raise ConnectionError("ended without a word")


@pytest.mark.parametrize("told", [True, False])
def test_it_springs_at_the_answer_that_is_meant_and_passes_it_on_or_not(gate: Gate, told: bool) -> None:
    sprung: list[int] = []
    gate.ambush = Ambush(answer=2, told=told, spring=sprung.append)
    with call(gate) as caller:
        caller.sendall(b"one")
        assert caller.recv(100) == b"ONE"
        assert sprung == []
        caller.sendall(b"two")
        if told:
            assert caller.recv(100) == b"TWO"
        else:
            with pytest.raises(ConnectionResetError):
                caller.recv(100)
        assert sprung == [caller.getsockname()[1]]
    assert gate.ambush is None
