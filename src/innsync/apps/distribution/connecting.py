"""Connecting by hand: try the access, see what the channel has, suggest what goes with what, and plan before it counts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from difflib import SequenceMatcher
from uuid import UUID

from django.db import transaction

from innsync.apps.distribution.access import open_session
from innsync.apps.distribution.models import Account, Connection
from innsync.apps.distribution.reconcile import reconcile
from innsync.apps.distribution.services import RateLink, RoomLink, connect
from innsync.apps.distribution.vault import seal
from innsync.apps.properties.models import Property
from innsync.domain.channel import ChannelRoom
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
class Planned:
    """What connecting would send at first. sample: the first message as it would be sent, shortened. why: nothing, where
    it could not be planned."""

    messages: int
    cells: int
    sample: str
    why: str = ""


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

    Raises the IntegrationError family. Empty where the adapter has no catalogue.
    """
    found, session = open_session(account)
    if not found.can("catalogue"):
        return []
    ref = PropertyRef(external_id, currency, prop.time_zone)
    trial = replace(session, tokens=LocalTokens()) if account._state.adding else session
    found.implementation.check_access(trial, ref)
    rooms: list[ChannelRoom] = found.implementation.list_rooms(trial, ref)
    return rooms


def suggest(ours: Mapping[UUID, str], theirs: Mapping[str, str]) -> dict[str, UUID]:
    """For each of the channel's things the one of ours whose name is nearest, each used once; the surest first.

    ours: id -> name; theirs: the channel's id -> name. What is like nothing is left out.
    """
    pairs = sorted(
        ((_likeness(name, there), key, their_id) for key, name in ours.items() for their_id, there in theirs.items()),
        key=lambda pair: (-pair[0], str(pair[1]), pair[2]),
    )
    found: dict[str, UUID] = {}
    for likeness, key, their_id in pairs:
        if likeness >= ALIKE and their_id not in found and key not in found.values():
            found[their_id] = key
    if len(ours) == len(theirs) == 1:  # a house with one room at a channel with one room
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
        outcome = reconcile(
            organization_id=account.organization_id, connection_id=connection.id, full=True, dry_run=True
        )
        transaction.set_rollback(True)
    account._state.adding = draft
    pushes = outcome.plan
    return Planned(
        messages=len(pushes),
        cells=sum(update.nights * len(update.values) for push in pushes for update in push.updates),
        sample=pushes[0].body.decode("utf-8", "replace")[:SHOWN_LETTERS] if pushes else "",
        why=outcome.why,
    )
