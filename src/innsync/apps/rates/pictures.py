"""What houses had to sell when somebody last looked, for the time in which the database can't be asked.

Pictures are taken beside the searches, a few at a time, and only of houses that somebody searches and that changed since
theirs was taken. Days of which a picture is known to be wrong are not shown from it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from psycopg.pq.abc import PGresult

from innsync.apps.accounts.lane import ENTER, Statement
from innsync.apps.events.changes import Change
from innsync.apps.inventory.counts import left_of
from innsync.apps.rates.days import days_of
from innsync.apps.rates.live import Known, Live, Place, Rows
from innsync.domain.offers import Day, RoomTypeFacts
from innsync.domain.stay import StayDates

Left = dict[int, int]
MOST_AT_ONCE = 16
MOST = 128
LONGEST = timedelta(days=400)
SHOWN_FOR = timedelta(hours=1)
"""After the last look: what was to be had longer ago helps nobody."""

_PICTURE = Statement(
    b"picture",
    f"""
SELECT day, prices, min_arrival, min_through, max_stay, flags, NULL::uuid, NULL::text FROM rates_rateday
WHERE property_id = $1::uuid AND day BETWEEN $2::date AND $3::date
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, room_type_id,
       string_agg(day || ' ' || {left_of()}, ',')
FROM inventory_stockday WHERE property_id = $1::uuid AND day BETWEEN $2::date AND $3::date
GROUP BY room_type_id
""".encode(),  # noqa: S608  # columns of ours
)


@dataclass(slots=True, eq=False)
class Picture:
    """A house on its days. spoilt: days (ordinals) that changed since it was taken."""

    known: Known
    taken_on: date
    found: PGresult
    spoilt: set[int] = field(default_factory=set)
    _rate_rows: dict[str, int] | None = None
    _left: dict[Hashable, dict[str, int]] = field(default_factory=dict)

    def rows(self, stay: StayDates) -> Rows | None:
        """None where days of the stay have changed since. Days that lie beyond the picture have nothing to sell."""
        if any(day in self.spoilt for day in range(stay.check_in.toordinal(), stay.check_out.toordinal() + 1)):
            return None
        rate_rows = self._rate_rows if self._rate_rows is not None else self._read()
        nights = [night.isoformat() for night in stay.nights()]
        left = {
            room_type: min(days[night] for night in nights)
            for room_type, days in self._left.items()
            if all(night in days for night in nights)
        }
        return Rows(
            [self._day(rate_rows, night) for night in nights], self._day(rate_rows, stay.check_out.isoformat()), left
        )

    def calendar(self, dates: Sequence[date], types: Sequence[RoomTypeFacts]) -> tuple[dict[date, Day], list[Left]]:
        """What is known of these dates, and for each type the rooms left by days after the first.

        Nothing of those that changed since, nor of those that lie beyond the picture.
        """
        rate_rows = self._rate_rows if self._rate_rows is not None else self._read()
        shown = [(offset, day.isoformat()) for offset, day in enumerate(dates) if day.toordinal() not in self.spoilt]
        days = {dates[offset]: self._day(rate_rows, text) for offset, text in shown if text in rate_rows}
        by_type = [self._left.get(one.id, {}) for one in types]
        return days, [{offset: left[text] for offset, text in shown if text in left} for left in by_type]

    def _read(self) -> dict[str, int]:
        value = self.found.get_value
        rate_rows: dict[str, int] = {}
        for row in range(self.found.ntuples):
            day = value(row, 0)
            if day is not None:
                rate_rows[day.decode()] = row
                continue
            pairs = (one.split(" ") for one in (value(row, 7) or b"").decode().split(","))
            self._left[self.known.types.get(value(row, 6))] = {night: int(left) for night, left in pairs}
        self._rate_rows = rate_rows
        return rate_rows

    def _day(self, rate_rows: dict[str, int], day: str) -> Day:
        known_days = days_of(self.known.house)
        row = rate_rows.get(day)
        return known_days.of(() if row is None else tuple(self.found.get_value(row, column) for column in range(1, 6)))


class Pictures:
    """Belongs to the event loop of its `Live`."""

    def __init__(self, live: Live) -> None:
        self._live = live
        live.on_change = self._note
        self._pictures: OrderedDict[Place, Picture] = OrderedDict()

    @property
    def as_of(self) -> datetime:
        """The moment that what is not spoilt shows."""
        return self._live.as_of

    def of(self, organization_id: UUID, key: str, now: datetime) -> Picture | None:
        """Of the house with that id or code."""
        return None if now - self.as_of > SHOWN_FOR else self._pictures.get((organization_id, key))

    async def take(self) -> None:
        """One round. Raises psycopg.Error."""
        await self._live.look()
        wanted = [
            (place, known) for place, known in self._live.known() if self._is_outdated(self._pictures.get(place), known)
        ]
        for place, known in wanted[-MOST_AT_ONCE:]:
            house = known.house
            today: date = house.today(datetime.now(UTC))
            last = today + min(timedelta(days=house.sellable_days + 1), LONGEST)
            days = [today.isoformat().encode(), last.isoformat().encode()]
            _, found = await self._live.look_with(
                (ENTER, [str(house.organization_id).encode()]), (_PICTURE, [str(house.id).encode(), *days])
            )
            if known.since.current:
                self._pictures[place] = Picture(known, today, found)
                self._pictures.move_to_end(place)
                while len(self._pictures) > MOST:
                    self._pictures.popitem(last=False)

    @staticmethod
    def _is_outdated(picture: Picture | None, known: Known) -> bool:
        if picture is None or picture.known is not known or picture.spoilt:
            return True
        return picture.taken_on != known.house.today(datetime.now(UTC))

    def _note(self, change: Change) -> None:
        """Something changed. Of a house that is not what it was, and of one whose days are not named, nothing is shown."""
        for place in list(self._pictures):
            picture = self._pictures[place]
            if change.property_id not in (None, picture.known.house.id):
                continue
            if change.property_id is None or change.first is None or change.last is None:
                del self._pictures[place]
            else:
                picture.spoilt.update(range(change.first.toordinal(), change.last.toordinal() + 1))
