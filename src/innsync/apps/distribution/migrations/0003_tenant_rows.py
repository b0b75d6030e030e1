from django.db import migrations

from innsync.apps.accounts.rls import rows_belong_to_tenants


class Migration(migrations.Migration):
    dependencies = [("distribution", "0002_initial")]
    operations = [
        *rows_belong_to_tenants(
            "distribution_account",
            "distribution_connection",
            "distribution_roommapping",
            "distribution_ratemapping",
            "distribution_acknowledged",
            "distribution_refusedcell",
            "distribution_pushlog",
            "distribution_divergence",
            "distribution_drift",
            "distribution_token",
            "distribution_conflict",
        ),
    ]
