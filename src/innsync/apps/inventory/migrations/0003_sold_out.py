"""The database says no by itself where a sale finds no room, and which nights: nobody need ask it while rooms are locked."""

from django.db import migrations

_REFUSE = """
CREATE FUNCTION inventory_sold_out(nights json) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'no room left' USING ERRCODE = 'IN001', DETAIL = nights::text;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0002_tenant_rows")]
    operations = [migrations.RunSQL(_REFUSE, "DROP FUNCTION inventory_sold_out(json)")]
