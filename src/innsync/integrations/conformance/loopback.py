"""Free ports of this machine, for programs that tests start."""

from __future__ import annotations

import random
import socket

# Below the range from which systems number outgoing connections (Linux: 32768 up), of which one could take the port
# between being found free and being bound.
FIRST, LAST = 20_000, 32_000
_dice = random.SystemRandom()  # tests that run beside one another must not try in the same order


def free_port() -> int:
    """A loopback port on which nobody listens, and which no outgoing connection is given.

    Raises RuntimeError when a hundred ports in a row are taken.
    """
    for _ in range(100):
        port = _dice.randint(FIRST, LAST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port between {FIRST} and {LAST}")
