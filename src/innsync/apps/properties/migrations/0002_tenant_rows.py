from django.db import migrations

from innsync.apps.accounts.rls import rows_belong_to_tenants


class Migration(migrations.Migration):
    dependencies = [("properties", "0001_initial")]
    operations = [
        *rows_belong_to_tenants(
            "properties_property",
            "properties_roomtype",
            "properties_room",
        ),
    ]
