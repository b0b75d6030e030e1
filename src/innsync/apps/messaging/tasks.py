"""Jobs about conversations with guests. Of one connection, one runs at a time."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from innsync.apps.distribution.tasks import when_due
from innsync.apps.events.jobs import AGAIN, URGENT, enqueue, job
from innsync.apps.events.relay import Entry, handles
from innsync.apps.messaging import reading, sending


@job("read_messages", retry=AGAIN)
def read_messages(organization_id: UUID, connection_id: UUID) -> None:
    reading.read(organization_id=organization_id, connection_id=connection_id)


@job("send_messages", retry=AGAIN)
def send_messages(organization_id: UUID, connection_id: UUID) -> None:
    sending.send_waiting(organization_id=organization_id, connection_id=connection_id)


when_due("messages", read_messages, lock="messages")


@handles("send_messages")
def _send(organization_id: UUID, entries: Sequence[Entry]) -> None:
    for connection_id in sorted({entry.payload["connection_id"] for entry in entries}):
        enqueue(
            send_messages,
            lock=f"messages:{connection_id}",
            priority=URGENT,
            organization_id=organization_id,
            connection_id=connection_id,
        )
