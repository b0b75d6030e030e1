"""What channels last confirmed, stored a row a target and month. Only the reconciler of a connection writes here."""

from __future__ import annotations

import calendar as months
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.domain.ari import AriUpdate, Calendar, Row, Target, with_values

# Emptied, not deleted: that there is a row says that the channel was told of that room or rate, and has it to close
# when it is mapped no more. A statement to be ended with the WHERE of those rows, `a`.
EMPTY = "UPDATE distribution_acknowledged a SET cells = array_fill(NULL::bigint, ARRAY[cardinality(a.cells)])"


def month_of(day: date) -> date:
    return day.replace(day=1)


def months_between(first: date, last: date) -> list[date]:
    found = []
    month = month_of(first)
    while month <= last:
        found.append(month)
        month = (month + timedelta(days=31)).replace(day=1)
    return found


def _days_in(month: date) -> int:
    return months.monthrange(month.year, month.month)[1]


def _last_of(month: date) -> date:
    return month.replace(day=_days_in(month))


def load(
    *, connection_id: UUID, layouts: Mapping[Target, tuple[str, ...]], first: date, last: date
) -> dict[Target, Calendar]:
    """The acknowledged calendars from first to last, both included; unknown where nothing was ever confirmed.

    A stored month with other fields than today's layout keeps what it shares with it.
    """
    stored: dict[tuple[Target, date], tuple[tuple[str, ...], list[int | None]]] = {}
    spanned = months_between(first, last)
    with sql() as cursor:
        for room, rate, month, layout, cells in cursor.execute(
            "SELECT room, rate, month, layout, cells FROM distribution_acknowledged"
            " WHERE connection_id = %s AND month = ANY(%s) AND room = ANY(%s) AND rate = ANY(%s)",
            (
                connection_id,
                spanned,
                list({target.room for target in layouts}),
                list({target.rate or "" for target in layouts}),
            ),
        ):
            stored[Target(room, rate or None), month] = (tuple(layout), cells)
    return {
        target: Calendar(
            first,
            layout,
            tuple(
                row
                for month in spanned
                for row in _rows(stored.get((target, month)), layout, max(first, month), min(last, _last_of(month)))
            ),
        )
        for target, layout in layouts.items()
    }


def _rows(
    found: tuple[tuple[str, ...], list[int | None]] | None, layout: tuple[str, ...], first: date, last: date
) -> list[Row]:
    """The rows of those days of one month, in today's layout."""
    if found is None:
        return [(None,) * len(layout)] * (last.day - first.day + 1)
    own, cells = found
    whole = list(zip(*[iter(cells)] * len(own), strict=True))[first.day - 1 : last.day]
    if own == layout:
        return whole
    places = [own.index(field) if field in own else None for field in layout]
    return [tuple(None if place is None else row[place] for place in places) for row in whole]


# Laid over what is stored, without reading it: a booking changes a night or two of a month.
_LAY_OVER = """
UPDATE distribution_acknowledged a
SET cells = a.cells[1 : u.before] || u.part || a.cells[u.before + cardinality(u.part) + 1 :]
FROM (SELECT room, rate, month, layout::varchar[] AS layout, before, part::bigint[] AS part
  FROM unnest(%(rooms)s::text[], %(rates)s::text[], %(months)s::date[], %(layouts)s::text[], %(befores)s::int[],
    %(parts)s::text[]) AS t(room, rate, month, layout, before, part)) u
WHERE a.connection_id = %(connection)s AND a.room = u.room AND a.rate = u.rate AND a.month = u.month
  AND a.layout = u.layout
RETURNING a.room, a.rate, a.month
"""


def store(*, organization_id: UUID, connection_id: UUID, calendars: Mapping[Target, Calendar]) -> None:
    """Replace what is known of these targets on these nights; other nights of the months stay as they are."""
    if not calendars:
        return
    parts = [(target, month) for target, calendar in calendars.items() for month in _months_of(calendar)]
    laid_over = _lay_over(connection_id, calendars, parts)
    missing = [part for part in parts if part not in laid_over]
    if missing:
        _insert_whole(organization_id, connection_id, calendars, missing)


def _months_of(calendar: Calendar) -> list[date]:
    return months_between(calendar.first, calendar.last)


def _lay_over(
    connection_id: UUID, calendars: Mapping[Target, Calendar], parts: Sequence[tuple[Target, date]]
) -> set[tuple[Target, date]]:
    """Answers which months were there, with the fields of today."""
    befores, cells = [], []
    for target, month in parts:
        calendar = calendars[target]
        begin, end = max(calendar.first, month), min(calendar.last, _last_of(month))
        start = (begin - calendar.first).days
        rows = calendar.rows[start : start + (end - begin).days + 1]
        befores.append((begin.day - 1) * len(calendar.layout))
        cells.append(_array("NULL" if value is None else str(value) for row in rows for value in row))
    with sql() as cursor:
        found = cursor.execute(
            _LAY_OVER,
            {
                "connection": connection_id,
                "rooms": [target.room for target, _ in parts],
                "rates": [target.rate or "" for target, _ in parts],
                "months": [month for _, month in parts],
                "layouts": [_array(calendars[target].layout) for target, _ in parts],
                "befores": befores,
                "parts": cells,
            },
        ).fetchall()
    return {(Target(room, rate or None), month) for room, rate, month in found}


def _array(values: Iterable[str]) -> str:
    """An array of whole numbers or of fields' names, which need no quotes, as PostgreSQL reads it."""
    return "{" + ",".join(values) + "}"


def _insert_whole(
    organization_id: UUID,
    connection_id: UUID,
    calendars: Mapping[Target, Calendar],
    missing: Sequence[tuple[Target, date]],
) -> None:
    """Months of which nothing was known, or other fields."""
    whole = _whole_months(connection_id, calendars, missing)
    rows_to_write = []
    for (target, month), rows in whole.items():
        layout = calendars[target].layout
        cells = [value for row in rows for value in row]
        rows_to_write.append(
            (organization_id, connection_id, target.room, target.rate or "", month, list(layout), cells)
        )
    with sql() as cursor:
        cursor.executemany(
            "INSERT INTO distribution_acknowledged (organization_id, connection_id, room, rate, month, layout, cells)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (connection_id, room, rate, month)"
            " DO UPDATE SET layout = excluded.layout, cells = excluded.cells",
            rows_to_write,
        )


def _whole_months(
    connection_id: UUID, calendars: Mapping[Target, Calendar], wanted: Sequence[tuple[Target, date]]
) -> dict[tuple[Target, date], list[Row]]:
    """Those months, with the calendars' rows laid over what is stored."""
    stored = load(
        connection_id=connection_id,
        layouts={target: calendars[target].layout for target, _ in wanted},
        first=min(month for _, month in wanted),
        last=_last_of(max(month for _, month in wanted)),
    )
    result: dict[tuple[Target, date], list[Row]] = {}
    for target, month in wanted:
        calendar = calendars[target]
        days = (month + timedelta(days=offset) for offset in range(_days_in(month)))
        result[target, month] = [
            calendar.row(day) if calendar.first <= day <= calendar.last else stored[target].row(day) for day in days
        ]
    return result


def forget_all(*, connection_id: UUID) -> None:
    """Know nothing any more of what the channel shows, but that it was told of these rooms and rates."""
    with sql() as cursor:
        cursor.execute(f"{EMPTY} WHERE a.connection_id = %s", (connection_id,))


def forget(calendar: Calendar, spans: Iterable[tuple[date, date]], fields: Sequence[str] = ()) -> Calendar:
    """The calendar with those nights (both ends included) unknown: all fields, or just some."""
    rows = list(calendar.rows)
    positions = [calendar.layout.index(field) for field in fields] if fields else list(range(len(calendar.layout)))
    for first, last in spans:
        for offset in range((last - first).days + 1):
            index = (first - calendar.first).days + offset
            if 0 <= index < len(rows):
                row = list(rows[index])
                for position in positions:
                    row[position] = None
                rows[index] = tuple(row)
    return Calendar(calendar.first, calendar.layout, tuple(rows))


def forget_told(calendar: Calendar, updates: Iterable[AriUpdate]) -> Calendar:
    """The calendar with just the cells unknown that the updates speak of."""
    return with_values(calendar, ((one.first, one.nights, dict.fromkeys(one.values)) for one in updates))
