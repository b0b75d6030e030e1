"""What channels have for us."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from innsync.apps.accounts.tenancy import swiftly
from innsync.apps.distribution.access import open_session
from innsync.apps.distribution.doors import find_door, poll_now
from innsync.integrations.ports import RawMessage
from tests.flows.stack import Stack


def captured(stack: Stack, vendor: str) -> list[RawMessage]:
    """What waits in the channel's queue, as its adapter cuts it out."""
    adapter, session = open_session(stack.link(vendor).account)
    return list(adapter.implementation.pull_bookings(session).messages)


def hinted(account_id: UUID) -> None:
    """A channel calls us and says that something came."""
    with swiftly(None):
        door = find_door(account_id)
        assert door is not None
        poll_now(door, now=datetime.now(UTC))
