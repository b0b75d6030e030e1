"""What of ours is what at a channel: the terms of a mapping, checked and written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from innsync.apps.distribution.models import Connection, RateMapping, RoomMapping
from innsync.apps.properties.models import RoomType
from innsync.apps.rates.models import Product
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.money import is_currency
from innsync.domain.wording import told
from innsync.integrations.manifest import manifests

MOST_ROOMS = 32_767
MOST_MARKUP_PERCENT = 1_000


@dataclass(eq=False)
class MappedTwice(DomainError):
    """Two of our things would be sold as one at the channel, or one as two: stock would double. `what` names it."""

    what: str


@dataclass(frozen=True, slots=True)
class RoomLink:
    """A room type as a room of the channel; see the model. sells: False shows no room there, whatever is left."""

    room_type_id: UUID
    external_room: str
    allotment: int | None = None
    buffer: int = 0
    sells: bool = True


@dataclass(frozen=True, slots=True)
class RateLink:
    """A product as a rate of a channel's room.

    occupancies: the numbers of adults that have a price there; empty where the channel has one price a room, which is
    then that of the fullest. currency, exchange_rate: where the rate there has another currency than the connection; see
    the model. sells: False stops its sale there.
    """

    product_id: UUID
    external_room: str
    external_rate: str
    occupancies: tuple[int, ...]
    aliases: tuple[str, ...] = ()
    markup_percent: Decimal = Decimal(0)
    markup_minor: int = 0
    sells: bool = True
    currency: str = ""
    exchange_rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """In which currency prices are told to a connection; exchange_rate: how much of it one unit of the property's own is."""

    currency: str
    exchange_rate: Decimal | None


def check_mapping(rooms: Sequence[RoomLink], rates: Sequence[RateLink]) -> None:
    """Raises MappedTwice; InvalidField for a rate of a room that is not mapped, and for terms that make no sense."""
    for what, values in (
        (told("a room type"), [room.room_type_id for room in rooms]),
        (told("a channel room"), [room.external_room for room in rooms]),
        (told("a product"), [rate.product_id for rate in rates]),
        (told("a channel rate"), [(rate.external_room, rate.external_rate) for rate in rates]),
    ):
        if len(values) != len(set(values)):
            raise MappedTwice(what=what)
    for index, room in enumerate(rooms):
        for name, count in (("allotment", room.allotment), ("buffer", room.buffer)):
            if count is not None and not 0 <= count <= MOST_ROOMS:
                raise InvalidField(field=f"/rooms/{index}/{name}", problem=f"must be 0 to {MOST_ROOMS}")
    known = {room.external_room for room in rooms}
    for index, rate in enumerate(rates):
        if rate.external_room not in known:
            raise InvalidField(field=f"/rates/{index}/external_room", problem="is not a mapped room")
        if not (rate.markup_percent.is_finite() and -100 < rate.markup_percent <= MOST_MARKUP_PERCENT):
            problem = told(f"must be more than -100 and at most {MOST_MARKUP_PERCENT}")
            raise InvalidField(field=f"/rates/{index}/markup_percent", problem=problem)
        check_exchange_rate(rate.exchange_rate, f"/rates/{index}/exchange_rate")
        if rate.exchange_rate is not None and not rate.currency:
            raise InvalidField(
                field=f"/rates/{index}/exchange_rate", problem="is only for a rate with its own currency"
            )


def check_exchange_rate(rate: Decimal | None, field: str) -> None:
    if rate is not None and not (rate.is_finite() and rate > 0):
        raise InvalidField(field=field, problem="must be more than 0")


def _check_currencies(connection: Connection, rates: Sequence[RateLink]) -> None:
    """Raises InvalidField for a currency that this channel can't have for the rate, or that nobody said the worth of."""
    several = manifests()[connection.vendor].dialect.rate_currencies
    own = connection.property.currency
    for index, rate in enumerate(rates):
        if not rate.currency:
            continue
        field = f"/rates/{index}/currency"
        if not is_currency(rate.currency):
            raise InvalidField(field=field, problem="must be a currency, such as EUR")
        if rate.currency != connection.currency and not several:
            problem = told(f"must be {connection.currency}: this channel has one currency for all rates of a property")
            raise InvalidField(field=field, problem=problem)
        if rate.currency != own and rate.exchange_rate is None:
            problem = told(f"must say how much {rate.currency} one {own} is")
            raise InvalidField(field=f"/rates/{index}/exchange_rate", problem=problem)


def currencies_of(connection: Connection) -> dict[tuple[str, str], str]:
    rates = RateMapping.objects.filter(connection=connection)
    return {
        (room, rate): currency or connection.currency
        for room, rate, currency in rates.values_list("external_room", "external_rate", "currency")
    }


def change_terms(connection: Connection, terms: Terms) -> None:
    own = connection.property.currency
    if not is_currency(terms.currency):
        raise InvalidField(field="/currency", problem="must be a currency, such as EUR")
    if terms.currency != own and terms.exchange_rate is None:
        raise InvalidField(field="/exchange_rate", problem=f"must say how much {terms.currency} one {own} is")
    check_exchange_rate(terms.exchange_rate, "/exchange_rate")
    connection.currency, connection.exchange_rate = terms.currency, terms.exchange_rate
    connection.save(update_fields=["currency", "exchange_rate"])


def write_mapping(connection: Connection, rooms: Sequence[RoomLink], rates: Sequence[RateLink]) -> None:
    kinds = RoomType.objects.filter(property_id=connection.property_id)
    most_adults = {kind.id: min(kind.max_adults, kind.max_occupancy) for kind in kinds}
    _check_currencies(connection, rates)
    for index, room in enumerate(rooms):
        if room.room_type_id not in most_adults:
            raise InvalidField(field=f"/rooms/{index}/room_type_id", problem="is not a room type of this property")
    RoomMapping.objects.bulk_create(
        RoomMapping(
            organization_id=connection.organization_id,
            connection=connection,
            room_type_id=room.room_type_id,
            external_room=room.external_room,
            allotment=room.allotment,
            buffer=room.buffer,
            sells=room.sells,
        )
        for room in rooms
    )
    products = dict(Product.objects.filter(property_id=connection.property_id).values_list("id", "room_type_id"))
    types = {room.external_room: room.room_type_id for room in rooms}
    for index, rate in enumerate(rates):
        if rate.product_id not in products:
            raise InvalidField(field=f"/rates/{index}/product_id", problem="is not a product of this property")
        if products[rate.product_id] != types[rate.external_room]:
            raise InvalidField(field=f"/rates/{index}/external_room", problem="is mapped to another room type")
        most = most_adults[products[rate.product_id]]
        if sorted(set(rate.occupancies)) != sorted(rate.occupancies) or not all(
            1 <= n <= most for n in rate.occupancies
        ):
            raise InvalidField(field=f"/rates/{index}/occupancies", problem=f"must each be 1 to {most} adults, once")
    RateMapping.objects.bulk_create(
        RateMapping(
            organization_id=connection.organization_id,
            connection=connection,
            product_id=rate.product_id,
            external_room=rate.external_room,
            external_rate=rate.external_rate,
            occupancies=list(rate.occupancies) or [most_adults[products[rate.product_id]]],
            aliases=list(rate.aliases),
            markup_percent=rate.markup_percent,
            markup_minor=rate.markup_minor,
            sells=rate.sells,
            currency=rate.currency,
            exchange_rate=rate.exchange_rate,
        )
        for rate in rates
    )
