"""The chain that ties recorded calls together, so that none can be changed, removed or put in later unnoticed.

A call's digest is the SHA-256 of its line as it is exported, without the line's end. A link names the calls of one organization that were written
together, in their order, and the link before it; its hash covers all of that. Whoever knows one hash can check everything
before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

FIRST = bytes(32)
"""What stands before an organization's first link."""
_ID, _DIGEST = 16, 32


def digest(line: bytes) -> bytes:
    return hashlib.sha256(line).digest()


@dataclass(frozen=True, slots=True)
class Link:
    """number: from 1 within the organization. previous_at None: it is the first. ids, digests: of the calls, one after
    another, 16 and 32 bytes each.
    """

    organization_id: UUID
    number: int
    at: datetime
    previous_at: datetime | None
    previous: bytes
    ids: bytes
    digests: bytes

    def __len__(self) -> int:
        return len(self.ids) // _ID

    def hash(self) -> bytes:
        head = (
            self.organization_id,
            self.number,
            _instant(self.at),
            _instant(self.previous_at) if self.previous_at else "",
            self.previous.hex(),
            len(self),
        )
        sealed = hashlib.sha256(" ".join(str(one) for one in head).encode())
        sealed.update(self.ids)
        sealed.update(self.digests)
        return sealed.digest()

    def calls(self) -> Iterator[tuple[UUID, bytes]]:
        """Each call's id and digest."""
        for at in range(len(self)):
            yield UUID(bytes=self.ids[at * _ID : (at + 1) * _ID]), self.digests[at * _DIGEST : (at + 1) * _DIGEST]


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
