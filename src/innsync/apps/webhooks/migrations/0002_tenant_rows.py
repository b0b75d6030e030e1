from django.db import migrations

from innsync.apps.accounts.rls import rows_belong_to_tenants


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_initial")]
    operations = rows_belong_to_tenants("webhooks_endpoint", "webhooks_delivery")
