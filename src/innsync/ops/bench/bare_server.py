"""The limit of HTTP: the same server answering the same bytes to everything, without a look at what was asked."""

from __future__ import annotations

import os
from typing import Any

SIZE = "INNSYNC_BENCH_BYTES"
_BODY = b"x" * int(os.environ.get(SIZE, "1"))
_HEADERS = [("content-type", "application/json"), ("content-length", str(len(_BODY)))]


async def application(scope: Any, proto: Any) -> None:
    """By RSGI."""
    proto.response_bytes(200, _HEADERS, _BODY)
