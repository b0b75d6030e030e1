"""A calendar for a date picker as JSON text: what is alike on many days is worked out and written once.

A test holds it beside the same calendar asked of the plain rules, day by day.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

import orjson

from innsync.api.answers import money
from innsync.apps.rates.days import days_of
from innsync.apps.rates.selectors import House
from innsync.domain.offers import CTA, CTD, STOP_SELL, Day, RoomTypeFacts
from innsync.domain.restrictions import PlanWindow

Arrival = tuple[int, PlanWindow]
"""The shortest stay that may begin on a day, and when its plan is sold."""


class _Sold(NamedTuple):
    """A product that has a price on a day and is not closed. arrival: its place among the day's."""

    price: int
    shortest: int
    arrival: int
    no_arrival: bool


class _Kind(NamedTuple):
    """A day as all days are on which the same is written down. spans: of each arrival, the days on which it may be."""

    day: Day
    arrivals: list[Arrival]
    spans: list[tuple[date, date]]
    types: list[list[_Sold]]
    no_departure: list[bool]


def calendar_text(
    house: House,
    types: Sequence[RoomTypeFacts],
    dates: Sequence[date],
    days: Mapping[date, Day],
    left: Sequence[Mapping[int, int]],
    now: datetime,
) -> bytes:
    """A JSON list of these room types with their days.

    days: of the dates of which anything is known. left: for each type the rooms left, by days after the first date.
    """
    nothing, writer = days_of(house).of(()), _Writer(house, types, now)
    lines: list[list[str]] = [[] for _ in types]
    for offset, day in enumerate(dates):
        begins = f'{{"date":"{day.isoformat()}","available":'
        for place, (sold, ends) in enumerate(writer.ends(days.get(day, nothing), day)):
            rooms = max(0, left[place].get(offset, 0)) if sold else 0
            lines[place].append(f"{begins}{rooms}{ends}")
    return b"[%s]" % b",".join(
        orjson.dumps({"room_type_id": str(one.id), "room_type_code": one.code})[:-1]
        + f',"days":[{",".join(line)}]}}'.encode()
        for one, line in zip(types, lines, strict=True)
    )


class _Writer:
    """Of one answer."""

    def __init__(self, house: House, types: Sequence[RoomTypeFacts], now: datetime) -> None:
        self._today, self._sellable_days = house.today(now), house.sellable_days
        self._currency = house.currency
        places: dict[Hashable, int] = {one.id: place for place, one in enumerate(types)}
        self._products: list[list[tuple[int, PlanWindow]]] = [[] for _ in types]
        for one in house.facts.prepared:
            if one.product.sold and one.product.room_type_id in places:
                self._products[places[one.product.room_type_id]].append((one.index, one.product.window))
        self._kinds: dict[int, _Kind] = {}
        self._ends: dict[tuple[int, tuple[bool, ...]], list[tuple[bool, str]]] = {}

    def ends(self, day: Day, on: date) -> list[tuple[bool, str]]:
        """For each type whether anything may be booked from that day on, and the text after the rooms left.

        A plan that is not sold today for an arrival then counts for nothing but leaving.
        """
        kind = self._kinds.get(id(day))
        if kind is None:
            kind = self._kinds[id(day)] = self._kind(day)
        possible = tuple(first <= on <= last for first, last in kind.spans)
        known = self._ends.get((id(day), possible))
        if known is None:
            known = self._ends[id(day), possible] = [
                self._end([one for one in sold if possible[one.arrival]], no_departure)
                for sold, no_departure in zip(kind.types, kind.no_departure, strict=True)
            ]
        return known

    def _span(self, nights: int, window: PlanWindow) -> tuple[date, date]:
        """The first and last day for which the moment of asking lets somebody book that arrival, as the search has it."""
        last = self._sellable_days - nights
        if window.max_advance_days is not None:
            last = min(last, window.max_advance_days)
        return self._today + timedelta(days=window.min_advance_days), self._today + timedelta(days=last)

    def _kind(self, day: Day) -> _Kind:
        kind = _Kind(day, [], [], [], [])
        for products in self._products:
            sold: list[_Sold] = []
            leaving: list[bool] = []
            for index, window in products:
                price, flags = day.prices[index], day.flags[index] or 0
                if price is None or flags & STOP_SELL:
                    continue
                shortest = max(1, day.arrival[index] or 1, day.through[index] or 1)
                if (shortest, window) not in kind.arrivals:
                    kind.arrivals.append((shortest, window))
                    kind.spans.append(self._span(shortest, window))
                place = kind.arrivals.index((shortest, window))
                sold.append(_Sold(price, shortest, place, bool(flags & CTA)))
                leaving.append(bool(flags & CTD))
            kind.types.append(sold)
            kind.no_departure.append(bool(leaving) and all(leaving))
        return kind

    def _end(self, sold: Sequence[_Sold], no_departure: bool) -> tuple[bool, str]:
        said = {
            "lowest_price": money(min(one.price for one in sold), self._currency) if sold else None,
            "min_stay": min((one.shortest for one in sold), default=1),
            "closed_to_arrival": all(one.no_arrival for one in sold),
            "closed_to_departure": no_departure,
        }
        return bool(sold), "," + orjson.dumps(said)[1:].decode()
