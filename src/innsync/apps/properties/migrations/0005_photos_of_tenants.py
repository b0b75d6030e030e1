from django.db import migrations

from innsync.apps.accounts.rls import rows_belong_to_tenants


class Migration(migrations.Migration):
    dependencies = [("properties", "0004_photos_and_retiring")]
    operations = [*rows_belong_to_tenants("properties_photo")]
