"""Whoever keeps what was said of a property hears of every change of its photos (events/0005)."""

from django.db import migrations

_TRIGGERS = "\n".join(
    f"CREATE TRIGGER search_{operation.lower()} AFTER {operation} ON properties_photo"
    f" REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION events_facts_changed();"
    for operation, rows in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD"))
)
_AWAY = "\n".join(
    f"DROP TRIGGER search_{operation} ON properties_photo;" for operation in ("insert", "update", "delete")
)


class Migration(migrations.Migration):
    dependencies = [
        ("properties", "0005_photos_of_tenants"),
        ("events", "0005_changes_of_what_is_sold"),
    ]
    operations = [migrations.RunSQL(_TRIGGERS, _AWAY)]
