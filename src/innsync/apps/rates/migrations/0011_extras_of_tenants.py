"""Extras are their organization's own, and a search hears of every change of one: offers say what they include."""

from django.db import migrations

from innsync.apps.accounts.rls import rows_belong_to_tenants

_TRIGGERS = "\n".join(
    f"CREATE TRIGGER search_{operation.lower()} AFTER {operation} ON rates_extra"
    f" REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION events_facts_changed();"
    for operation, rows in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD"))
)
_AWAY = "\n".join(f"DROP TRIGGER search_{operation} ON rates_extra;" for operation in ("insert", "update", "delete"))


class Migration(migrations.Migration):
    dependencies = [("rates", "0010_extras"), ("events", "0005_changes_of_what_is_sold")]
    operations = [*rows_belong_to_tenants("rates_extra"), migrations.RunSQL(_TRIGGERS, _AWAY)]
