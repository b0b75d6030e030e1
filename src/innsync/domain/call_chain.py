"""The chain that ties recorded calls together, so that none can be changed, removed or put in later unnoticed.

A call's digest is the SHA-256 of its line as it is exported, without the line's end. A link names the calls of one organization that were written
together, in their order, and the link before it; its hash covers all of that. Whoever knows one hash can check everything
before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

FIRST = bytes(32)
"""What stands before an organization's first link."""
_DIGEST = 32


def digest(line: bytes) -> bytes:
    return hashlib.sha256(line).digest()


@dataclass(frozen=True, slots=True)
class Link:
    """number: from 1 within the organization. previous_at None: it is the first. digests: of the calls, one after another."""

    organization_id: UUID
    number: int
    at: datetime
    previous_at: datetime | None
    previous: bytes
    ids: Sequence[UUID]
    digests: bytes

    def hash(self) -> bytes:
        head = (
            self.organization_id,
            self.number,
            _instant(self.at),
            _instant(self.previous_at) if self.previous_at else "",
            self.previous.hex(),
            len(self.ids),
        )
        sealed = hashlib.sha256(" ".join(str(one) for one in head).encode())
        for one in self.ids:
            sealed.update(one.bytes)
        sealed.update(self.digests)
        return sealed.digest()

    def calls(self) -> Iterator[tuple[UUID, bytes]]:
        """Each call's id and digest."""
        for place, one in enumerate(self.ids):
            yield one, self.digests[place * _DIGEST : (place + 1) * _DIGEST]


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
