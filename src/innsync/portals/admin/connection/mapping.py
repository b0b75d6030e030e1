"""Changing what is sold where at a channel: fetch its rooms and rates, map, look what would be sent, save."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from innsync.apps.accounts.roles import Ability
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.connecting import list_channel_rooms, list_links, plan_mapping
from innsync.apps.distribution.models import Connection
from innsync.apps.distribution.services import RateLink, RoomLink, Terms, change_mapping
from innsync.apps.properties.models import RoomType
from innsync.apps.rates.models import Product
from innsync.domain.amounts import write_factor
from innsync.domain.channel import ChannelRate, ChannelRoom
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.money import Money, is_currency
from innsync.integrations.errors import IntegrationError
from innsync.integrations.manifest import channel_name, manifests
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.connecting_draft import Draft, hundred, links_of, named, names_of, pair, read_worth, rows_of
from innsync.portals.admin.pages import get_connection, show
from innsync.portals.words import refusal

DRAFT = "mapping"
"""Where the session keeps what was said so far."""
LONG = 300


@action(Ability.MANAGE_CHANNELS, back="connections", whole=False)
def fetch(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> Done:
    """Begin: the channel's rooms and rates, called for in no transaction, with the mapping as it is."""
    with tenant(visitor.access.organization_id):
        link = get_connection(visitor, connection_id)
        account, prop = link.account, link.property
        rooms, rates = list_links(link.id)
    to = reverse("mapping", args=[link.id])
    found: list[ChannelRoom] = []
    why = ""
    try:
        found = list_channel_rooms(account=account, prop=prop, external_id=link.external_id, currency=link.currency)
    except IntegrationError as error:
        why = error.words[:LONG] or type(error).__name__
    request.session[DRAFT] = asdict(begin(link, found, rooms, rates))
    channel = channel_name(link.vendor)
    if why:
        words = _("%(channel)s could not be asked: %(words)s. Only what is mapped already is shown.")
        return Done(words % {"channel": channel, "words": why}, to, well=False)
    return Done(_("%(channel)s has %(count)d rooms there.") % {"channel": channel, "count": len(found)}, to)


def begin(
    link: Connection, found: Sequence[ChannelRoom], rooms: Sequence[RoomLink], rates: Sequence[RateLink]
) -> Draft:
    """What the form begins with. found: what the channel has; what is mapped and not among it is shown all the same."""
    listed = {room.id: room for room in found}
    there = {(room.id, rate.id) for room in found for rate in room.rates}
    shown = []
    for room in [
        *found,
        *(ChannelRoom(one.external_room, "") for one in rooms if one.external_room not in listed),
    ]:
        gone = tuple(
            ChannelRate(one.external_rate, "", one.occupancies)
            for one in rates
            if one.external_room == room.id and (room.id, one.external_rate) not in there
        )
        shown.append(ChannelRoom(room.id, room.name, room.max_adults, (*room.rates, *gone)))
    unlisted = [one.external_room for one in rooms if one.external_room not in listed]
    unlisted += [
        pair(one.external_room, one.external_rate)
        for one in rates
        if (one.external_room, one.external_rate) not in there
    ]
    draft = Draft(
        vendor=link.vendor,
        property_id=str(link.property_id),
        external_id=link.external_id,
        currency=link.currency,
        exchange_rate=_factor(link.exchange_rate),
        account_id=str(link.account_id),
        name="",
        credentials="",
        base_urls={},
        rooms=[asdict(room) for room in shown],
        mapping={},
        connection_id=str(link.id),
        base=fingerprint_of(link, rooms, rates),
        kept={
            pair(one.external_room, one.external_rate): {
                "aliases": list(one.aliases),
                "occupancies": list(one.occupancies),
            }
            for one in rates
        },
        unlisted=unlisted if found else [],
    )
    draft.mapping = _as_said(draft, link, rooms, rates)
    return draft


def _as_said(draft: Draft, link: Connection, rooms: Sequence[RoomLink], rates: Sequence[RateLink]) -> dict[str, str]:
    """The mapping that holds, as the form says it. What is not mapped is left out: there something may be suggested."""
    own_rooms = {one.external_room: one for one in rooms}
    own_rates = {(one.external_room, one.external_rate): one for one in rates}
    said: dict[str, str] = {}
    for index, room in enumerate(draft.channel_rooms):
        if (mapped := own_rooms.get(room.id)) is not None:
            said |= {
                f"room-{index}": str(mapped.room_type_id),
                f"allotment-{index}": "" if mapped.allotment is None else str(mapped.allotment),
                f"buffer-{index}": str(mapped.buffer or ""),
                f"stoproom-{index}": "" if mapped.sells else "1",
            }
        for number, rate in enumerate(room.rates):
            if (sold := own_rates.get((room.id, rate.id))) is not None:
                key = f"{index}-{number}"
                said |= {
                    f"rate-{key}": str(sold.product_id),
                    f"markup-{key}": _plain(sold.markup_percent or None),
                    f"minor-{key}": str(Money(sold.markup_minor, sold.currency or link.currency))
                    if sold.markup_minor
                    else "",
                    f"currency-{key}": sold.currency,
                    f"worth-{key}": _factor(sold.exchange_rate),
                    f"stoprate-{key}": "" if sold.sells else "1",
                }
    return said


def _plain(number: Any) -> str:
    """Without zeros at the end, and never as a power of ten."""
    return "" if number is None else f"{number.normalize():f}"


def _factor(number: Decimal | None) -> str:
    return "" if number is None else write_factor(number)


def fingerprint_of(link: Connection, rooms: Sequence[RoomLink], rates: Sequence[RateLink]) -> str:
    """Tells whether a mapping is still the one that was looked at."""
    terms = (link.currency, _plain(link.exchange_rate))
    return hashlib.sha256(repr((terms, _comparable(rooms), _comparable(rates))).encode()).hexdigest()[:16]


def _comparable(links: Iterable[RoomLink | RateLink]) -> list[str]:
    return sorted(str({name: _text(value) for name, value in asdict(one).items()}) for one in links)


def _text(value: object) -> str:
    return _plain(value) if hasattr(value, "normalize") else str(value)


@page(Ability.MANAGE_CHANNELS)
def _ask(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> HttpResponse:
    link = get_connection(visitor, connection_id)
    draft = _draft(request, link)
    rows = list(rows_of(draft, link.property))
    context = {
        "link": link,
        "channel": channel_name(link.vendor),
        "prop": link.property,
        "draft": draft,
        "rows": rows,
        "suggested": any(row.suggested or any(rate.suggested for rate in row.rates) for row in rows),
        "rate_currencies": manifests()[link.vendor].dialect.rate_currencies,
        "fetched": request.session.get(DRAFT, {}).get("connection_id") == str(link.id),
    }
    return show(request, visitor, "connection/mapping.html", context, section="connections")


def _draft(request: HttpRequest, link: Connection) -> Draft:
    """What was said so far about this connection; else its mapping as it is."""
    said = request.session.get(DRAFT)
    if said and said["connection_id"] == str(link.id):
        return Draft(**said)
    rooms, rates = list_links(link.id)
    return begin(link, (), rooms, rates)


@action(Ability.MANAGE_CHANNELS, back="connections")
def _take(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> Done:
    link = get_connection(visitor, connection_id)
    draft = _draft(request, link)
    draft.take(request.POST)
    draft.currency = request.POST.get("currency", "").strip().upper()[:3] or link.property.currency
    draft.exchange_rate = request.POST.get("exchange_rate", "").strip()[:LONG]
    request.session[DRAFT] = asdict(draft)
    try:
        rooms, _rates = links_of(draft, link.property)
        _terms(draft, link)
    except DomainError as error:
        return Done(refusal(error), reverse("mapping", args=[link.id]), well=False)
    if not rooms:
        words = _("Nothing would be mapped any more: to stop selling there, disconnect it instead.")
        return Done(words, reverse("mapping", args=[link.id]), well=False)
    return Done(_("Look over it once more; nothing was sent yet."), reverse("mapping-check", args=[link.id]))


mapping = confirmed(ask=_ask, do=_take)


def _terms(draft: Draft, link: Connection) -> Terms:
    """Raises InvalidField."""
    own = link.property.currency
    if not is_currency(draft.currency):
        raise InvalidField(field="/currency", problem=_("must be a currency, such as EUR"))
    worth = read_worth(draft.exchange_rate, "/exchange_rate") if draft.exchange_rate else None
    if draft.currency != own and worth is None:
        problem = _("must say how much %(there)s one %(here)s is") % {"there": draft.currency, "here": own}
        raise InvalidField(field="/exchange_rate", problem=problem)
    return Terms(draft.currency, worth)


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes otherwise with one room or rate there."""

    name: str
    words: str


@page(Ability.MANAGE_CHANNELS)
def _ask_save(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> HttpResponse:
    """The plan: made by the very code that saves, and taken back."""
    link = get_connection(visitor, connection_id)
    if request.session.get(DRAFT, {}).get("connection_id") != str(link.id):
        return redirect("mapping", link.id)
    draft = _draft(request, link)
    context: dict[str, Any] = {
        "link": link,
        "channel": channel_name(link.vendor),
        "prop": link.property,
        "draft": draft,
    }
    try:
        rooms, rates = links_of(draft, link.property)
        terms = _terms(draft, link)
        context["changes"] = changes_of(draft, link, rooms, rates, terms)
        plan = plan_mapping(connection_id=link.id, rooms=rooms, rates=rates, terms=terms, now=datetime.now(UTC))
        context |= {"plan": plan, "targets": named(draft, plan.targets)}
    except DomainError as error:
        context["wrong"] = refusal(error)
    return show(request, visitor, "connection/mapping_check.html", context, section="connections")


def changes_of(
    draft: Draft, link: Connection, rooms: Sequence[RoomLink], rates: Sequence[RateLink], terms: Terms
) -> list[Change]:
    """What the new mapping has otherwise than the one that holds, in words."""
    old_rooms, old_rates = list_links(link.id)
    names = names_of(draft)
    types = dict(RoomType.objects.filter(property_id=link.property_id).values_list("id", "name"))
    products = {
        one.id: f"{types[one.room_type_id]} · {one.rate_plan.name}"
        for one in Product.objects.filter(property_id=link.property_id).select_related("rate_plan")
    }
    found = []
    if (before := (link.currency, _plain(link.exchange_rate))) != (
        after := (terms.currency, _plain(terms.exchange_rate))
    ):
        comes_to = hundred(link.property.currency, terms.currency, terms.exchange_rate)
        words = f"{' '.join(before).strip()} → {' '.join(after).strip()}"
        found.append(Change(_("Currency there"), f"{words}; {comes_to}" if comes_to else words))
    was = {(one.external_room, ""): _room_terms(one, types) for one in old_rooms}
    will = {(one.external_room, ""): _room_terms(one, types) for one in rooms}
    was |= {(one.external_room, one.external_rate): _rate_terms(one, products, link.currency) for one in old_rates}
    will |= {(one.external_room, one.external_rate): _rate_terms(one, products, terms.currency) for one in rates}
    for key in sorted({*was, *will}):
        name = names.get(key, " ".join(key).strip())
        if key not in will:
            found.append(Change(name, _("is mapped no more: it is taken off sale there")))
        elif key not in was:
            found.append(Change(name, _("is new: %(terms)s") % {"terms": ", ".join(filter(None, will[key].values()))}))
        else:
            found += [
                Change(name, f"{before or '–'} → {will[key][what] or '–'}")
                for what, before in was[key].items()
                if before != will[key][what]
            ]
    return found


def _room_terms(one: RoomLink, types: dict[UUID, str]) -> dict[str, str]:
    most = "" if one.allotment is None else _("at most %(count)d offered") % {"count": one.allotment}
    return {
        "type": types.get(one.room_type_id, ""),
        "allotment": most,
        "buffer": _("%(count)d kept back") % {"count": one.buffer} if one.buffer else "",
        "sells": "" if one.sells else _("not for sale"),
    }


def _rate_terms(one: RateLink, products: dict[UUID, str], currency: str) -> dict[str, str]:
    told = one.currency or currency
    return {
        "product": products.get(one.product_id, ""),
        "percent": f"{one.markup_percent.normalize():+f} %" if one.markup_percent else "",
        "minor": f"{'+' if one.markup_minor > 0 else ''}{Money(one.markup_minor, told)} {told}"
        if one.markup_minor
        else "",
        "currency": f"{one.currency} {_plain(one.exchange_rate)}".strip(),
        "adults": _("prices for %(adults)s adults") % {"adults": ", ".join(map(str, one.occupancies))}
        if one.occupancies
        else "",
        "sells": "" if one.sells else _("not for sale"),
    }


@action(Ability.MANAGE_CHANNELS, back="connections")
def _save(request: HttpRequest, visitor: Visitor, connection_id: UUID) -> Done:
    link = get_connection(visitor, connection_id)
    draft = _draft(request, link)
    Connection.objects.select_for_update().get(id=link.id)  # pressed twice, the second one sees what the first did
    link.refresh_from_db()
    to = reverse("mapping-check", args=[link.id])
    if request.POST.get("fingerprint") != draft.fingerprint:
        words = _("What is to be saved changed meanwhile, perhaps in another window. Look it over once more.")
        return Done(words, to, well=False)
    if draft.base != fingerprint_of(link, *list_links(link.id)):
        del request.session[DRAFT]
        words = _("Somebody else changed this mapping meanwhile. Nothing was changed; begin once more from theirs.")
        return Done(words, reverse("mapping", args=[link.id]), well=False)
    rooms, rates = links_of(draft, link.property)
    change_mapping(connection=link, rooms=rooms, rates=rates, now=datetime.now(UTC), terms=_terms(draft, link))
    del request.session[DRAFT]
    return Done(
        _("The mapping is saved. What differs is being sent to %(channel)s.") % {"channel": channel_name(link.vendor)},
        reverse("connection", args=[link.id]),
    )


check = confirmed(ask=_ask_save, do=_save)
