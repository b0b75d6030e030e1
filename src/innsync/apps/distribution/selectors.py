"""Reading connections with all that reconciling one needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution.models import Account, Connection
from innsync.apps.distribution.wanted import RateMap, RoomMap, rate_layout
from innsync.apps.rates.selectors import House, get_house
from innsync.domain.ari import ROOM_LAYOUT, STOP_SELL, Target
from innsync.integrations.manifest import Dialect, Manifest, manifests, read_dialect
from innsync.integrations.ports import PropertyRef

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

    def layouts(self) -> dict[Target, tuple[str, ...]]:
        """Every target of the connection and the fields that can be told about it."""
        found: dict[Target, tuple[str, ...]] = {}
        if "push_availability" in self.manifest.can:
            found |= {room.target: ROOM_LAYOUT for room in self.rooms}
            found |= {target: ROOM_LAYOUT for target in self.withdrawn if target.rate is None}
        if "push_rates" in self.manifest.can:
            found |= {rate.target: rate_layout(rate, self.dialect) for rate in self.rates}
            if self.dialect.stop_sell:
                mapped = {room.external_room for room in self.rooms}
                found |= {target: (STOP_SELL,) for target in self.withdrawn if target.rate and target.room in mapped}
        return found

    def room_types(self) -> dict[Target, UUID]:
        """Which of our room types a target stands for."""
        return (
            {room.target: room.room_type_id for room in self.rooms}
            | {rate.target: rate.room_type_id for rate in self.rates}
            | dict.fromkeys(self.withdrawn, NOBODYS)
        )


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


def load_linked(*, connection_id: UUID) -> Linked:
    """Raises Connection.DoesNotExist when it is not this organization's."""
    connection = Connection.objects.select_related("account").get(id=connection_id)
    house = get_house(organization_id=connection.organization_id, key=connection.property_id)
    with sql() as cursor:
        rooms = [
            RoomMap(*row)
            for row in cursor.execute(
                "SELECT room_type_id, external_room, allotment, buffer, sells FROM distribution_roommapping"
                " WHERE connection_id = %s ORDER BY external_room",
                (connection_id,),
            )
        ]
        rates = [
            read_rate_map(house, row, connection.currency, connection.exchange_rate)
            for row in cursor.execute(
                "SELECT m.product_id, p.room_type_id, m.external_room, m.external_rate, m.occupancies, m.markup_percent,"
                " m.markup_minor, m.sells, m.currency, m.exchange_rate FROM distribution_ratemapping m JOIN rates_product p ON p.id = m.product_id"
                " WHERE m.connection_id = %s ORDER BY m.external_room, m.external_rate",
                (connection_id,),
            )
        ]
        mapped = {room.target for room in rooms} | {rate.target for rate in rates}
        acknowledged = [
            Target(room, rate or None)
            for room, rate in cursor.execute(
                "SELECT DISTINCT room, rate FROM distribution_acknowledged WHERE connection_id = %s ORDER BY room, rate",
                (connection_id,),
            )
        ]
    withdrawn = [target for target in acknowledged if target not in mapped]
    return Linked(connection, connection.account, house, rooms, rates, withdrawn)


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
