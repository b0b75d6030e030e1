"""What must be sold in the end, counted from the file alone.

Nothing here is shared with what plays the bookings but the reader of the rows. Of the run it takes only what nobody can
know before: which direct sales were refused for want of a room, and which guests found a room of their other type. Whether
those refusals were right is judged by `refusals`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta

from innsync.ops.replay.rows import BookingRow


def sold_in_the_end(
    rows: Iterable[BookingRow],
    *,
    shift: timedelta,
    refused: Collection[int] = (),
    moved: Mapping[int, str] | None = None,
) -> Counter[tuple[str, date]]:
    """Rooms sold by (room type, night). A no-show's nights stay sold; what was cancelled holds nothing."""
    moved = moved or {}
    sold: Counter[tuple[str, date]] = Counter()
    for row in rows:
        if row.status == "Canceled" or row.number in refused:
            continue
        room_type = moved.get(row.number, row.room_type)
        night = row.arrival + shift
        for _ in range(row.nights):
            sold[room_type, night] += 1
            night += timedelta(days=1)
    return sold


def status_in_the_end(rows: Iterable[BookingRow], *, refused: Collection[int] = ()) -> dict[int, str]:
    """The status of every booking that must exist, by its number. Day use sells no night and is not booked."""
    known = {"Canceled": "cancelled", "No-Show": "no_show", "Check-Out": "confirmed"}
    return {row.number: known[row.status] for row in rows if row.nights > 0 and row.number not in refused}
