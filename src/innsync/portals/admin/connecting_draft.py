"""A connection that is being made or mapped anew: what was said of it so far, and its mapping as the form has it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404
from django.utils.translation import gettext as _

from innsync.apps.distribution.connecting import PlannedTarget, draft_account, suggest
from innsync.apps.distribution.models import Account, Connection
from innsync.apps.distribution.services import RateLink, RoomLink
from innsync.apps.distribution.vault import unseal
from innsync.apps.properties.models import Property, RoomType
from innsync.apps.rates.models import Product
from innsync.domain.amounts import read_factor
from innsync.domain.channel import ChannelRate, ChannelRoom
from innsync.domain.errors import InvalidField
from innsync.domain.money import Money, convert, is_currency, minor_digits
from innsync.integrations.manifest import Manifest
from innsync.portals import formats
from innsync.portals.access import Visitor
from innsync.portals.admin.reading import read_id
from innsync.portals.numbers import plain_decimal, read_money

LONGEST = 100
MOST_WORTH = 10**9
"""How much of one currency another may be worth."""
MOST_ADDED = 10**9

FIELDS = (
    "room-", "allotment-", "buffer-", "stoproom-", "rate-", "markup-", "minor-", "currency-", "worth-", "stoprate-"
)  # fmt: skip
"""What the form of a mapping says of each room and rate; each with the place of its row behind it."""


@dataclass(slots=True)
class Draft:
    """A connection that is being made. account_id: of an access that is kept already; else the rest of the account.

    connection_id: of one that is mapped anew; kept: by room and rate there, what the form has no field for; base: tells
    whether its mapping is still the one that was begun with. unlisted: rooms and rates that are mapped, but that the
    channel does not list.
    """

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
    connection_id: str = ""
    base: str = ""
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    unlisted: list[str] = field(default_factory=list)

    def take(self, said: Mapping[str, Any]) -> None:
        """The mapping as a form sends it."""
        self.mapping = {name: str(value).strip()[:LONGEST] for name, value in said.items() if name.startswith(FIELDS)}

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
        return read_worth(self.exchange_rate, "/exchange_rate") if self.exchange_rate else None

    @property
    def fingerprint(self) -> str:
        """Tells whether what is confirmed is what was looked at, also where two windows are at it."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


def read_addresses(manifest: Manifest, said: Mapping[str, str]) -> dict[str, str]:
    """Credentials go to the channel's own address, whatever a form says; only a sandbox may play the channel.

    Raises InvalidField for an address of a person's own that would carry them in the clear.
    """
    given = {name: url for name, url in said.items() if url}
    if manifest.own_address and not settings.SANDBOX:
        for name, url in given.items():
            if not url.startswith("https://"):
                raise InvalidField(field=f"/address-{name}", problem=_("must begin with https://"))
        return given
    return given if settings.SANDBOX else {}


def accounts_of(visitor: Visitor, vendor: str) -> list[Account]:
    """The accesses that a person may use: who sees some properties only, those that serve none but these."""
    found = Account.objects.filter(vendor=vendor).order_by("name")
    if not visitor.access.sees_all:
        of_others = Connection.objects.exclude(property_id__in=visitor.access.property_ids)
        found = found.filter(connections__isnull=False).exclude(id__in=of_others.values("account_id")).distinct()
    return list(found)


def read_decimal(text: str, field: str) -> Decimal:
    try:
        found = Decimal(plain_decimal(text))
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
    """A rate of the channel's room, and what of ours it could be. said: the form's other fields, by name.

    suggested: nobody chose it yet. listed: the channel has it.
    """

    key: str
    rate: ChannelRate
    options: list[Option]
    said: dict[str, str]
    suggested: bool
    listed: bool


@dataclass(frozen=True, slots=True)
class RoomRow:
    """A room of the channel, what of ours it could be, and its rates. The rest as with a rate."""

    key: str
    room: ChannelRoom
    options: list[Option]
    said: dict[str, str]
    suggested: bool
    listed: bool
    rates: list[RateRow]


def rows_of(draft: Draft, prop: Property) -> Iterator[RoomRow]:
    types = {one.id: one.name for one in RoomType.objects.filter(property=prop)}
    products: dict[UUID, dict[UUID, str]] = {}
    for one in Product.objects.filter(property=prop).select_related("rate_plan"):
        products.setdefault(one.room_type_id, {})[one.id] = one.rate_plan.name
    rooms = draft.channel_rooms
    likely = _likely(draft, "room-", types, {str(index): room.name for index, room in enumerate(rooms)})
    for index, room in enumerate(rooms):
        key = str(index)
        chosen = draft.mapping.get(f"room-{key}", str(likely.get(key, "")))
        yield RoomRow(
            key,
            room,
            [Option(str(type_id), name, str(type_id) == chosen) for type_id, name in types.items()],
            _said(draft, key, "allotment", "buffer", "stoproom"),
            f"room-{key}" not in draft.mapping and key in likely,
            room.id not in draft.unlisted,
            list(_rate_rows(draft, index, room, types, products, chosen)),
        )


def _rate_rows(
    draft: Draft,
    index: int,
    room: ChannelRoom,
    types: Mapping[UUID, str],
    products: Mapping[UUID, Mapping[UUID, str]],
    chosen: str,
) -> Iterator[RateRow]:
    own = next((plans for type_id, plans in products.items() if str(type_id) == chosen), {})
    names = {f"{index}-{number}": rate.name for number, rate in enumerate(room.rates) if not rate.read_only}
    likely = _likely(draft, "rate-", own, names)
    for number, rate in enumerate(room.rates):
        key = f"{index}-{number}"
        picked = draft.mapping.get(f"rate-{key}", str(likely.get(key, "")))
        options = [
            Option(str(product_id), f"{types[type_id]} · {name}", str(product_id) == picked)
            for type_id, plans in products.items()
            for product_id, name in plans.items()
        ]
        said = _said(draft, key, "markup", "minor", "currency", "worth", "stoprate")
        suggested = f"rate-{key}" not in draft.mapping and key in likely
        yield RateRow(key, rate, options, said, suggested, pair(room.id, rate.id) not in draft.unlisted)


def _likely(draft: Draft, prefix: str, ours: Mapping[UUID, str], theirs: Mapping[str, str]) -> dict[str, UUID]:
    """Suggestions for what nothing was said of yet, out of what is not chosen elsewhere."""
    chosen = {value for name, value in draft.mapping.items() if name.startswith(prefix)}
    free = {key: name for key, name in ours.items() if str(key) not in chosen}
    open_ones = {key: name for key, name in theirs.items() if prefix + key not in draft.mapping}
    return suggest(free, open_ones, whole=not draft.connection_id)


def _said(draft: Draft, key: str, *names: str) -> dict[str, str]:
    return {name: draft.mapping.get(f"{name}-{key}", "") for name in names}


def pair(room: str, rate: str) -> str:
    """Names a rate of a room, in what the session keeps."""
    return f"{room}\n{rate}"


def names_of(draft: Draft) -> dict[tuple[str, str], str]:
    """What the channel calls its rooms (rate empty) and rates."""
    rooms = draft.channel_rooms
    return {(room.id, ""): room.name or room.id for room in rooms} | {
        (room.id, rate.id): f"{room.name or room.id} · {rate.name or rate.id}" for room in rooms for rate in room.rates
    }


def named(draft: Draft, targets: Iterable[PlannedTarget]) -> list[tuple[str, PlannedTarget]]:
    names = names_of(draft)
    return [(names.get((one.room, one.rate), f"{one.room} {one.rate}".strip()), one) for one in targets]


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
        rooms.append(RoomLink(own.id, room.id, allotment, buffer or 0, not said.get(f"stoproom-{index}")))
        most = min(own.max_adults, own.max_occupancy)
        for number, rate in enumerate(room.rates):
            if said.get(f"rate-{index}-{number}") and not rate.read_only:
                place = f"/rates/{len(rates)}"
                rates.append(_rate_link(draft, room, rate, f"{index}-{number}", most, prop.currency, place))
    return rooms, rates


def _rate_link(
    draft: Draft, room: ChannelRoom, rate: ChannelRate, key: str, most: int, own_currency: str, field: str
) -> RateLink:
    said = _said(draft, key, "rate", "markup", "minor", "currency", "worth", "stoprate")
    kept = draft.kept.get(pair(room.id, rate.id), {})
    currency = said["currency"].upper()
    adults = tuple(count for count in rate.occupancies or kept.get("occupancies", ()) if count <= most)
    if currency and not is_currency(currency):
        raise InvalidField(field=f"{field}/currency", problem=_("must be a currency, such as EUR"))
    return RateLink(
        _uuid(said["rate"], f"{field}/product_id"),
        room.id,
        rate.id,
        adults,
        aliases=tuple(kept.get("aliases", ())),
        markup_percent=read_decimal(said["markup"], f"{field}/markup_percent") if said["markup"] else Decimal(0),
        markup_minor=_minor(said["minor"], currency or draft.currency or own_currency, f"{field}/markup"),
        sells=not said["stoprate"],
        currency=currency,
        exchange_rate=read_worth(said["worth"], f"{field}/exchange_rate") if said["worth"] else None,
    )


def read_worth(text: str, field: str) -> Decimal:
    """How much of one currency another is worth. Raises InvalidField."""
    worth = read_factor(text, field)
    if not 0 < worth < MOST_WORTH:
        raise InvalidField(field=field, problem=_("must be more than nothing, and no such number"))
    return worth


def hundred(own: str, currency: str, worth: Decimal | None) -> str:
    """`100.00 EUR = 145,000 KRW`: what a slip of the decimals shows in. Empty where prices are told as they are."""
    if worth is None or currency in ("", own):
        return ""
    here = Money(100 * 10 ** minor_digits(own), own)
    return f"{formats.money(here)} = {formats.money(convert(here, currency, worth))}"


def _minor(text: str, currency: str, field: str) -> int:
    """An amount to be added to every price. Raises InvalidField."""
    if not text:
        return 0
    try:
        found = read_money(text, currency).minor
    except InvalidField as refusal:
        raise InvalidField(field=field, problem=refusal.problem) from None
    if abs(found) > MOST_ADDED:
        raise InvalidField(field=field, problem=_("must be an amount that a price can have"))
    return found


def _count(text: str, field: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or len(text) > 5:
        raise InvalidField(field=field, problem=_("must be a whole number"))
    return int(text)


def _uuid(text: str, field: str) -> UUID:
    found = read_id(text)
    if found is None:
        raise InvalidField(field=field, problem=_("is not one of yours"))
    return found
