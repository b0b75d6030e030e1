"""A served sandbox and a fresh organization connected to all of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from tests.flows.stack import Stack


@pytest.fixture(scope="module")
def sandbox_url() -> Iterator[str]:
    from innsync.integrations.conformance.server import serve
    from innsync.integrations.simulation.app import installed_worlds
    from innsync.integrations.simulation.world import Clock

    with serve(*installed_worlds(Clock()), control=True) as url:
        yield url


@pytest.fixture
def stack(database: str, sandbox_url: str) -> Iterator[Stack]:
    from innsync.apps.distribution import handlers  # noqa: F401  # registers what the relay calls
    from innsync.apps.inbox import tasks  # noqa: F401
    from tests.flows.stack import make_stack

    with httpx.Client(timeout=60) as client:
        made = make_stack(sandbox_url, client)
        made.settle()
        yield made
