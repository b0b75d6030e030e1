"""Importing bookings, and taking an import back, behind the scenes."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import structlog
from procrastinate.contrib.django import app

from innsync.apps.accounts.models import Organization
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.events.jobs import AGAIN, job
from innsync.apps.imports import files, taking, undoing

log = structlog.get_logger()


@job("import_bookings", retry=AGAIN)
def import_bookings(organization_id: UUID, import_id: UUID) -> None:
    taking.take_all(organization_id=organization_id, import_id=import_id)


@job("undo_import", retry=AGAIN)
def undo_import(organization_id: UUID, import_id: UUID) -> None:
    undoing.undo_all(organization_id=organization_id, import_id=import_id)


@app.periodic(cron="17 4 * * *")
@job("drop_import_drafts", queueing_lock="drop_import_drafts")
def drop_import_drafts(timestamp: int) -> None:
    """Every day the files that were looked at and never imported. One organization's failing keeps no other from it."""
    now = datetime.fromtimestamp(timestamp, UTC)
    for organization_id in Organization.objects.order_by("id").values_list("id", flat=True):
        try:
            with tenant(organization_id):
                files.drop_drafts(now=now)
        except Exception:
            log.exception("dropping_import_drafts_failed", organization_id=str(organization_id))
