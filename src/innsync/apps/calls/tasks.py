"""What is done about recorded calls without anybody asking."""

from __future__ import annotations

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from innsync.apps.calls import keeping
from innsync.apps.events.jobs import job


@app.periodic(cron="52 2 * * *")
@job("keep_calls", queueing_lock="keep_calls")
def keep_calls(timestamp: int) -> None:
    keeping.keep_calls(datetime.fromtimestamp(timestamp, UTC))
