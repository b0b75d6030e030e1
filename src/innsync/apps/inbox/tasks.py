"""Jobs about incoming bookings."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connection
from procrastinate.contrib.django import app

from innsync.apps.distribution.tasks import AGAIN, LATER, URGENT, enqueue, when_due
from innsync.apps.events.relay import Entry, handles
from innsync.apps.inbox import pulling, services


@app.task(name="pull_account", retry=AGAIN)
def pull_account(organization_id: str, account_id: str) -> None:
    try:
        pulling.pull(organization_id=UUID(organization_id), account_id=UUID(account_id))
    finally:
        connection.close()


@app.task(name="list_changed", retry=AGAIN)
def list_changed(organization_id: str, connection_id: str) -> None:
    try:
        pulling.list_changed(organization_id=UUID(organization_id), connection_id=UUID(connection_id))
    finally:
        connection.close()


@app.task(name="resume_connection", retry=AGAIN)
def resume_connection(organization_id: str, connection_id: str) -> None:
    try:
        pulling.resume(organization_id=UUID(organization_id), connection_id=UUID(connection_id))
    finally:
        connection.close()


@app.task(name="apply_inbox", retry=AGAIN)
def apply_inbox(organization_id: str, account_id: str) -> None:
    try:
        services.apply_pending(organization_id=UUID(organization_id), account_id=UUID(account_id))
    finally:
        connection.close()


@when_due("bookings")
def _pull(organization_id: UUID, account_id: UUID) -> None:
    enqueue(
        pull_account,
        lock=f"account:{account_id}",
        priority=URGENT,
        organization_id=str(organization_id),
        account_id=str(account_id),
    )


@when_due("second_look")
def _list(organization_id: UUID, connection_id: UUID) -> None:
    enqueue(
        list_changed,
        lock=f"list:{connection_id}",
        priority=LATER,
        organization_id=str(organization_id),
        connection_id=str(connection_id),
    )


@when_due("resume")
def _resume(organization_id: UUID, connection_id: UUID) -> None:
    enqueue(
        resume_connection,
        lock=f"resume:{connection_id}",
        priority=URGENT,
        organization_id=str(organization_id),
        connection_id=str(connection_id),
    )


@handles("apply_inbox")
def _apply(organization_id: UUID, entries: Sequence[Entry]) -> None:
    for account_id in sorted({entry.payload["account_id"] for entry in entries}):
        enqueue(
            apply_inbox,
            lock=f"account:{account_id}",
            priority=URGENT,
            organization_id=str(organization_id),
            account_id=account_id,
        )
