"""What channels have for us."""

from __future__ import annotations

from innsync.apps.distribution.access import open_session
from innsync.integrations.ports import RawMessage
from tests.flows.stack import Stack


def captured(stack: Stack, vendor: str) -> list[RawMessage]:
    """What waits in the channel's queue, as its adapter cuts it out."""
    adapter, session = open_session(stack.link(vendor).account)
    return list(adapter.implementation.pull_bookings(session).messages)
