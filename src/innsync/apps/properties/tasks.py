"""What is done about properties behind the scenes."""

from __future__ import annotations

from datetime import UTC, datetime

import structlog
from procrastinate.contrib.django import app

from innsync.apps.accounts.models import Organization
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.events.jobs import job
from innsync.apps.properties import photos, sheets

log = structlog.get_logger()


@app.periodic(cron="41 3 * * *")
@job("clear_photos", queueing_lock="clear_photos")
def clear_photos(timestamp: int) -> None:
    """Every day the files of photos that were taken away, and those that were looked at and never imported.

    An organization where that fails does not keep others from it.
    """
    now = datetime.fromtimestamp(timestamp, UTC)
    for organization_id in Organization.objects.order_by("id").values_list("id", flat=True):
        try:
            with tenant(organization_id):
                photos.clear_removed(now=now)
        except Exception:
            log.exception("clearing_photos_failed", organization_id=str(organization_id))
    sheets.clear_old(now=now)
