"""Every installed adapter against its vendor's world over real HTTP, by the same checks."""

from __future__ import annotations

import pytest

from innsync.integrations.conformance.adapters import checks_of
from innsync.integrations.conformance.case import connected
from innsync.integrations.manifest import manifests

CASES = [
    pytest.param(key, check, id=f"{key}-{check.__name__}") for key in sorted(manifests()) for check in checks_of(key)
]


@pytest.mark.parametrize(("key", "check"), CASES)
def test_an_adapter_does_what_its_ports_promise(key, check):
    with connected(key) as case:
        check(case)


def test_there_are_adapters_to_check():
    assert {"booking_com", "channex", "expedia"} <= {case.values[0] for case in CASES}
