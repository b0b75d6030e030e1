"""What channels last confirmed, stored a row a target and month. Only the reconciler of a connection writes here."""

from __future__ import annotations

import calendar as months
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.domain.ari import AriUpdate, Calendar, Row, Target


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


def load(
    *, connection_id: UUID, layouts: Mapping[Target, tuple[str, ...]], first: date, last: date
) -> dict[Target, Calendar]:
    """The acknowledged calendars from first to last, both included; unknown where nothing was ever confirmed.

    A stored month with other fields than today's layout keeps what it shares with it.
    """
    stored: dict[tuple[Target, date], tuple[tuple[str, ...], list[int | None]]] = {}
    with sql() as cursor:
        for room, rate, month, layout, cells in cursor.execute(
            "SELECT room, rate, month, layout, cells FROM distribution_acknowledged"
            " WHERE connection_id = %s AND month = ANY(%s) AND room = ANY(%s)",
            (connection_id, months_between(first, last), list({target.room for target in layouts})),
        ):
            stored[Target(room, rate or None), month] = (tuple(layout), cells)
    result = {}
    nights = (last - first).days + 1
    for target, layout in layouts.items():
        rows: list[Row] = []
        day = first
        for _ in range(nights):
            found = stored.get((target, month_of(day)))
            rows.append((None,) * len(layout) if found is None else _row(found, layout, day))
            day += timedelta(days=1)
        result[target] = Calendar(first, layout, tuple(rows))
    return result


def _row(found: tuple[tuple[str, ...], list[int | None]], layout: tuple[str, ...], day: date) -> Row:
    own, cells = found
    start = (day.day - 1) * len(own)
    values = cells[start : start + len(own)]
    if own == layout:
        return tuple(values)
    by_field = dict(zip(own, values, strict=True))
    return tuple(by_field.get(field) for field in layout)


def store(*, organization_id: UUID, connection_id: UUID, calendars: Mapping[Target, Calendar]) -> None:
    """Replace what is known of these targets on these nights; other nights of the months stay as they are."""
    if not calendars:
        return
    whole: dict[tuple[Target, date], list[Row]] = {}
    for target, calendar in calendars.items():
        known = load_months(connection_id=connection_id, target=target, calendar=calendar)
        for month, rows in known.items():
            whole[target, month] = rows
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


def load_months(*, connection_id: UUID, target: Target, calendar: Calendar) -> dict[date, list[Row]]:
    """The whole months a calendar lies in, with the calendar's rows laid over what is stored."""
    spanned = months_between(calendar.first, calendar.last)
    last = spanned[-1].replace(day=_days_in(spanned[-1]))
    stored = load(connection_id=connection_id, layouts={target: calendar.layout}, first=spanned[0], last=last)[target]
    result: dict[date, list[Row]] = {}
    for month in spanned:
        rows = []
        for offset in range(_days_in(month)):
            day = month + timedelta(days=offset)
            inside = calendar.first <= day <= calendar.last
            rows.append(calendar.row(day) if inside else stored.row(day))
        result[month] = rows
    return result


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
    rows = [list(row) for row in calendar.rows]
    position = {field: index for index, field in enumerate(calendar.layout)}
    for update in updates:
        places = [position[field] for field in update.values]
        for offset in range(update.nights):
            index = (update.first - calendar.first).days + offset
            if 0 <= index < len(rows):
                for place in places:
                    rows[index][place] = None
    return Calendar(calendar.first, calendar.layout, tuple(tuple(row) for row in rows))
