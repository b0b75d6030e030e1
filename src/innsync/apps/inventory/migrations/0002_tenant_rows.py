from django.db import migrations

from innsync.apps.accounts.rls import rows_belong_to_tenants


class Migration(migrations.Migration):
    dependencies = [("inventory", "0001_initial")]
    operations = [
        *rows_belong_to_tenants(
            "inventory_stockday",
            "inventory_hold",
            "inventory_outoforder",
        ),
        migrations.RunSQL("ALTER TABLE inventory_stockday SET (fillfactor = 70)", migrations.RunSQL.noop),
    ]
