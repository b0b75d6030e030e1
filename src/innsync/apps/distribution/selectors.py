"""Reading connections with all that reconciling one needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution.models import Account, Connection
from innsync.apps.distribution.wanted import RateMap, RoomMap, rate_layout
from innsync.apps.rates.selectors import House, get_house
from innsync.domain.ari import ROOM_LAYOUT, STOP_SELL, Target
from innsync.integrations.manifest import Dialect, Manifest, manifests, read_dialect
from innsync.integrations.ports import PropertyRef

MOST_MADE = 1_024
NOBODYS = UUID(int=0)
"""Stands for the room type of what is not mapped any more."""


@dataclass(slots=True)
class Linked:
    """A connection, its account, the property and the mapping between them.

    withdrawn: what the channel acknowledged of rooms and rates that nobody maps any more. They are kept closed there:
    it would go on selling what it last held.
    """

    connection: Connection
    account: Account
    house: House
    rooms: list[RoomMap]
    rates: list[RateMap]
    withdrawn: list[Target]
    _layouts: Mapping[Target, tuple[str, ...]] | None = field(default=None, init=False, repr=False, compare=False)
    _types: Mapping[Target, UUID] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def id(self) -> UUID:
        return self.connection.id

    @property
    def manifest(self) -> Manifest:
        return manifests()[self.connection.vendor]

    @property
    def dialect(self) -> Dialect:
        """The manifest's, or what this connection's own settings say of the property there."""
        return dialect_of(self.connection.vendor, self.connection.settings)

    @property
    def ref(self) -> PropertyRef:
        link = self.connection
        foreign = {rate.target: rate.currency for rate in self.rates if rate.currency != link.currency}
        return PropertyRef(link.external_id, link.currency, self.house.time_zone, link.settings, foreign)

    def without_exchange_rate(self) -> str:
        """A currency in which prices can't be told, since nobody said what it is worth; empty when there is none."""
        foreign = (one.currency for one in self.rates if one.currency != self.house.currency and not one.exchange_rate)
        return next(foreign, "")

    def window(self, now: datetime) -> tuple[date, date]:
        """The nights kept in step: from today at the property to the horizon, both included."""
        today = self.house.today(now)
        return today, today + timedelta(days=self.connection.horizon_days - 1)

    def layouts(self) -> Mapping[Target, tuple[str, ...]]:
        """Every target of the connection and the fields that can be told about it."""
        if self._layouts is None:
            self._layouts = self._find_layouts()
        return self._layouts

    @property
    def is_told(self) -> bool:
        """Whether there is an address that anything could be sent to."""
        return not self.manifest.own_address or any({**self.manifest.base_urls, **self.account.base_urls}.values())

    def _find_layouts(self) -> dict[Target, tuple[str, ...]]:
        found: dict[Target, tuple[str, ...]] = {}
        if not self.is_told:
            return found
        if "push_availability" in self.manifest.can:
            found |= {room.target: ROOM_LAYOUT for room in self.rooms}
            found |= {target: ROOM_LAYOUT for target in self.withdrawn if target.rate is None}
        if "push_rates" in self.manifest.can:
            dialect = self.dialect
            found |= {rate.target: rate_layout(rate, dialect) for rate in self.rates}
            if dialect.stop_sell:
                mapped = {room.external_room for room in self.rooms}
                found |= {target: (STOP_SELL,) for target in self.withdrawn if target.rate and target.room in mapped}
        return found

    def room_types(self) -> Mapping[Target, UUID]:
        """Which of our room types a target stands for."""
        if self._types is None:
            self._types = (
                {room.target: room.room_type_id for room in self.rooms}
                | {rate.target: rate.room_type_id for rate in self.rates}
                | dict.fromkeys(self.withdrawn, NOBODYS)
            )
        return self._types


def dialect_of(vendor: str, settings: dict[str, Any]) -> Dialect:
    """The rules that can be said to a connection of these settings."""
    own: dict[str, Any] | None = settings.get("dialect")
    return read_dialect(own) if own else manifests()[vendor].dialect


def read_rate_map(house: House, row: Sequence[Any], currency: str, exchange_rate: Decimal | None) -> RateMap:
    """A rate's mapping from its row; currency and exchange_rate: the connection's, where the rate has none of its own."""
    product_id, room_type_id, room, rate, occupancies, percent, minor, sells, own_currency, own_rate = row
    return RateMap(
        house.product_ids[product_id],
        room_type_id,
        room,
        rate,
        tuple(occupancies),
        percent,
        minor,
        sells,
        own_currency or currency,
        own_rate if own_currency else exchange_rate,
    )


# One text for all of it, which is seldom another than the last time. What was told is found target by target along the
# index: there are as many rows of each as the horizon has months.
_LINKS = """
WITH RECURSIVE told AS (
  (SELECT room, rate FROM distribution_acknowledged WHERE connection_id = %(connection)s ORDER BY room, rate LIMIT 1)
  UNION ALL
  SELECT next.room, next.rate FROM told CROSS JOIN LATERAL (
    SELECT a.room, a.rate FROM distribution_acknowledged a
    WHERE a.connection_id = %(connection)s AND (a.room, a.rate) > (told.room, told.rate)
    ORDER BY a.room, a.rate LIMIT 1) next)
SELECT json_build_object(
  'rooms', (SELECT json_agg(json_build_array(room_type_id, external_room, allotment, buffer, sells)
      ORDER BY external_room) FROM distribution_roommapping WHERE connection_id = %(connection)s),
  'rates', (SELECT json_agg(json_build_array(m.product_id, p.room_type_id, m.external_room, m.external_rate,
      m.occupancies, m.markup_percent::text, m.markup_minor, m.sells, m.currency, m.exchange_rate::text)
      ORDER BY m.external_room, m.external_rate)
    FROM distribution_ratemapping m JOIN rates_product p ON p.id = m.product_id
    WHERE m.connection_id = %(connection)s),
  'told', CASE WHEN %(withdrawn)s THEN (SELECT json_agg(json_build_array(room, rate) ORDER BY room, rate) FROM told) END
)::text
"""


@dataclass(frozen=True, slots=True)
class _Links:
    """Rooms and withdrawn as they are in `Linked`; rates as rows of what `read_rate_map` takes."""

    rooms: tuple[RoomMap, ...]
    rates: tuple[tuple[Any, ...], ...]
    withdrawn: tuple[Target, ...]


@lru_cache(maxsize=1024)
def _read_links(text: str) -> _Links:
    found = orjson.loads(text)
    rooms = tuple(RoomMap(UUID(one[0]), *one[1:]) for one in found["rooms"] or [])
    rates = tuple(
        (
            UUID(product),
            UUID(room_type),
            *names,
            Decimal(percent),
            minor,
            sells,
            currency,
            Decimal(exchange_rate) if exchange_rate else None,
        )
        for product, room_type, *names, percent, minor, sells, currency, exchange_rate in found["rates"] or []
    )
    mapped = {room.target for room in rooms} | {Target(rate[2], rate[3]) for rate in rates}
    told = (Target(room, rate or None) for room, rate in found["told"] or [])
    return _Links(rooms, rates, tuple(target for target in told if target not in mapped))


def load_linked(*, connection_id: UUID, withdrawn: bool = True) -> Linked:
    """Raises Connection.DoesNotExist when it is not this organization's.

    withdrawn: whether somebody will ask for what nobody maps any more; it takes longer to find than all the rest.
    """
    asked = sql().execute(_CONNECTION, (connection_id,))
    asked_links = sql().execute(_LINKS, {"connection": connection_id, "withdrawn": withdrawn})
    row = asked.fetchone()
    if row is None:
        raise Connection.DoesNotExist
    connection = Connection.from_db("default", _FIELDS[Connection], row[: len(_FIELDS[Connection])])
    account = Account.from_db("default", _FIELDS[Account], row[len(_FIELDS[Connection]) :])
    connection.account = account
    house = get_house(organization_id=connection.organization_id, key=connection.property_id)
    found = asked_links.fetchone()
    assert found is not None, "an aggregate has a row"
    links = _read_links(found[0])
    rates = _rate_maps(house, links, connection.currency, connection.exchange_rate)
    return Linked(connection, account, house, list(links.rooms), rates, list(links.withdrawn))


_FIELDS = {model: [field.attname for field in model._meta.concrete_fields] for model in (Connection, Account)}
# What Django would ask, without its putting it together anew each time.
_CONNECTION = f"""
SELECT {", ".join(f"c.{name}" for name in _FIELDS[Connection])}, {", ".join(f"a.{name}" for name in _FIELDS[Account])}
FROM distribution_connection c JOIN distribution_account a ON a.id = c.account_id WHERE c.id = %s
"""  # noqa: S608
_RateMaps = tuple[House, _Links, list[RateMap]]
_made: dict[tuple[int, int, str, Decimal | None], _RateMaps] = {}


def _rate_maps(house: House, links: _Links, currency: str, exchange_rate: Decimal | None) -> list[RateMap]:
    """Made once for each house and its links as they were read."""
    place = (id(house), id(links), currency, exchange_rate)
    known = _made.get(place)
    if known is None:
        if len(_made) >= MOST_MADE:
            _made.clear()
        maps = [read_rate_map(house, one, currency, exchange_rate) for one in links.rates]
        known = _made[place] = house, links, maps
    return list(known[2])


def organization_of(subject_id: UUID) -> UUID | None:
    """Whose connection or account that is; for work that begins with nothing but an id."""
    with sql() as cursor:
        row = cursor.execute(
            "SELECT organization_id FROM distribution_schedule WHERE subject_id = %s LIMIT 1", (subject_id,)
        ).fetchone()
    return row[0] if row else None


def list_connection_ids() -> list[tuple[UUID, UUID]]:
    """(organization, connection) of every connection, of all organizations: ids only."""
    with sql() as cursor:
        return cursor.execute(
            "SELECT organization_id, subject_id FROM distribution_schedule WHERE kind = 'inventory' ORDER BY subject_id"
        ).fetchall()
