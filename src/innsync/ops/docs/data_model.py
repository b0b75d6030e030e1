"""The tables, from the models and their migrations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import RunSQL

from innsync.ops.docs import markdown

INTRO = """Every table of a tenant carries `organization_id` and, where marked, **row-level security**: a row exists only for a transaction
that names its organization, also for the tables' owner. [Security](../explanation/security.md) says why. Ids are UUIDv7, so they sort by time. Money is a
whole number of the currency's minor unit; nights are dates, moments are in UTC. **Append-only** tables can't be changed by the application's role."""
QUEUE = """Beside these there are Django's own tables (sessions, migrations, content types) and those of the job queue, Procrastinate
(`procrastinate_*`)."""
NAMES_INTRO = """## By other names

The requirements that Innsync was planned from use names of tables. This is where the same facts are kept. What is not kept yet has no table."""
# Name in the requirements: where the same is kept here.
NAMES: dict[str, tuple[tuple[str, ...], str]] = {
    "bookings": (
        ("reservations_booking", "reservations_roomstay", "reservations_revision"),
        "with rooms and history of their own",
    ),
    "properties": (("properties_property", "properties_roomtype", "properties_room"), ""),
    "guests": (("guests_guest",), ""),
    "services_automation": (
        ("automation_serviceorder",),
        "what a person asks for by hand, and the extras of bookings; rules are not kept yet",
    ),
    "booking_engine_api_keys": (("accounts_apikey",), "only hashes of the secrets"),
    "booking_engine_config": (
        ("distribution_account", "distribution_connection", "distribution_schedule"),
        "the engine's address with its access; enabled or paused as the connection's state; the interval as the schedule `push_bookings`",
    ),
    "booking_sync_status": (
        ("distribution_bookingsync", "distribution_dirty", "distribution_refusedcell"),
        "a row a booking and channel that is told bookings; of other channels worked out from the cells of its nights",
    ),
    "booking_engine_audit_log": (
        (
            "calls_call",
            "calls_link",
            "events_event",
            "reservations_revision",
            "rates_ratechange",
            "inventory_withholding",
        ),
        "append-only",
    ),
    "ota_bookings": (("inbox_message", "reservations_booking"), "the message as it came, and the booking it became"),
    "ota_rate_plans": (("distribution_ratemapping",), ""),
    "ota_inventory_sync": (("distribution_acknowledged", "distribution_dirty"), ""),
    "ota_payments": ((), "not kept yet; a channel's booking keeps what is known of its payment, without card data"),
    "ota_content_sync": ((), "not kept yet"),
    "ota_webhooks": (
        ("inbox_message", "distribution_account"),
        "incoming messages; the secrets that prove their sender",
    ),
    "ota_sync_logs": (("distribution_pushlog", "distribution_divergence", "distribution_drift"), ""),
    "third_party_integrations": (("distribution_account", "distribution_connection"), ""),
}
_SECURED = re.compile(r"ALTER TABLE (\w+) ENABLE ROW LEVEL SECURITY")
_APPEND_ONLY = re.compile(r"REVOKE UPDATE, DELETE, TRUNCATE ON (\w+)")


def page() -> str:
    secured, append_only = set(_tables(_SECURED)), set(_tables(_APPEND_ONLY))
    parts = []
    for app in sorted({model._meta.app_label for model in own_models()}):
        parts.append(f"## {app}")
        for model in own_models():
            if model._meta.app_label == app:
                parts.append(_about(model, secured, append_only))
    return markdown.page("Data model", INTRO, *parts, QUEUE, NAMES_INTRO, _names())


def own_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model.__module__.startswith("innsync.apps.")]


def _tables(pattern: re.Pattern[str]) -> Iterator[str]:
    """Tables that a migration names in SQL of its own."""
    for migration in MigrationLoader(None).disk_migrations.values():
        for operation in migration.operations:
            if isinstance(operation, RunSQL) and isinstance(operation.sql, str):
                yield from pattern.findall(operation.sql)


def _about(model: type[models.Model], secured: set[str], append_only: set[str]) -> str:
    name = model._meta.db_table
    marks = [
        words for words, tables in (("Row-level security.", secured), ("Append-only.", append_only)) if name in tables
    ]
    said = markdown.said(model) if _documented(model) else ""
    rules = [f"- `{rule.name}`: {_rule(rule)}" for rule in model._meta.constraints]
    rows = [(markdown.code(field.column), _kind(field), _null(field)) for field in _fields(model)]
    return "\n\n".join(
        part
        for part in (
            f"### `{name}`",
            said,
            f"*{' '.join(marks)}*" if marks else "",
            markdown.table(("column", "type", ""), rows),
            "\n".join(rules),
        )
        if part
    )


def _documented(model: type[models.Model]) -> bool:
    return not (model.__doc__ or "").startswith(f"{model.__name__}(")


def _fields(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    return [field for field in model._meta.local_fields if field.column]


def _kind(field: models.Field[Any, Any]) -> str:
    if isinstance(field, models.ForeignKey):
        return f"→ `{field.related_model._meta.db_table}`"
    base = getattr(field, "base_field", None)
    if base is not None:
        return f"list of {_kind(base)}"
    return _TYPES.get(type(field).__name__, type(field).__name__.removesuffix("Field").lower())


_TYPES = {
    "UUIDField": "uuid",
    "CharField": "text",
    "TextField": "text",
    "EmailField": "text",
    "SlugField": "text",
    "DateTimeField": "moment",
    "DateField": "date",
    "TimeField": "time of day",
    "JSONField": "json",
    "BinaryField": "bytes",
    "BooleanField": "yes or no",
    "DecimalField": "decimal",
    "FloatField": "number",
    "IntegerField": "whole number",
    "SmallIntegerField": "whole number",
    "PositiveIntegerField": "whole number",
    "PositiveSmallIntegerField": "whole number",
    "BigIntegerField": "whole number",
    "BigAutoField": "whole number",
    "DateRangeField": "range of dates",
}


def _null(field: models.Field[Any, Any]) -> str:
    if field.primary_key:
        return "key"
    return "may be empty" if field.null else ""


def _rule(rule: models.BaseConstraint) -> str:
    if isinstance(rule, models.UniqueConstraint):
        where = " (of some rows only)" if rule.condition else ""
        return f"unique {', '.join(rule.fields) or 'expression'}{where}"
    if isinstance(rule, models.CheckConstraint):
        return "checked by the database on every row"
    return "two rows can't overlap"


def _names() -> str:
    rows = [
        (markdown.code(name), ", ".join(markdown.code(table) for table in tables), words)
        for name, (tables, words) in NAMES.items()
    ]
    return markdown.table(("there", "here", ""), rows)
