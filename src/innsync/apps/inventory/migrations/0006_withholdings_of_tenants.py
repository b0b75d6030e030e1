from django.db import migrations

from innsync.apps.accounts.rls import append_only, rows_belong_to_tenants


class Migration(migrations.Migration):
    dependencies = [("inventory", "0005_withheld_rooms")]
    operations = [*rows_belong_to_tenants("inventory_withholding"), *append_only("inventory_withholding")]
