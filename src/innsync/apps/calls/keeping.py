"""Recorded calls have their time: whole links of them go when it is over, the oldest first."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings

from innsync.apps.accounts.models import Organization
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.calls.checking import head_of
from innsync.apps.calls.models import NOBODY, Policy

LINKS_AT_ONCE = 500
KEEP_USAGE = timedelta(days=800)
log = structlog.get_logger()


def everybody() -> list[UUID]:
    """Whose calls there are: the organizations, and nobody."""
    return [*Organization.objects.order_by("id").values_list("id", flat=True), UUID(NOBODY)]


def keep_calls(now: datetime) -> None:
    """The day's work. Each chain's end is logged, since whoever could change the database can't reach the log."""
    for organization_id in everybody():
        try:
            forget_old(organization_id=organization_id, now=now)
            if head := head_of(organization_id):
                log.info("calls_chain", organization_id=str(organization_id), link=head[0], ends_with=head[1])
        except Exception:
            log.exception("calls_not_forgotten", organization_id=str(organization_id))


def forget_old(*, organization_id: UUID, now: datetime) -> int:
    """Answers how many links have gone with their calls."""
    before, gone = now - timedelta(days=settings.CALLS_KEPT_DAYS), 0
    while True:
        with tenant(organization_id), sql() as cursor:
            row = cursor.execute("SELECT calls_forget(%s, %s)", (before, LINKS_AT_ONCE)).fetchone()
            cursor.execute(
                "DELETE FROM calls_usage WHERE organization_id = %s AND hour < %s", (organization_id, now - KEEP_USAGE)
            )
        went = int(row[0]) if row else 0
        gone += went
        if went < LINKS_AT_ONCE:
            return gone


def keep_bodies(*, organization_id: UUID, wanted: str) -> None:
    """From now on, as one of `bodies.KEPT` says. Within the tenant's transaction."""
    Policy.objects.update_or_create(organization_id=organization_id, defaults={"bodies": wanted})
