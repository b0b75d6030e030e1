"""A served sandbox and fresh organizations connected to it; and the API over HTTP with a house of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from innsync.api.tests.fixtures import address, client, house
from tests.flows.serving import start

if TYPE_CHECKING:
    from innsync.integrations.simulation.world import VendorWorld
    from tests.flows.stack import Stack

__all__ = ["address", "client", "house", "start"]


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[str, dict[str, VendorWorld]]]:
    from innsync.integrations.conformance.server import serve
    from innsync.integrations.simulation.app import installed_worlds
    from innsync.integrations.simulation.world import Clock

    found = installed_worlds(Clock())
    with serve(*found, control=True) as url:
        yield url, {world.key: world for world in found}


@pytest.fixture(scope="session")
def sandbox_url(served: tuple[str, dict[str, VendorWorld]]) -> str:
    return served[0]


@pytest.fixture(scope="session")
def worlds(served: tuple[str, dict[str, VendorWorld]]) -> dict[str, VendorWorld]:
    """The vendors' worlds by key, for what the control interface can't make happen."""
    return served[1]


@pytest.fixture
def make_stack(database: str, sandbox_url: str) -> Iterator[Callable[..., Stack]]:
    """Makes a property connected to new worlds; what earlier tests left to be done is not done any more."""
    from innsync.apps.accounts.tenancy import sql
    from innsync.apps.distribution import handlers  # noqa: F401  # registers what the relay calls
    from innsync.apps.inbox import tasks  # noqa: F401
    from innsync.apps.messaging import tasks as messaging  # noqa: F401
    from tests.flows import stack as stacks

    with sql() as cursor:
        for plumbing in ("distribution_schedule", "distribution_dirty", "events_outbox", "procrastinate_jobs"):
            cursor.execute(f"DELETE FROM {plumbing}")
        cursor.execute("DELETE FROM events_bucket")
    with httpx.Client(timeout=60) as client:
        client.post(f"{sandbox_url}/_control/reset").raise_for_status()

        def make(**how: Any) -> Stack:
            return stacks.make_stack(sandbox_url, client, **how)

        yield make
        client.post(f"{sandbox_url}/_control/reset").raise_for_status()


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """A small hotel of two rooms on every channel, all of it in step."""
    made = make_stack()
    made.settle()
    return made
