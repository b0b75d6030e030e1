"""Word into the stream that a connection does not work, and that it does again.

Two things can fail by themselves: sending the calendar there, and fetching bookings. What failed is said in `what`, so that
who follows can tell which of the two is over.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution.models import Account, Connection
from innsync.apps.events import services as events

CALENDAR, BOOKINGS = "calendar", "bookings"
SILENT_AFTER = timedelta(minutes=5)
"""How long fetching may fail before it is called failing; two polls, where they are further apart."""


def tell_failed(links: Iterable[Connection], *, what: str, error: str, now: datetime) -> None:
    """error: in the vendor's words."""
    for link in links:
        _record(link, "sync.failed", {"what": what, "error": error[:500]}, now)


def tell_recovered(links: Iterable[Connection], *, what: str, now: datetime) -> None:
    for link in links:
        _record(link, "sync.recovered", {"what": what}, now)


def _record(link: Connection, type: str, data: dict[str, str], now: datetime) -> None:
    events.record(
        organization_id=link.organization_id,
        property_id=link.property_id,
        type=type,
        at=now,
        data={"connection_id": str(link.id), "channel": link.vendor, **data},
    )


def was_silent(account: Account) -> bool:
    """Whether fetching had failed for so long, when it last did, that it was told."""
    if account.last_error_at is None:
        return False
    if account.last_pulled_at is None:
        return True
    failed_for = account.last_error_at - account.last_pulled_at
    return failed_for > SILENT_AFTER and failed_for > silent_after(account.id)  # nearly always the first says no


def is_silent(account: Account, now: datetime) -> bool:
    return account.last_pulled_at is None or now - account.last_pulled_at > silent_after(account.id)


def silent_after(account_id: UUID) -> timedelta:
    with sql() as cursor:
        row = cursor.execute(
            "SELECT every_s FROM distribution_schedule WHERE subject_id = %s AND kind = 'bookings'", (account_id,)
        ).fetchone()
    return max(SILENT_AFTER, timedelta(seconds=2 * row[0])) if row else SILENT_AFTER
