"""The other properties of a portfolio: copies of the one that was built, made by the database from its rows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

# A copy's ids follow from the number of the copy and the id that was copied, so no table has to be asked for them.
_ID = "md5(n || ' ' || {column})::uuid"
_TABLES: dict[str, dict[str, str]] = {
    "properties_property": {"id": _ID, "code": "code || '-' || n"},
    "properties_roomtype": {"id": _ID, "property_id": _ID},
    "properties_room": {"id": _ID, "property_id": _ID, "room_type_id": _ID},
    "rates_rateplan": {"id": _ID, "property_id": _ID, "parent_id": _ID},
    "rates_product": {"id": _ID, "property_id": _ID, "room_type_id": _ID, "rate_plan_id": _ID},
    "inventory_stockday": {"property_id": _ID, "room_type_id": _ID},
    "rates_rateday": {"property_id": _ID},
}


def write(connection: psycopg.Connection[Any], *, property_id: UUID, copies: int) -> None:
    """In one transaction of the owner's, which names the organization."""
    for table, changed in _TABLES.items():
        columns = [str(row[0]) for row in connection.execute(_COLUMNS, [table]).fetchall()]
        values = ", ".join(changed[one].format(column=one) if one in changed else one for one in columns)
        whose = "id" if table == "properties_property" else "property_id"
        statement = (
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values}"  # noqa: S608  # names of ours alone
            f" FROM {table} CROSS JOIN generate_series(1, %s) n WHERE {whose} = %s"
        )
        connection.execute(statement, [copies, property_id])


_COLUMNS = """
SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s
 ORDER BY ordinal_position
"""
