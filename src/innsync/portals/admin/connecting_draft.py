"""A connection that is being made: what was said of it so far, and its mapping as the form shows and sends it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext as _

from innsync.apps.distribution.connecting import draft_account, suggest
from innsync.apps.distribution.models import Account, Connection
from innsync.apps.distribution.services import RateLink, RoomLink
from innsync.apps.distribution.vault import unseal
from innsync.apps.properties.models import Property, RoomType
from innsync.apps.rates.models import Product
from innsync.domain.channel import ChannelRate, ChannelRoom
from innsync.domain.errors import InvalidField
from innsync.portals.access import Visitor


@dataclass(slots=True)
class Draft:
    """A connection that is being made. account_id: of an access that is kept already; else the rest of the account."""

    vendor: str
    property_id: str
    external_id: str
    currency: str
    exchange_rate: str
    account_id: str
    name: str
    credentials: str
    base_urls: dict[str, str]
    rooms: list[dict[str, Any]]
    mapping: dict[str, str]

    @property
    def channel_rooms(self) -> list[ChannelRoom]:
        return [
            ChannelRoom(
                one["id"],
                one["name"],
                one["max_adults"],
                tuple(ChannelRate(**{**rate, "occupancies": tuple(rate["occupancies"])}) for rate in one["rates"]),
            )
            for one in self.rooms
        ]

    def account(self, visitor: Visitor) -> Account:
        """The account that is kept, or one that is not yet. Raises Http404 for one that is gone, or not the visitor's."""
        if self.account_id:
            found = next((one for one in accounts_of(visitor, self.vendor) if str(one.id) == self.account_id), None)
            if found is None:
                raise Http404
            return found
        return draft_account(
            organization_id=visitor.access.organization_id,
            vendor=self.vendor,
            name=self.name,
            credentials=self.secrets(),
            base_urls=self.base_urls,
        )

    def secrets(self) -> dict[str, str]:
        found = unseal(base64.b64decode(self.credentials))
        assert isinstance(found, dict)
        return found

    @property
    def rate(self) -> Decimal | None:
        return Decimal(self.exchange_rate) if self.exchange_rate else None

    @property
    def fingerprint(self) -> str:
        """Tells whether what is confirmed is what was looked at, also where two windows are at it."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


def accounts_of(visitor: Visitor, vendor: str) -> list[Account]:
    """The accesses that a person may use: who sees some properties only, those that serve none but these."""
    found = Account.objects.filter(vendor=vendor).order_by("name")
    if not visitor.access.sees_all:
        of_others = Connection.objects.exclude(property_id__in=visitor.access.property_ids)
        found = found.filter(connections__isnull=False).exclude(id__in=of_others.values("account_id")).distinct()
    return list(found)


def read_decimal(text: str, field: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        raise InvalidField(field=field, problem=_("must be a number")) from None
    if not found.is_finite():
        raise InvalidField(field=field, problem=_("must be a number"))
    return found


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class RateRow:
    """A rate of the channel's room, and what of ours it could be."""

    key: str
    rate: ChannelRate
    options: list[Option]
    markup: str


@dataclass(frozen=True, slots=True)
class RoomRow:
    """A room of the channel, what of ours it could be, and its rates."""

    key: str
    room: ChannelRoom
    options: list[Option]
    allotment: str
    buffer: str
    rates: list[RateRow]


def rows_of(draft: Draft, prop: Property) -> Iterator[RoomRow]:
    types = {one.id: one.name for one in RoomType.objects.filter(property=prop)}
    products: dict[UUID, dict[UUID, str]] = {}
    for one in Product.objects.filter(property=prop).select_related("rate_plan"):
        products.setdefault(one.room_type_id, {})[one.id] = one.rate_plan.name
    rooms = draft.channel_rooms
    likely = suggest(types, {room.id: room.name for room in rooms})
    for index, room in enumerate(rooms):
        key = f"room-{index}"
        chosen = draft.mapping.get(key, str(likely.get(room.id, "")))
        rates = list(_rate_rows(draft, index, room, types, products, chosen))
        options = [Option(str(type_id), name, str(type_id) == chosen) for type_id, name in types.items()]
        buffer = draft.mapping.get(f"buffer-{index}", "")
        yield RoomRow(str(index), room, options, draft.mapping.get(f"allotment-{index}", ""), buffer, rates)


def _rate_rows(
    draft: Draft,
    index: int,
    room: ChannelRoom,
    types: Mapping[UUID, str],
    products: Mapping[UUID, Mapping[UUID, str]],
    chosen: str,
) -> Iterator[RateRow]:
    own = next((plans for type_id, plans in products.items() if str(type_id) == chosen), {})
    likely = suggest(own, {rate.id: rate.name for rate in room.rates if not rate.read_only})
    for number, rate in enumerate(room.rates):
        key = f"{index}-{number}"
        picked = draft.mapping.get(f"rate-{key}", str(likely.get(rate.id, "")))
        options = [
            Option(str(product_id), f"{types[type_id]} · {name}", str(product_id) == picked)
            for type_id, plans in products.items()
            for product_id, name in plans.items()
        ]
        yield RateRow(key, rate, options, draft.mapping.get(f"markup-{key}", ""))


def links_of(draft: Draft, prop: Property) -> tuple[list[RoomLink], list[RateLink]]:
    """The mapping said. Raises InvalidField for what can't be read."""
    types = {str(one.id): one for one in RoomType.objects.filter(property=prop)}
    rooms: list[RoomLink] = []
    rates: list[RateLink] = []
    said = draft.mapping
    for index, room in enumerate(draft.channel_rooms):
        own = types.get(said.get(f"room-{index}", ""))
        if own is None:
            continue
        allotment = _count(said.get(f"allotment-{index}", ""), f"/rooms/{len(rooms)}/allotment")
        buffer = _count(said.get(f"buffer-{index}", ""), f"/rooms/{len(rooms)}/buffer")
        rooms.append(RoomLink(own.id, room.id, allotment, buffer or 0))
        for number, rate in enumerate(room.rates):
            product = said.get(f"rate-{index}-{number}", "")
            if not product or rate.read_only:
                continue
            markup = said.get(f"markup-{index}-{number}", "")
            most = min(own.max_adults, own.max_occupancy)
            rates.append(
                RateLink(
                    _uuid(product, f"/rates/{len(rates)}/product_id"),
                    room.id,
                    rate.id,
                    tuple(adults for adults in rate.occupancies if adults <= most),
                    markup_percent=read_decimal(markup, f"/rates/{len(rates)}/markup_percent")
                    if markup
                    else Decimal(0),
                )
            )
    return rooms, rates


def _count(text: str, field: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or len(text) > 5:
        raise InvalidField(field=field, problem=_("must be a whole number"))
    return int(text)


def _uuid(text: str, field: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidField(field=field, problem=_("is not one of yours")) from None
