"""What a channel cancelled has no fee of ours, or its next sale of the same booking is taken for a repetition.

Earlier releases left the fee of whom the desk had lodged elsewhere before the channel cancelled too. They wrote no
revision of a cancellation that changed nothing else, but any message that was not one confirmed the booking again: so
what was applied since the desk's cancellation, and left the booking cancelled, was the channel's own.
"""

from django.db import migrations

_FEES = """
UPDATE reservations_booking b SET cancellation_fee_minor = NULL
FROM (
  SELECT DISTINCT ON (r.booking_id) r.booking_id, r.actor, r.at FROM reservations_revision r
  WHERE r.action = 'cancelled' ORDER BY r.booking_id, r.number DESC) ended
WHERE b.id = ended.booking_id AND b.status = 'cancelled' AND b.channel <> 'direct'
  AND b.cancellation_fee_minor IS NOT NULL
  AND (ended.actor = b.channel OR EXISTS (
    SELECT FROM inbox_message m WHERE m.booking_id = b.id AND m.state = 'applied' AND m.applied_at > ended.at))
"""
_ENTER = "SELECT set_config('innsync.organization', %s, true)"


def forget_fees(apps, schema_editor):
    """Organization by organization: rows of tenants are hidden from the tables' owner as well."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT id FROM accounts_organization ORDER BY id")
        for (organization_id,) in cursor.fetchall():
            cursor.execute(_ENTER, [str(organization_id)])
            cursor.execute(_FEES)
        cursor.execute(_ENTER, [""])


class Migration(migrations.Migration):
    dependencies = [
        ("reservations", "0008_room_type_sold"),
        ("inbox", "0002_initial"),
    ]

    operations = [
        migrations.RunPython(forget_fees, migrations.RunPython.noop),
    ]
