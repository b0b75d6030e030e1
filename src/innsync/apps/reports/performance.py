"""How a property sells: occupancy, ADR, RevPAR, by night and by channel; now, or as it stood at an earlier moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.domain.money import Money


@dataclass(frozen=True, slots=True)
class Nights:
    """The nights from first to last, both included, at these properties together."""

    property_ids: Collection[UUID]
    first: date
    last: date

    def earlier(self, by: timedelta) -> Nights:
        return Nights(self.property_ids, self.first - by, self.last - by)


@dataclass(frozen=True, slots=True)
class Figures:
    """What was sold of what could be sold. revenue: prices of the nights as sold, taxes in them where the price has them.

    rooms: room nights that could be let (without those out of order). sold: room nights of stays that hold a room;
    priced: those of them that were sold in the revenue's currency.
    """

    rooms: int
    sold: int
    priced: int
    revenue: Money

    @property
    def occupancy(self) -> float | None:
        """The share of rooms sold, 0 to 1 (more after an oversale); None where there was nothing to sell."""
        return self.sold / self.rooms if self.rooms else None

    @property
    def adr(self) -> Money | None:
        """Average daily rate: revenue for each room night sold in its currency; None where none was."""
        return _share(self.revenue, self.priced)

    @property
    def revpar(self) -> Money | None:
        """Revenue for each room night that could be sold; None where there was nothing to sell.

        What was sold in other currencies is missing from it.
        """
        return _share(self.revenue, self.rooms)


@dataclass(frozen=True, slots=True)
class Sold:
    """Room nights of one night, channel and currency, and what they were sold for (minor units)."""

    night: date
    channel: str
    currency: str
    nights: int
    minor: int


@dataclass(frozen=True, slots=True)
class Performance:
    """What these nights brought. Revenue counts in `currency`; what was sold in others is in `others`."""

    nights: Nights
    currency: str
    by_night: dict[date, Figures]
    by_channel: dict[str, Figures]
    total: Figures
    others: dict[str, Money]


# Each stay looks its booking up by its key: going through the bookings of a hash join would cost more with every
# booking that any other organization makes.
_SOLD = """
SELECT n.night::date, b.channel, b.currency,
  count(*) FILTER (WHERE s.holds_stock)::int,
  coalesce(sum(night_minor) FILTER (WHERE s.holds_stock), 0)::bigint,
  count(*) FILTER (WHERE b.held_then)::int,
  coalesce(sum(night_minor) FILTER (WHERE b.held_then), 0)::bigint
FROM reservations_roomstay s
JOIN LATERAL (
  SELECT channel, currency,
    created_at <= %(as_of)s::timestamptz AND (cancelled_at IS NULL OR cancelled_at > %(as_of)s::timestamptz) AS held_then
  FROM reservations_booking WHERE id = s.booking_id OFFSET 0) b ON s.holds_stock OR b.held_then
CROSS JOIN LATERAL generate_series(
  greatest(s.check_in, %(first)s)::timestamp, least(s.check_out - 1, %(last)s)::timestamp, interval '1 day') n(night)
CROSS JOIN LATERAL (SELECT
  coalesce(s.nightly_minor[n.night::date - s.check_in + 1], s.total_minor / (s.check_out - s.check_in))) m(night_minor)
WHERE s.property_id = ANY(%(properties)s) AND s.check_in <= %(last)s AND s.check_out > %(first)s
GROUP BY 1, 2, 3
"""


def list_sold(nights: Nights) -> list[Sold]:
    """What holds a room on these nights."""
    return list_sold_since(nights, as_of=None)[0]


def list_sold_since(nights: Nights, *, as_of: datetime | None) -> tuple[list[Sold], list[Sold]]:
    """What holds a room on these nights, and what did as the books stood at an earlier moment (None: nothing).

    The earlier moment goes by when each booking was made and cancelled; dates and rooms that were changed in between
    count as they are now.
    """
    with sql() as cursor:
        rows = cursor.execute(
            _SOLD,
            {"properties": list(nights.property_ids), "first": nights.first, "last": nights.last, "as_of": as_of},
        ).fetchall()
    now = [Sold(*row[:3], *row[3:5]) for row in rows if row[3]]
    then = [Sold(*row[:3], *row[5:]) for row in rows if row[5]]
    return now, then


def list_rooms(nights: Nights) -> dict[date, int]:
    """Rooms that could be let on each night."""
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT day, sum(rooms - out_of_order)::int FROM inventory_stockday"
            " WHERE property_id = ANY(%s) AND day BETWEEN %s AND %s GROUP BY day",
            (list(nights.property_ids), nights.first, nights.last),
        ).fetchall()
    return dict(rows)


def measure(nights: Nights, *, currency: str) -> Performance:
    """The figures of these nights. In a tenant transaction, two statements."""
    sold, rooms = list_sold(nights), list_rooms(nights)
    whole = sum(rooms.values())
    days = sorted({*rooms, *(one.night for one in sold)})
    by_night, by_channel = defaultdict(list), defaultdict(list)
    for one in sold:
        by_night[one.night].append(one)
        by_channel[one.channel].append(one)
    return Performance(
        nights=nights,
        currency=currency,
        by_night={night: figures(by_night[night], rooms.get(night, 0), currency) for night in days},
        by_channel={channel: figures(ones, whole, currency) for channel, ones in sorted(by_channel.items())},
        total=figures(sold, whole, currency),
        others=_others(sold, currency),
    )


def figures(sold: Iterable[Sold], rooms: int, currency: str) -> Figures:
    """All of these together; revenue counts where it is in that currency."""
    ones: Sequence[Sold] = list(sold)
    priced = [one for one in ones if one.currency == currency]
    revenue = Money(sum(one.minor for one in priced), currency)
    return Figures(rooms, sum(one.nights for one in ones), sum(one.nights for one in priced), revenue)


def _others(sold: Iterable[Sold], currency: str) -> dict[str, Money]:
    found: dict[str, int] = defaultdict(int)
    for one in sold:
        if one.currency != currency:
            found[one.currency] += one.minor
    return {other: Money(minor, other) for other, minor in sorted(found.items())}


def _share(revenue: Money, count: int) -> Money | None:
    return Money.rounded(revenue.decimal / Decimal(count), revenue.currency) if count else None
