"""Connecting a property to a channel, step by step: choose, try the access, map, look what would be sent, go."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from innsync.apps.accounts.roles import Ability
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.connecting import draft_account, list_channel_rooms, plan_connection, suggest
from innsync.apps.distribution.models import Account, Connection
from innsync.apps.distribution.services import RateLink, RoomLink, add_account, connect
from innsync.apps.distribution.vault import seal, unseal
from innsync.apps.properties.models import Property, RoomType
from innsync.apps.rates.models import Product
from innsync.domain.channel import ChannelRate, ChannelRoom
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.money import is_currency
from innsync.integrations.errors import IntegrationError, NotAuthorised
from innsync.integrations.manifest import Manifest, manifests
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.choice import CHOSEN, Choice, choose_property
from innsync.portals.admin.pages import show
from innsync.portals.words import refusal

DRAFT = "connecting"
"""Where the session keeps what was said so far; the credentials sealed."""
SHORT, LONG = 100, 500
MOST_WORTH = 10**9
"""How much of one currency another may be worth."""


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


@page(Ability.MANAGE_CHANNELS)
def catalogue(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """The channels that can be connected, and those that this property has."""
    prop = choose_property(request, visitor)
    has = set(Connection.objects.filter(property=prop).values_list("vendor", flat=True)) if prop else set()
    channels = [
        {"manifest": one, "connected": one.key in has, "can": sorted(one.can)}
        for one in sorted(manifests().values(), key=lambda one: one.name.casefold())
        if "push_availability" in one.can
    ]
    context = {"prop": prop, "choice": Choice.of(visitor, prop), "channels": channels}
    return show(request, visitor, "connect/catalogue.html", context, section="connections")


@page(Ability.MANAGE_CHANNELS)
def _ask_access(request: HttpRequest, visitor: Visitor, vendor: str) -> HttpResponse:
    manifest, prop = _manifest(vendor), choose_property(request, visitor)
    if prop is None:
        raise Http404
    context = {
        "manifest": manifest,
        "prop": prop,
        "accounts": accounts_of(visitor, vendor),
        "said": {name: request.GET.get(name, "") for name in ("external_id", "name", "currency", "exchange_rate")},
        "addresses": [(name, f"{settings.SANDBOX_URL}/{vendor}") for name in manifest.base_urls if settings.SANDBOX],
    }
    return show(request, visitor, "connect/access.html", context, section="connections")


@action(Ability.MANAGE_CHANNELS, back="connect", whole=False)
def _try_access(request: HttpRequest, visitor: Visitor, vendor: str) -> Done:
    """Nothing is kept before the channel has answered; the call is made in no transaction."""
    manifest = _manifest(vendor)
    with tenant(visitor.access.organization_id):
        prop = _property(request, visitor)
        try:
            draft = _read_draft(request, manifest, prop)
            account = draft.account(visitor)
        except InvalidField as error:
            return Done(refusal(error), _again(manifest, prop, request.POST), well=False)
        if _is_connected(draft):
            return Done(_connected_already(manifest), _again(manifest, prop, request.POST), well=False)
    currency = draft.currency or prop.currency
    try:
        rooms = list_channel_rooms(account=account, prop=prop, external_id=draft.external_id, currency=currency)
    except IntegrationError as error:
        return Done(_why_not(manifest, error), _again(manifest, prop, request.POST), well=False)
    draft.rooms = [asdict(one) for one in rooms]
    request.session[DRAFT] = asdict(draft)
    return Done(
        _("%(channel)s let us in: it has %(count)d rooms there.") % {"channel": manifest.name, "count": len(rooms)},
        reverse("connect-map", args=[vendor]),
    )


access = confirmed(ask=_ask_access, do=_try_access)


def _is_connected(draft: Draft) -> bool:
    return Connection.objects.filter(vendor=draft.vendor, external_id=draft.external_id).exists()


def _connected_already(manifest: Manifest) -> str:
    return _("That property of %(channel)s is connected already. Nothing was changed.") % {"channel": manifest.name}


def _read_draft(request: HttpRequest, manifest: Manifest, prop: Property) -> Draft:
    """What the form says. Raises InvalidField naming what is missing or can't be."""

    def text(name: str, longest: int = SHORT) -> str:
        return request.POST.get(name, "").strip()[:longest]

    currency, rate = text("currency", 3).upper(), text("exchange_rate")
    if not text("external_id"):
        raise InvalidField(field="/external_id", problem=_("must be given: the channel's own number of the property"))
    if currency and not is_currency(currency):
        raise InvalidField(field="/currency", problem=_("must be a currency, such as EUR"))
    if currency not in ("", prop.currency) and not rate:
        raise InvalidField(
            field="/exchange_rate",
            problem=_("must say how much %(there)s one %(here)s is") % {"there": currency, "here": prop.currency},
        )
    if rate:
        worth = _decimal(rate, "/exchange_rate")
        if not 0 < worth < MOST_WORTH:
            raise InvalidField(field="/exchange_rate", problem=_("must be more than nothing, and no such number"))
    known = text("account")
    credentials = {one.name: text(f"secret-{one.name}", LONG) for one in manifest.secrets}
    return Draft(
        vendor=manifest.key,
        property_id=str(prop.id),
        external_id=text("external_id"),
        currency=currency,
        exchange_rate=rate,
        account_id=known,
        name=text("name") or manifest.name,
        credentials=base64.b64encode(seal({name: value for name, value in credentials.items() if value})).decode(),
        # Credentials go to the channel's own address, whatever a form says; only a sandbox may play the channel.
        base_urls={
            name: url for name in manifest.base_urls if settings.SANDBOX and (url := text(f"address-{name}", LONG))
        },
        rooms=[],
        mapping={},
    )


def _decimal(text: str, field: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        raise InvalidField(field=field, problem=_("must be a number")) from None
    if not found.is_finite():
        raise InvalidField(field=field, problem=_("must be a number"))
    return found


def _why_not(manifest: Manifest, error: IntegrationError) -> str:
    if isinstance(error, NotAuthorised):
        return _("%(channel)s refuses these credentials: %(words)s. Nothing was kept.") % {
            "channel": manifest.name,
            "words": error.words[:LONG],
        }
    return _("%(channel)s could not be asked: %(words)s. Nothing was kept; try again.") % {
        "channel": manifest.name,
        "words": error.words[:LONG],
    }


def _again(manifest: Manifest, prop: Property, said: Mapping[str, Any]) -> str:
    """The form once more, with all that is no secret."""
    fields = ("external_id", "name", "currency", "exchange_rate")
    kept = {CHOSEN: prop.code, **{name: str(said[name])[:LONG] for name in fields if said.get(name)}}
    return f"{reverse('connect-access', args=[manifest.key])}?{urlencode(kept)}"


def _shown(draft: Draft) -> dict[str, str]:
    """A draft as the form names it."""
    return {
        "external_id": draft.external_id,
        "name": draft.name,
        "currency": draft.currency,
        "exchange_rate": draft.exchange_rate,
    }


def _manifest(vendor: str) -> Manifest:
    found = manifests().get(vendor)
    if found is None or "push_availability" not in found.can:
        raise Http404
    return found


def _property(request: HttpRequest, visitor: Visitor) -> Property:
    found = Property.objects.filter(code=request.POST.get(CHOSEN, "")).first()
    if found is None or not visitor.access.sees(found.id):
        raise Http404
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


@page(Ability.MANAGE_CHANNELS)
def _ask_mapping(request: HttpRequest, visitor: Visitor, vendor: str) -> HttpResponse:
    draft = _draft(request, vendor)
    if draft is None:
        return redirect("connect-access", vendor)
    prop = _of_draft(draft, visitor)
    context = {
        "manifest": _manifest(vendor),
        "prop": prop,
        "draft": draft,
        "rows": list(_rows(draft, prop)),
        "back": _again(_manifest(vendor), prop, _shown(draft)),
    }
    return show(request, visitor, "connect/map.html", context, section="connections")


def _draft(request: HttpRequest, vendor: str) -> Draft | None:
    """What was said so far; None where nothing was, or about another channel."""
    said = request.session.get(DRAFT)
    _manifest(vendor)
    return Draft(**said) if said and said["vendor"] == vendor else None


def _of_draft(draft: Draft, visitor: Visitor) -> Property:
    found = Property.objects.filter(id=draft.property_id).first()
    if found is None or not visitor.access.sees(found.id):
        raise Http404
    return found


def _rows(draft: Draft, prop: Property) -> Iterator[RoomRow]:
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


@action(Ability.MANAGE_CHANNELS, back="connections")
def _take_mapping(request: HttpRequest, visitor: Visitor, vendor: str) -> Done:
    draft = _draft(request, vendor)
    if draft is None:
        return Done(_("That took too long: begin once more."), reverse("connect-access", args=[vendor]), well=False)
    prop = _of_draft(draft, visitor)
    draft.mapping = {
        name: str(value).strip()[:SHORT]
        for name, value in request.POST.items()
        if name.startswith(("room-", "rate-", "allotment-", "buffer-", "markup-"))
    }
    request.session[DRAFT] = asdict(draft)
    try:
        rooms, _rates = _links(draft, prop)
    except DomainError as error:
        return Done(refusal(error), reverse("connect-map", args=[vendor]), well=False)
    if not rooms:
        words = _("Nothing is mapped yet: say for at least one room there which of yours it is.")
        return Done(words, reverse("connect-map", args=[vendor]), well=False)
    return Done(_("Look over it once more; nothing was sent yet."), reverse("connect-check", args=[vendor]))


mapping = confirmed(ask=_ask_mapping, do=_take_mapping)


def _links(draft: Draft, prop: Property) -> tuple[list[RoomLink], list[RateLink]]:
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
                    markup_percent=_decimal(markup, f"/rates/{len(rates)}/markup_percent") if markup else Decimal(0),
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


@page(Ability.MANAGE_CHANNELS)
def _ask_go(request: HttpRequest, visitor: Visitor, vendor: str) -> HttpResponse:
    """The plan: made by the very code that connects, and taken back."""
    draft = _draft(request, vendor)
    if draft is None or not draft.mapping:
        return redirect("connect-access", vendor)
    prop = _of_draft(draft, visitor)
    context: dict[str, Any] = {"manifest": _manifest(vendor), "prop": prop, "draft": draft}
    try:
        rooms, rates = _links(draft, prop)
        context |= {"rooms": rooms, "rates": rates, "unpriced": len(rooms) - len({one.external_room for one in rates})}
        context["plan"] = plan_connection(
            account=draft.account(visitor),
            prop=prop,
            external_id=draft.external_id,
            currency=draft.currency or prop.currency,
            exchange_rate=draft.rate,
            rooms=rooms,
            rates=rates,
            now=datetime.now(UTC),
        )
    except DomainError as error:
        context["wrong"] = refusal(error)
    return show(request, visitor, "connect/check.html", context, section="connections")


@action(Ability.MANAGE_CHANNELS, back="connections")
def _go(request: HttpRequest, visitor: Visitor, vendor: str) -> Done:
    draft = _draft(request, vendor)
    if draft is None:
        return Done(_("That took too long: begin once more."), reverse("connect-access", args=[vendor]), well=False)
    prop, now = _of_draft(draft, visitor), datetime.now(UTC)
    Property.objects.select_for_update().get(id=prop.id)  # pressed twice, the second one sees what the first did
    if _is_connected(draft):
        return Done(_connected_already(_manifest(vendor)), reverse("connections"), well=False)
    if request.POST.get("fingerprint") != draft.fingerprint:
        words = _("What is to be connected changed meanwhile, perhaps in another window. Look it over once more.")
        return Done(words, reverse("connect-check", args=[vendor]), well=False)
    rooms, rates = _links(draft, prop)
    account = draft.account(visitor)
    if account._state.adding:
        account = add_account(
            organization_id=visitor.access.organization_id,
            vendor=vendor,
            name=draft.name,
            credentials=draft.secrets(),
            base_urls=draft.base_urls,
            now=now,
        )
    link = connect(
        account=account,
        prop=prop,
        external_id=draft.external_id,
        rooms=rooms,
        rates=rates,
        now=now,
        currency=draft.currency or prop.currency,
        exchange_rate=draft.rate,
    )
    del request.session[DRAFT]
    words = _("%(property)s is connected to %(channel)s. Everything is being sent for the first time.")
    return Done(
        words % {"property": prop.name, "channel": manifests()[vendor].name}, reverse("connection", args=[link.id])
    )


check = confirmed(ask=_ask_go, do=_go)
