from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from innsync.api.tests.fixtures import address, client, house
from innsync.api.tests.samples import SampleHouse
from innsync.api.tests.serving import calling
from innsync.config.bridge import Answer, Bridge

__all__ = ["address", "client", "house"]


@pytest.fixture
def shop(web: str, house: SampleHouse) -> Iterator[httpx.Client]:
    """The served application, with the hotel's key."""
    with calling(web, house.secret) as found:
        yield found


@pytest.fixture
def django_asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths, with their queries, that went on to Django."""
    asked: list[str] = []
    call = Bridge.call

    async def seen(self: Bridge, environ: dict[str, Any]) -> Answer:
        asked.append(f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}")
        return await call(self, environ)

    monkeypatch.setattr(Bridge, "call", seen)
    return asked
