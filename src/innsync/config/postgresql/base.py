"""Django's way to PostgreSQL, made fit for transactions in which nobody waits for answers (`tenancy.swiftly`)."""

from __future__ import annotations

from django.db.backends.postgresql.base import DatabaseWrapper as Postgresql
from psycopg.pq import PipelineStatus


class DatabaseWrapper(Postgresql):
    """As Django's own, and undoing a part of a transaction leaves no prepared statement of which only psycopg knows."""

    def _savepoint_rollback(self, sid: str) -> None:
        super()._savepoint_rollback(sid)  # type: ignore[misc]
        raw = self.connection
        if raw.pgconn.pipeline_status == PipelineStatus.OFF:
            return
        # When psycopg reads that something was rolled back, it forgets all it has prepared, and has the server forget it after
        # the next statement. Were that one prepared itself, it would be lost at once: so the next is one that is not.
        with self.wrap_database_errors:
            with raw.pipeline():
                pass  # its end waits for the answer
            raw.execute("SELECT 1")
