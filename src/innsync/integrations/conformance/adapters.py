"""What every adapter must do, said against its ports and its vendor's world alone.

The checks are functions of an `AdapterCase`, with the capabilities and restrictions that they need; `checks_of` picks
those that apply to a vendor. A check raises AssertionError, or lets out what the adapter should not have let out.
"""

from __future__ import annotations

from innsync.integrations.conformance import bookings, messages, pushing  # noqa: F401  # registers the checks
from innsync.integrations.conformance.case import Check
from innsync.integrations.conformance.registry import CHECKS
from innsync.integrations.manifest import manifests


def checks_of(key: str) -> list[Check]:
    """The checks that apply to an installed vendor."""
    manifest = manifests()[key]
    can = manifest.can | set(manifest.dialect.restrictions())
    return [check for wanted, check in CHECKS if wanted <= can]
