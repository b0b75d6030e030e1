"""Promotions are their organization's own, and a search hears of every change of one but of its being counted.

A booking counts a use of what it was reduced by. Were that a change of the house, each such booking would have all that is
kept of it read anew; only the last use of a promotion is one.
"""

from django.db import migrations

from innsync.apps.accounts.rls import rows_belong_to_tenants

_TRIGGERS = """
CREATE FUNCTION rates_promotion_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.events_change (property_id) VALUES (coalesce(NEW.property_id, OLD.property_id));
  RETURN NULL;
END $$;
CREATE TRIGGER search_insert AFTER INSERT ON rates_promotion FOR EACH ROW EXECUTE FUNCTION rates_promotion_changed();
CREATE TRIGGER search_delete AFTER DELETE ON rates_promotion FOR EACH ROW EXECUTE FUNCTION rates_promotion_changed();
CREATE TRIGGER search_update AFTER UPDATE ON rates_promotion FOR EACH ROW
WHEN ((OLD.code, OLD.name, OLD.names, OLD.rule, OLD.ended_at, OLD.used >= OLD.most_uses)
  IS DISTINCT FROM (NEW.code, NEW.name, NEW.names, NEW.rule, NEW.ended_at, NEW.used >= NEW.most_uses))
EXECUTE FUNCTION rates_promotion_changed();
"""
_AWAY = """
DROP TRIGGER search_insert ON rates_promotion;
DROP TRIGGER search_delete ON rates_promotion;
DROP TRIGGER search_update ON rates_promotion;
DROP FUNCTION rates_promotion_changed();
"""


class Migration(migrations.Migration):
    dependencies = [("rates", "0008_promotions"), ("events", "0005_changes_of_what_is_sold")]
    operations = [*rows_belong_to_tenants("rates_promotion"), migrations.RunSQL(_TRIGGERS, _AWAY)]
