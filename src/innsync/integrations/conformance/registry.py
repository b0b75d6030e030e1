"""What makes a function a check, and which capabilities it needs to apply."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from innsync.integrations.conformance.case import Check

PUSH = frozenset({"push_availability", "push_rates"})
PULL = PUSH | {"pull_bookings"}
ACK = PULL | {"acknowledge"}

CHECKS: list[tuple[frozenset[str], Check]] = []


def needs(capabilities: Iterable[str]) -> Callable[[Check], Check]:
    """Marks a check and what an adapter must be able to do, or which restriction to express, for it to apply."""

    def mark(check: Check) -> Check:
        CHECKS.append((frozenset(capabilities), check))
        return check

    return mark
