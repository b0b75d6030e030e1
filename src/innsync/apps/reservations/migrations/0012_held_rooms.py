"""The rooms that stays hold are derived from the stays by triggers; that no two overlap holds whatever the code does.

From here on they are written down; those of stays from before follow (0014), and until then the constraint on the stays
themselves guards.
"""

from django.db import migrations

from innsync.apps.accounts.rls import append_only, rows_belong_to_tenants

_HOLD = """
CREATE FUNCTION reservations_hold_rooms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN
    DELETE FROM reservations_heldroom WHERE room_stay_id = OLD.id;
  END IF;
  IF TG_OP <> 'DELETE' AND NEW.holds_stock AND NEW.room_id IS NOT NULL THEN
    INSERT INTO reservations_heldroom (organization_id, property_id, room_stay_id, room_id, nights)
    VALUES (NEW.organization_id, NEW.property_id, NEW.id, NEW.room_id,
            daterange(NEW.check_in, coalesce(NEW.moves_on, NEW.check_out)));
    IF NEW.moves_on IS NOT NULL THEN
      INSERT INTO reservations_heldroom (organization_id, property_id, room_stay_id, room_id, nights)
      VALUES (NEW.organization_id, NEW.property_id, NEW.id, NEW.next_room_id, daterange(NEW.moves_on, NEW.check_out));
    END IF;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER rooms_held_by_new AFTER INSERT ON reservations_roomstay FOR EACH ROW
  WHEN (NEW.room_id IS NOT NULL) EXECUTE FUNCTION reservations_hold_rooms();
CREATE TRIGGER rooms_held_by_changed AFTER UPDATE ON reservations_roomstay FOR EACH ROW
  WHEN ((OLD.room_id IS NOT NULL OR NEW.room_id IS NOT NULL)
    AND (OLD.room_id, OLD.next_room_id, OLD.moves_on, OLD.check_in, OLD.check_out, OLD.holds_stock)
      IS DISTINCT FROM (NEW.room_id, NEW.next_room_id, NEW.moves_on, NEW.check_in, NEW.check_out, NEW.holds_stock))
  EXECUTE FUNCTION reservations_hold_rooms();
CREATE TRIGGER rooms_held_by_gone AFTER DELETE ON reservations_roomstay FOR EACH ROW
  WHEN (OLD.room_id IS NOT NULL) EXECUTE FUNCTION reservations_hold_rooms();
"""
_LET_GO = """
DROP TRIGGER rooms_held_by_new ON reservations_roomstay;
DROP TRIGGER rooms_held_by_changed ON reservations_roomstay;
DROP TRIGGER rooms_held_by_gone ON reservations_roomstay;
DROP FUNCTION reservations_hold_rooms();
"""


class Migration(migrations.Migration):
    dependencies = [("reservations", "0011_notes_pins_and_mails")]
    operations = [
        migrations.RunSQL(_HOLD, _LET_GO),
        *rows_belong_to_tenants("reservations_heldroom", "reservations_sentmail"),
        *append_only("reservations_sentmail"),
    ]
