"""What is done about events behind the scenes."""

from __future__ import annotations

from procrastinate.contrib.django import app

from innsync.apps.events.changes import forget_changes


@app.periodic(cron="*/20 * * * *")
@app.task(name="forget_changes", queueing_lock="forget_changes")
def forget(timestamp: int) -> None:
    """Whoever answers searches has seen the changes of some minutes ago, or begins anew."""
    forget_changes()
