from django.db import migrations

from innsync.apps.accounts.rls import append_only, rows_belong_to_tenants


class Migration(migrations.Migration):
    dependencies = [("rates", "0003_rate_changes")]
    operations = [*rows_belong_to_tenants("rates_ratechange"), *append_only("rates_ratechange")]
