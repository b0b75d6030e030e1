"""The role that the application works as, and what it may do with tables made from here on.

The role can neither log in by itself, own anything, nor look past row-level security.
"""

from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    run_before = [
        ("contenttypes", "0001_initial"),
        ("sessions", "0001_initial"),
        ("procrastinate", "0001_initial"),
    ]
    operations = [
        migrations.RunSQL(
            """
            DO $$ BEGIN
              IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'innsync_app') THEN
                CREATE ROLE innsync_app NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
              END IF;
            END $$;
            GRANT USAGE ON SCHEMA public TO innsync_app;
            ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO innsync_app;
            ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO innsync_app;
            GRANT SELECT ON TABLE django_migrations TO innsync_app;
            """,
            migrations.RunSQL.noop,
        ),
    ]
