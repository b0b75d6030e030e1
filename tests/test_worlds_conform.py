"""Every installed vendor's world through the control interface, by the same checks."""

from __future__ import annotations

import pytest

from innsync.integrations.conformance.worlds import CHECKS, driven
from innsync.integrations.manifest import manifests


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("key", sorted(manifests()))
def test_a_world_can_be_driven_like_any_other(key, check):
    with driven(key) as case:
        check(case)
