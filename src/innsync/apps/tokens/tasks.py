"""What becomes due for tokens."""

from __future__ import annotations

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from innsync.apps.events.jobs import job
from innsync.apps.tokens import signing


@app.periodic(cron="41 3 * * *")
@job("rotate_signing_keys", queueing_lock="rotate_signing_keys")
def rotate_signing_keys(timestamp: int) -> None:
    signing.rotate_when_due(datetime.fromtimestamp(timestamp, UTC))
