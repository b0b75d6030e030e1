"""A guest who knows a booking's code is not signed in anywhere, so the organization is found by the code.

A transaction that names a code in `innsync.lookup_code` may read the bookings of that code, and nothing else of theirs.
"""

from django.db import migrations

_CODE = "code = nullif(current_setting('innsync.lookup_code', true), '')"


class Migration(migrations.Migration):
    dependencies = [("reservations", "0002_tenant_rows")]
    operations = [
        migrations.RunSQL(
            "CREATE INDEX booking_code_alone ON reservations_booking (code);"
            f"CREATE POLICY named_code ON reservations_booking FOR SELECT USING ({_CODE});",
            "DROP POLICY named_code ON reservations_booking; DROP INDEX booking_code_alone;",
        )
    ]
