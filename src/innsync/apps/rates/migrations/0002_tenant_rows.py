from django.db import migrations

from innsync.apps.accounts.rls import rows_belong_to_tenants


class Migration(migrations.Migration):
    dependencies = [("rates", "0001_initial")]
    operations = [
        *rows_belong_to_tenants(
            "rates_rateplan",
            "rates_product",
            "rates_rateday",
        ),
        migrations.RunSQL("ALTER TABLE rates_rateday SET (fillfactor = 70)", migrations.RunSQL.noop),
    ]
