from django.db import migrations

from innsync.apps.accounts.rls import append_only, rows_belong_to_tenants

# The one way in which rows go: the oldest, whole links of them, and none that is younger than the time below, whoever asks.
# It works as the owner, who is bound by row-level security too: only rows of the transaction's organization are reached.
# The newest link stays in any case, since the next one is tied to it.
_FORGET = """
CREATE FUNCTION calls_forget(before timestamptz, most int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  whose uuid := nullif(current_setting('innsync.organization', true), '')::uuid;
  newest bigint;
  gone int;
BEGIN
  IF before > clock_timestamp() - interval '30 days' THEN
    RAISE EXCEPTION 'recorded calls are kept for 30 days at least' USING ERRCODE = 'insufficient_privilege';
  END IF;
  SELECT max(number) INTO newest FROM calls_link WHERE organization_id = whose;
  WITH old AS (
    DELETE FROM calls_link WHERE (organization_id, number) IN (
      SELECT organization_id, number FROM calls_link
      WHERE organization_id = whose AND at < before AND number < newest ORDER BY number LIMIT most)
    RETURNING ids
  ), calls AS (
    DELETE FROM calls_call c USING (SELECT unnest(ids) AS id FROM old) o
    WHERE c.organization_id = whose AND c.id = o.id
  )
  SELECT count(*) INTO gone FROM old;
  RETURN gone;
END $$;
REVOKE EXECUTE ON FUNCTION calls_forget(timestamptz, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION calls_forget(timestamptz, int) TO innsync_app;
"""


class Migration(migrations.Migration):
    dependencies = [("calls", "0001_initial")]
    operations = [
        *rows_belong_to_tenants("calls_call", "calls_link", "calls_policy", "calls_usage", "calls_address"),
        *append_only("calls_call", "calls_link"),
        migrations.RunSQL(_FORGET, "DROP FUNCTION calls_forget(timestamptz, int)"),
    ]
