"""Connecting by hand: try the access, see what the channel has, suggest what goes with what, and plan before it counts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from difflib import SequenceMatcher
from uuid import UUID

from django.db import transaction

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.access import open_session
from innsync.apps.distribution.models import Account, Connection, RateMapping, RoomMapping
from innsync.apps.distribution.reconcile import Outcome, plan_all
from innsync.apps.distribution.services import RateLink, RoomLink, Terms, change_mapping, connect
from innsync.apps.distribution.vault import seal
from innsync.apps.properties.models import Property, RoomType
from innsync.apps.rates.models import Product
from innsync.domain.ari import AriUpdate, Target
from innsync.domain.channel import ChannelRate, ChannelRoom
from innsync.domain.errors import InvalidField
from innsync.integrations.http import LocalTokens
from innsync.integrations.manifest import manifests
from innsync.integrations.ports import PropertyRef

ALIKE = 0.5
"""From when on two names are near enough to be suggested for each other, 0 to 1."""
SHOWN_LETTERS = 4_000
_WORD = re.compile(r"\w+")
_ALL_WORDS = 0.9
"""How alike a longer name is that has all of our words."""


@dataclass(frozen=True, slots=True)
class PlannedTarget:
    """What would be told of one room (`rate` empty) or rate there: so many values, from the first night to the last."""

    room: str
    rate: str
    cells: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Planned:
    """What a mapping would send at first. sample: the first message as it would be sent, shortened. why: nothing, where
    it could not be planned."""

    messages: int
    cells: int
    sample: str
    why: str = ""
    targets: tuple[PlannedTarget, ...] = ()


def draft_account(
    *, organization_id: UUID, vendor: str, name: str, credentials: Mapping[str, str], base_urls: Mapping[str, str]
) -> Account:
    """An account that is not kept: to be tried. Raises InvalidField for a missing credential or an unknown channel."""
    manifest = manifests().get(vendor)
    if manifest is None:
        raise InvalidField(field="/vendor", problem="is not a channel that is installed")
    for secret in manifest.secrets:
        if not secret.optional and not credentials.get(secret.name):
            raise InvalidField(field=f"/credentials/{secret.name}", problem="must not be empty")
    return Account(
        organization_id=organization_id,
        vendor=vendor,
        name=name,
        credentials=seal(dict(credentials)),
        base_urls=dict(base_urls),
    )


def list_channel_rooms(*, account: Account, prop: Property, external_id: str, currency: str) -> list[ChannelRoom]:
    """The rooms and rates that the channel has for the property; proves the access. Calls the channel: in no transaction.

    Raises the IntegrationError family. Empty where the adapter has no catalogue. Where nobody gave an address, they are
    taken to be called there by our own codes.
    """
    found, session = open_session(account)
    if found.manifest.own_address and not any(session.base_urls.values()):
        with tenant(account.organization_id):
            return _own_rooms(prop)
    if not found.can("catalogue"):
        return []
    ref = PropertyRef(external_id, currency, prop.time_zone)
    trial = replace(session, tokens=LocalTokens()) if account._state.adding else session
    found.implementation.check_access(trial, ref)
    rooms: list[ChannelRoom] = found.implementation.list_rooms(trial, ref)
    return rooms


def _own_rooms(prop: Property) -> list[ChannelRoom]:
    rates: dict[UUID, list[ChannelRate]] = {}
    for one in Product.objects.filter(property=prop).select_related("rate_plan").order_by("rate_plan__code"):
        rates.setdefault(one.room_type_id, []).append(ChannelRate(one.rate_plan.code, one.rate_plan.name))
    return [
        ChannelRoom(one.code, one.name, one.max_adults, tuple(rates.get(one.id, ())))
        for one in RoomType.objects.filter(property=prop).order_by("code")
    ]


def suggest(ours: Mapping[UUID, str], theirs: Mapping[str, str], *, whole: bool = True) -> dict[str, UUID]:
    """For each of the channel's things the one of ours whose name is nearest, each used once; the surest first.

    ours: id -> name; theirs: the channel's id -> name. What is like nothing is left out. whole: these are all there are,
    so that the only one there is the only one here whatever it is called.
    """
    pairs = sorted(
        ((_likeness(name, there), key, their_id) for key, name in ours.items() for their_id, there in theirs.items()),
        key=lambda pair: (-pair[0], str(pair[1]), pair[2]),
    )
    found: dict[str, UUID] = {}
    for likeness, key, their_id in pairs:
        if likeness >= ALIKE and their_id not in found and key not in found.values():
            found[their_id] = key
    if whole and len(ours) == len(theirs) == 1:  # a house with one room at a channel with one room
        return {next(iter(theirs)): next(iter(ours))}
    return found


def _likeness(one: str, other: str) -> float:
    """How alike two names are, 0 to 1; by their words too, since channels turn them round and add to them."""
    left, right = one.casefold(), other.casefold()
    ours, theirs = set(_WORD.findall(left)), set(_WORD.findall(right))
    common = _ALL_WORDS * len(ours & theirs) / len(ours) if ours else 0.0
    return max(SequenceMatcher(None, left, right).ratio(), common)


def plan_connection(
    *,
    account: Account,
    prop: Property,
    external_id: str,
    currency: str,
    exchange_rate: Decimal | None,
    rooms: Sequence[RoomLink],
    rates: Sequence[RateLink],
    now: datetime,
) -> Planned:
    """What `connect` with this mapping would send, without anything being kept or sent.

    In a tenant transaction. Raises MappedTwice, InvalidField.
    """
    draft = account._state.adding
    with transaction.atomic():
        if draft:
            account.save()
        connection: Connection = connect(
            account=account,
            prop=prop,
            external_id=external_id,
            rooms=rooms,
            rates=rates,
            now=now,
            currency=currency,
            exchange_rate=exchange_rate,
        )
        outcome = plan_all(organization_id=account.organization_id, connection_id=connection.id)
        transaction.set_rollback(True)
    account._state.adding = draft
    return _planned(outcome)


def plan_mapping(
    *, connection_id: UUID, rooms: Sequence[RoomLink], rates: Sequence[RateLink], terms: Terms, now: datetime
) -> Planned:
    """What `change_mapping` would send, also where the connection is paused, without anything being kept or sent.

    In a tenant transaction. Raises MappedTwice, InvalidField.
    """
    with transaction.atomic():
        connection = Connection.objects.select_related("property").get(id=connection_id)
        change_mapping(connection=connection, rooms=rooms, rates=rates, now=now, terms=terms)
        Connection.objects.filter(id=connection_id).update(state="active")
        outcome = plan_all(organization_id=connection.organization_id, connection_id=connection_id)
        transaction.set_rollback(True)
    return _planned(outcome)


def _planned(outcome: Outcome) -> Planned:
    updates = [update for push in outcome.plan for update in push.updates]
    by_target: dict[Target, list[AriUpdate]] = {}
    for update in updates:
        by_target.setdefault(update.target, []).append(update)
    return Planned(
        messages=len(outcome.plan),
        cells=_cells(updates),
        sample=outcome.plan[0].body.decode("utf-8", "replace")[:SHOWN_LETTERS] if outcome.plan else "",
        why=outcome.why,
        targets=tuple(
            PlannedTarget(
                target.room,
                target.rate or "",
                _cells(own),
                min(update.first for update in own),
                max(update.last for update in own),
            )
            for target, own in sorted(by_target.items(), key=lambda pair: (pair[0].room, pair[0].rate or ""))
        ),
    )


def _cells(updates: Sequence[AriUpdate]) -> int:
    return sum(update.nights * len(update.values) for update in updates)


def list_links(connection_id: UUID) -> tuple[list[RoomLink], list[RateLink]]:
    """The mapping of a connection as it is kept, by the channel's names."""
    rooms = [
        RoomLink(one.room_type_id, one.external_room, one.allotment, one.buffer, one.sells)
        for one in RoomMapping.objects.filter(connection_id=connection_id).order_by("external_room")
    ]
    rates = [
        RateLink(
            one.product_id,
            one.external_room,
            one.external_rate,
            tuple(one.occupancies),
            tuple(one.aliases),
            one.markup_percent,
            one.markup_minor,
            one.sells,
            one.currency,
            one.exchange_rate,
        )
        for one in RateMapping.objects.filter(connection_id=connection_id).order_by("external_room", "external_rate")
    ]
    return rooms, rates
