from django.db import migrations

from innsync.apps.accounts.rls import append_only, rows_belong_to_tenants


class Migration(migrations.Migration):
    dependencies = [("reservations", "0001_initial")]
    operations = [
        *rows_belong_to_tenants(
            "reservations_booking",
            "reservations_roomstay",
            "reservations_revision",
        ),
        *append_only("reservations_revision"),
    ]
