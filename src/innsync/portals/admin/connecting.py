"""Connecting a property to a channel, step by step: choose, try the access, map, look what would be sent, go."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from innsync.apps.accounts.roles import Ability
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.connecting import list_channel_rooms, plan_connection
from innsync.apps.distribution.models import Connection
from innsync.apps.distribution.services import add_account, connect
from innsync.apps.distribution.vault import seal
from innsync.apps.properties.models import Property
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.money import is_currency
from innsync.integrations.errors import IntegrationError, NotAuthorised
from innsync.integrations.manifest import Manifest, manifests
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.choice import CHOSEN, Choice, choose_property, the_property
from innsync.portals.admin.connecting_draft import (
    Draft,
    accounts_of,
    hundred,
    links_of,
    named,
    read_addresses,
    read_worth,
    rows_of,
)
from innsync.portals.admin.pages import show
from innsync.portals.words import refusal

DRAFT = "connecting"
"""Where the session keeps what was said so far; the credentials sealed."""
SHORT, LONG = 100, 500


@page(Ability.MANAGE_CHANNELS)
def catalogue(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """The channels that can be connected, and those that this property has."""
    prop = choose_property(request, visitor)
    has = (
        set(Connection.objects.filter(property=prop).exclude(state="left").values_list("vendor", flat=True))
        if prop
        else set()
    )
    channels = [
        {"manifest": one, "connected": one.key in has, "can": sorted(one.can)}
        for one in sorted(manifests().values(), key=lambda one: one.name.casefold())
        if "push_availability" in one.can
    ]
    context = {"prop": prop, "choice": Choice.of(visitor, prop), "channels": channels}
    return show(request, visitor, "connect/catalogue.html", context, section="connections")


@page(Ability.MANAGE_CHANNELS)
def _ask_access(request: HttpRequest, visitor: Visitor, vendor: str) -> HttpResponse:
    manifest, prop = _manifest(vendor), the_property(request, visitor)
    context = {
        "manifest": manifest,
        "prop": prop,
        "accounts": accounts_of(visitor, vendor),
        "said": {name: request.GET.get(name, "") for name in ("external_id", "name", "currency", "exchange_rate")},
        "addresses": [
            (name, f"{settings.SANDBOX_URL}/{vendor}") for name in manifest.base_urls if _is_sandbox(manifest)
        ],
        "own_address": request.GET.get("address-api", f"{settings.SANDBOX_URL}/{vendor}" if settings.SANDBOX else ""),
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
    there = Connection.objects.filter(vendor=draft.vendor, external_id=draft.external_id)
    return there.exclude(state="left").exists()


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
        read_worth(rate, "/exchange_rate")
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
        base_urls=read_addresses(manifest, {name: text(f"address-{name}", LONG) for name in manifest.base_urls}),
        rooms=[],
        mapping={},
    )


def _is_sandbox(manifest: Manifest) -> bool:
    """Whether the sandbox is offered to play this channel; one with an address of its own is asked for that instead."""
    return settings.SANDBOX and not manifest.own_address


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
    fields = ("external_id", "name", "currency", "exchange_rate", *(f"address-{one}" for one in manifest.base_urls))
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
        "rows": list(rows_of(draft, prop)),
        "rate_currencies": _manifest(vendor).dialect.rate_currencies,
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


@action(Ability.MANAGE_CHANNELS, back="connections")
def _take_mapping(request: HttpRequest, visitor: Visitor, vendor: str) -> Done:
    draft = _draft(request, vendor)
    if draft is None:
        return Done(_("That took too long: begin once more."), reverse("connect-access", args=[vendor]), well=False)
    prop = _of_draft(draft, visitor)
    draft.take(request.POST)
    request.session[DRAFT] = asdict(draft)
    try:
        rooms, _rates = links_of(draft, prop)
    except DomainError as error:
        return Done(refusal(error), reverse("connect-map", args=[vendor]), well=False)
    if not rooms:
        words = _("Nothing is mapped yet: say for at least one room there which of yours it is.")
        return Done(words, reverse("connect-map", args=[vendor]), well=False)
    return Done(_("Look over it once more; nothing was sent yet."), reverse("connect-check", args=[vendor]))


mapping = confirmed(ask=_ask_mapping, do=_take_mapping)


@page(Ability.MANAGE_CHANNELS)
def _ask_go(request: HttpRequest, visitor: Visitor, vendor: str) -> HttpResponse:
    """The plan: made by the very code that connects, and taken back."""
    draft = _draft(request, vendor)
    if draft is None or not draft.mapping:
        return redirect("connect-access", vendor)
    prop = _of_draft(draft, visitor)
    context: dict[str, Any] = {"manifest": _manifest(vendor), "prop": prop, "draft": draft}
    try:
        rooms, rates = links_of(draft, prop)
        context |= {"rooms": rooms, "rates": rates, "unpriced": len(rooms) - len({one.external_room for one in rates})}
        plan = plan_connection(
            account=draft.account(visitor),
            prop=prop,
            external_id=draft.external_id,
            currency=draft.currency or prop.currency,
            exchange_rate=draft.rate,
            rooms=rooms,
            rates=rates,
            now=datetime.now(UTC),
        )
        context |= {"plan": plan, "targets": named(draft, plan.targets)}
        context["hundred"] = hundred(prop.currency, draft.currency, draft.rate)
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
    rooms, rates = links_of(draft, prop)
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
    to = reverse("connection", args=[link.id])
    if "booking_webhook" in _manifest(vendor).can:
        to = f"{reverse('webhook', args=[link.id])}?connecting=1"
    return Done(words % {"property": prop.name, "channel": manifests()[vendor].name}, to)


check = confirmed(ask=_ask_go, do=_go)
