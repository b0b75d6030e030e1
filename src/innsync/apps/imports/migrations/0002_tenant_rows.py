from django.db import migrations

from innsync.apps.accounts.rls import rows_belong_to_tenants


class Migration(migrations.Migration):
    dependencies = [("imports", "0001_initial")]
    operations = [
        *rows_belong_to_tenants(
            "imports_bookingimport", "imports_importedline", "imports_saidofbooking", "imports_filelayout"
        )
    ]
