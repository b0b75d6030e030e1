"""Passes on what comes to an address of this machine to a server that listens only to it: what a proxy in front does.

`python -m innsync.ops.chaos.forward ADDRESS PORT TARGET_PORT`
"""

from __future__ import annotations

import sys
import threading

from innsync.ops.chaos.gate import Gate


def main() -> int:
    address, port, target = sys.argv[1:]
    Gate(int(target), host=address, port=int(port))
    threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
