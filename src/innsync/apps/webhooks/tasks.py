"""What is done about webhooks behind the scenes, beside the courier."""

from __future__ import annotations

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from innsync.apps.accounts.models import Organization
from innsync.apps.webhooks import rounds


@app.periodic(cron="37 3 * * *")
@app.task(name="forget_deliveries", queueing_lock="forget_deliveries")
def forget(timestamp: int) -> None:
    """The log is for the last month."""
    for organization_id in Organization.objects.values_list("id", flat=True):
        rounds.forget(organization_id=organization_id, now=datetime.now(UTC))
