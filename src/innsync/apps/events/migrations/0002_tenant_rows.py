from django.db import migrations

from innsync.apps.accounts.rls import append_only, rows_belong_to_tenants


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial")]
    operations = [
        *rows_belong_to_tenants(
            "events_event",
        ),
        *append_only("events_event"),
    ]
