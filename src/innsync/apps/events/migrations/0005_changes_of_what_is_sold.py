"""What every change of a search's answer leaves behind, written by the database itself: no code can forget it.

A row says which nights of a property changed; without nights, what the property is and sells; without a property,
everything. The transaction's number tells a reader exactly which rows became visible since it last looked (docs/adr/0008).
Ids and dates only, outside row-level security, as the outbox.
"""

from django.db import migrations

_TABLE = """
CREATE TABLE events_change (
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  property_id uuid,
  first date,
  last date,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX events_change_xid ON events_change (xid);

CREATE FUNCTION events_nights_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.events_change (property_id, first, last)
  SELECT property_id, min(day), max(day) FROM changed GROUP BY property_id;
  RETURN NULL;
END $$;
CREATE FUNCTION events_facts_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.events_change (property_id) SELECT DISTINCT property_id FROM changed;
  RETURN NULL;
END $$;
CREATE FUNCTION events_property_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.events_change (property_id) SELECT id FROM changed;
  RETURN NULL;
END $$;
"""
_WHAT_IS_SEARCHED = {
    "inventory_stockday": "events_nights_changed",
    "rates_rateday": "events_nights_changed",
    "rates_product": "events_facts_changed",
    "rates_rateplan": "events_facts_changed",
    "properties_roomtype": "events_facts_changed",
    "properties_property": "events_property_changed",
}
_TRIGGERS = "\n".join(
    f"CREATE TRIGGER search_{operation.lower()} AFTER {operation} ON {table}"
    f" REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {function}();"
    for table, function in _WHAT_IS_SEARCHED.items()
    for operation, rows in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD"))
)
_AWAY = "\n".join(
    [
        *(
            f"DROP TRIGGER search_{operation} ON {table};"
            for table in _WHAT_IS_SEARCHED
            for operation in ("insert", "update", "delete")
        ),
        *(f"DROP FUNCTION {function}();" for function in sorted(set(_WHAT_IS_SEARCHED.values()))),
        "DROP TABLE events_change;",
    ]
)


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0004_stream"),
        ("inventory", "0002_tenant_rows"),
        ("properties", "0005_photos_of_tenants"),
        ("rates", "0007_seasons_of_tenants"),
    ]
    operations = [migrations.RunSQL(f"{_TABLE}\n{_TRIGGERS}", _AWAY)]
