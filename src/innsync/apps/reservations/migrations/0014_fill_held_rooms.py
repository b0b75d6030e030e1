"""Writes down the rooms that stays from before hold; only then the constraint on the stays themselves goes.

While it works, others may write: each organization has a transaction of its own. What fails halfway is begun again.
"""

from django.db import migrations, transaction

# In a statement of its own, before what is written down is read: a stay that somebody changes at the moment is waited for.
_LOCK = "SELECT count(*) FROM (SELECT FROM reservations_roomstay WHERE room_id IS NOT NULL FOR UPDATE) AS stay"
_FILL = """
INSERT INTO reservations_heldroom (organization_id, property_id, room_stay_id, room_id, nights)
SELECT stay.organization_id, stay.property_id, stay.id, part.room_id, part.nights
FROM reservations_roomstay stay
CROSS JOIN LATERAL (VALUES
  (stay.room_id, daterange(stay.check_in, coalesce(stay.moves_on, stay.check_out))),
  (stay.next_room_id, daterange(stay.moves_on, stay.check_out))
) AS part (room_id, nights)
WHERE stay.room_id IS NOT NULL AND stay.holds_stock AND part.room_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM reservations_heldroom held WHERE held.room_stay_id = stay.id)
ON CONFLICT DO NOTHING
"""
_MISSING = """
SELECT stay.id FROM reservations_roomstay stay
WHERE stay.room_id IS NOT NULL AND stay.holds_stock
  AND NOT EXISTS (SELECT FROM reservations_heldroom held WHERE held.room_stay_id = stay.id)
LIMIT 10
"""
_ENTER = "SELECT set_config('innsync.organization', %s, true)"
_DROP = "ALTER TABLE reservations_roomstay DROP CONSTRAINT IF EXISTS a_room_held_one_stay"
_RESTORE = """
ALTER TABLE reservations_roomstay ADD CONSTRAINT a_room_held_one_stay
  EXCLUDE USING gist (room_id WITH =, daterange(check_in, check_out) WITH &&)
  WHERE (holds_stock AND room_id IS NOT NULL)
"""


def fill_one(connection, organization_id):
    """Rows of tenants are hidden from the tables' owner as well, until one is entered."""
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(_ENTER, [str(organization_id)])
        cursor.execute(_LOCK)
        cursor.execute(_FILL)
        cursor.execute(_MISSING)
        missing = [str(stay_id) for (stay_id,) in cursor.fetchall()]
        if missing:
            raise RuntimeError(f"These room stays are in a room that others hold; unassign them first: {missing}")


def fill(apps, schema_editor):
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM accounts_organization ORDER BY id")
        found = cursor.fetchall()
    for (organization_id,) in found:
        fill_one(connection, organization_id)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("reservations", "0013_find_who_leaves")]
    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunSQL(_DROP, _RESTORE),
    ]
