"""Jobs about conversations with guests. Of one connection, one runs at a time."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connection
from procrastinate.contrib.django import app

from innsync.apps.distribution.tasks import AGAIN, NORMAL, URGENT, enqueue, when_due
from innsync.apps.events.relay import Entry, handles
from innsync.apps.messaging import reading, sending


@app.task(name="read_messages", retry=AGAIN)
def read_messages(organization_id: str, connection_id: str) -> None:
    try:
        reading.read(organization_id=UUID(organization_id), connection_id=UUID(connection_id))
    finally:
        connection.close()


@app.task(name="send_messages", retry=AGAIN)
def send_messages(organization_id: str, connection_id: str) -> None:
    try:
        sending.send_waiting(organization_id=UUID(organization_id), connection_id=UUID(connection_id))
    finally:
        connection.close()


@when_due("messages")
def _read(organization_id: UUID, connection_id: UUID) -> None:
    enqueue(
        read_messages,
        lock=f"messages:{connection_id}",
        priority=NORMAL,
        organization_id=str(organization_id),
        connection_id=str(connection_id),
    )


@handles("send_messages")
def _send(organization_id: UUID, entries: Sequence[Entry]) -> None:
    for connection_id in sorted({entry.payload["connection_id"] for entry in entries}):
        enqueue(
            send_messages,
            lock=f"messages:{connection_id}",
            priority=URGENT,
            organization_id=str(organization_id),
            connection_id=connection_id,
        )
