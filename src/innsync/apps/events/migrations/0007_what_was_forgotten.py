"""Up to where changes were forgotten, so that whoever looked before that knows that some may have passed unseen.

upto: all that this snapshot saw is gone. next: what will be in its place at the next time.
"""

from django.db import migrations

_TABLE = """
CREATE TABLE events_forgotten (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  upto pg_snapshot,
  next pg_snapshot NOT NULL DEFAULT pg_current_snapshot(),
  next_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO events_forgotten DEFAULT VALUES;
ALTER TABLE events_change DROP COLUMN at;
"""
_AWAY = """
DROP TABLE events_forgotten;
ALTER TABLE events_change ADD COLUMN at timestamptz NOT NULL DEFAULT clock_timestamp();
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0006_later_jobs")]
    operations = [migrations.RunSQL(_TABLE, _AWAY)]
