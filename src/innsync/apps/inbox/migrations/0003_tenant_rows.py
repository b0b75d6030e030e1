from django.db import migrations

from innsync.apps.accounts.rls import rows_belong_to_tenants


class Migration(migrations.Migration):
    dependencies = [("inbox", "0002_initial")]
    operations = [
        *rows_belong_to_tenants(
            "inbox_message",
        ),
    ]
