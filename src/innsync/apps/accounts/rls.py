"""Row-level security and append-only tables, as migration operations."""

from __future__ import annotations

from django.db import migrations

_OWN_ROWS = "organization_id = nullif(current_setting('innsync.organization', true), '')::uuid"


def rows_belong_to_tenants(*tables: str) -> list[migrations.RunSQL]:
    """Only rows of the transaction's organization can be read or written; also for the tables' owner."""
    return [
        migrations.RunSQL(
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"
            f"CREATE POLICY own_rows ON {table} USING ({_OWN_ROWS}) WITH CHECK ({_OWN_ROWS});",
            f"DROP POLICY own_rows ON {table};"
            f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;"
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;",
        )
        for table in tables
    ]


def append_only(*tables: str) -> list[migrations.RunSQL]:
    """The application may add rows to these tables and read them, never change or remove one."""
    return [
        migrations.RunSQL(
            f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM innsync_app",
            f"GRANT UPDATE, DELETE ON {table} TO innsync_app",
        )
        for table in tables
    ]
