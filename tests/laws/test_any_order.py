"""Whatever happens to a hotel in whatever order: counts, conflicts and channels come out right."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from innsync.integrations.manifest import adapter, manifests

PARTS, EXAMPLES, STEPS = 4, 25, 100
"""10,000 steps in all, in parts that run beside each other."""
# Making a failure shorter takes minutes, which somebody at their own machine may have.
PHASES = [one for one in Phase if one is not Phase.shrink or os.environ.get("CI") != "true"]


@pytest.fixture
def noticeboards(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from innsync.apps.distribution import handlers  # noqa: F401  # registers what the relay calls
    from innsync.apps.inbox import tasks  # noqa: F401

    monkeypatch.setenv("INNSYNC_CHANNEL_PACKAGES", "tests.laws.noticeboard")
    manifests.cache_clear()
    adapter.cache_clear()
    _forget_all_plumbing()
    yield
    # What is read across tenants must not show other tests a channel that only these know.
    _forget_all_plumbing()
    manifests.cache_clear()
    adapter.cache_clear()


def _forget_all_plumbing() -> None:
    from innsync.apps.accounts.tenancy import sql

    with sql() as cursor:
        for table in ("distribution_schedule", "distribution_dirty", "events_outbox", "procrastinate_jobs"):
            cursor.execute(f"DELETE FROM {table}")


@pytest.mark.parametrize("part", range(PARTS))
def test_a_hotel_and_its_channels_agree_whatever_happens(noticeboards: None, part: int) -> None:
    from tests.laws.machine import Hotel

    run_state_machine_as_test(
        seed(part)(Hotel),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
            phases=PHASES,
        ),
    )
