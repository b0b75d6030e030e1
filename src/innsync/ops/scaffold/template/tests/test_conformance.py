"""New Channel keeps the promises that every channel makes."""

from __future__ import annotations

import pytest

from innsync.integrations.conformance import worlds
from innsync.integrations.conformance.adapters import checks_of
from innsync.integrations.conformance.case import connected
from innsync.integrations.manifest import adapter

KEY = "new_channel"


def test_the_adapter_implements_what_its_manifest_claims() -> None:
    assert adapter(KEY).manifest.name == "New Channel"


def test_the_adapter_does_what_its_ports_promise() -> None:
    """Each capability in the manifest brings its checks; a fresh world for each of them."""
    with connected(KEY) as case:
        assert case.installed.manifest.key == KEY
    for check in checks_of(KEY):
        with connected(KEY) as case:
            check(case)


@pytest.mark.parametrize("check", worlds.CHECKS, ids=lambda check: check.__name__)
def test_its_world_can_be_driven_like_any_other(check: worlds.Check) -> None:
    with worlds.driven(KEY) as case:
        check(case)
