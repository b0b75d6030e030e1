"""Jobs about incoming bookings."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from innsync.apps.distribution.tasks import when_due
from innsync.apps.events.jobs import AGAIN, LATER, URGENT, enqueue, job
from innsync.apps.events.relay import Entry, handles
from innsync.apps.inbox import handing_on, pulling, services


@job("pull_account", retry=AGAIN)
def pull_account(organization_id: UUID, account_id: UUID) -> None:
    pulling.pull(organization_id=organization_id, account_id=account_id)


@job("list_changed", retry=AGAIN)
def list_changed(organization_id: UUID, connection_id: UUID) -> None:
    pulling.list_changed(organization_id=organization_id, connection_id=connection_id)


@job("resume_connection", retry=AGAIN)
def resume_connection(organization_id: UUID, connection_id: UUID) -> None:
    pulling.resume(organization_id=organization_id, connection_id=connection_id)


@job("apply_inbox", retry=AGAIN)
def apply_inbox(organization_id: UUID, account_id: UUID) -> None:
    services.apply_pending(organization_id=organization_id, account_id=account_id)


@job("push_bookings", retry=AGAIN)
def push_bookings(organization_id: UUID, connection_id: UUID) -> None:
    handing_on.hand_on(organization_id=organization_id, connection_id=connection_id)


when_due("push_bookings", push_bookings, lock="push_bookings", priority=URGENT)
when_due("bookings", pull_account, lock="account", subject="account_id", priority=URGENT)
when_due("second_look", list_changed, lock="list", priority=LATER)
when_due("resume", resume_connection, lock="resume", priority=URGENT)


@handles("apply_inbox")
def _apply(organization_id: UUID, entries: Sequence[Entry]) -> None:
    for account_id in sorted({entry.payload["account_id"] for entry in entries}):
        enqueue(
            apply_inbox,
            lock=f"account:{account_id}",
            priority=URGENT,
            organization_id=organization_id,
            account_id=account_id,
        )
