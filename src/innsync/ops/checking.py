"""Looking whether something promised holds: what was looked at, and all that is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

READ_BACK_TRIES = 30


@dataclass(slots=True)
class Check:
    """One thing promised. looked_at: how many cells, bookings or messages; wrong: a sentence each."""

    name: str
    looked_at: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.wrong


def differences(*, organization_id: UUID, connections: Mapping[str, UUID]) -> Iterator[Check]:
    """Wanted against acknowledged, and acknowledged against what the channel says when it is read back."""
    from innsync.apps.distribution.audit import audit
    from innsync.apps.distribution.reconcile import reconcile

    for vendor, connection_id in connections.items():
        check = Check(f"{vendor}: no difference and no drift")
        outcome = reconcile(organization_id=organization_id, connection_id=connection_id, full=True, dry_run=True)
        if not outcome.done:
            check.wrong.append(f"{len(outcome.plan)} messages are still to be sent: {outcome.why or 'cells differ'}")
        for _ in range(READ_BACK_TRIES):
            found = audit(organization_id=organization_id, connection_id=connection_id, repair=False)
            if not found.why:
                break
        check.looked_at = found.cells
        if found.why:
            check.wrong.append(f"could not be read back: {found.why}")
        for kind, cells in (("drift", found.drift), ("not as wanted", found.against_wanted)):
            check.wrong += [
                f"{kind}: {cell.target.room} {cell.target.rate or ''} {cell.day} {cell.field}:"
                f" acknowledged or wanted {cell.acknowledged}, holds {cell.held}"
                for cell in cells
            ]
        yield check
