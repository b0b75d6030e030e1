"""The product's own worker, standing still at one point of its work, so that it can be killed exactly there.

`python -m tests.flows.doomed_worker POINT`: prints `here` when it got to the point, and goes no further.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

import django

STANDS_S = 120
_reached = threading.Lock()


def _stand() -> None:
    """The first who comes here says so; all who come stay."""
    if _reached.acquire(blocking=False):
        print("here", flush=True)
    threading.Event().wait(STANDS_S)


def _before(owner: Any, name: str) -> None:
    def doomed(*given: Any, **named: Any) -> None:
        _stand()

    setattr(owner, name, doomed)


def _after(owner: Any, name: str) -> None:
    real: Callable[..., Any] = getattr(owner, name)

    @wraps(real)
    def doomed(*given: Any, **named: Any) -> None:
        real(*given, **named)
        _stand()

    setattr(owner, name, doomed)


def _lay_in_wait(point: str) -> None:
    from innsync.apps.inbox import pulling, services
    from innsync.apps.reservations import services as reservations
    from innsync.integrations.manifest import adapter, manifests

    adapters = [type(adapter(vendor).implementation) for vendor in manifests()]
    if point == "kept, not applied":
        _before(services, "apply_pending")
    elif point == "applied, not committed":
        _after(reservations, "apply_channel_revision")
    elif point == "applied, not acknowledged":
        _before(pulling, "_acknowledge")
    elif point == "acknowledged, not recorded":
        _before(pulling, "_record")
    elif point == "about to push":
        for one in adapters:
            _before(one, "send_push")
    elif point == "pushed, not recorded":
        for one in adapters:
            _after(one, "send_push")
    elif point != "none":
        raise SystemExit(f"no point {point!r}")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "innsync.config.settings")
    django.setup()
    _lay_in_wait(sys.argv[1])
    from innsync.ops.worker import main

    sys.exit(main())
