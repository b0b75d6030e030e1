from django.db import migrations

from innsync.apps.accounts.rls import rows_belong_to_tenants


class Migration(migrations.Migration):
    dependencies = [("rates", "0006_seasons")]
    operations = [
        *rows_belong_to_tenants("rates_season"),
        migrations.RunSQL(
            "ALTER TABLE rates_season ADD CONSTRAINT season_periods"
            " CHECK (cardinality(firsts) = cardinality(lasts) AND cardinality(firsts) > 0)",
            "ALTER TABLE rates_season DROP CONSTRAINT season_periods",
        ),
    ]
