"""Keys of our rows."""

from __future__ import annotations

from uuid import UUID

from uuid6 import uuid7


def new_id() -> UUID:
    """A UUIDv7: unique anywhere, and sorted by the moment it was made, so that indexes grow at their end."""
    return UUID(int=uuid7().int)
