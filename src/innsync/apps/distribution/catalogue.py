"""Comparing a mapping with the channel's own catalogue: what nobody mapped, and what is mapped otherwise than it is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

import structlog

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.access import open_session
from innsync.apps.distribution.models import Connection, RateMapping
from innsync.apps.distribution.selectors import Linked, load_linked
from innsync.domain.channel import ChannelRate, ChannelRoom
from innsync.domain.wording import told
from innsync.integrations.errors import IntegrationError

log = structlog.get_logger()


def check_mapping(*, organization_id: UUID, connection_id: UUID) -> list[str]:
    """Read what the channel sells and keep what the mapping leaves out or says otherwise, one finding a line.

    Where the channel can't be asked now, or not at all, the findings stay as they were.
    """
    with tenant(organization_id):
        linked = load_linked(connection_id=connection_id)
        known = RateMapping.objects.filter(connection_id=connection_id).values_list("external_room", "aliases")
        aliases = {(room, alias) for room, several in known for alias in several}
    if "catalogue" not in linked.manifest.can or not linked.is_told:
        return []
    adapter, session = open_session(linked.account)
    try:
        rooms = adapter.implementation.list_rooms(session, linked.ref)
    except IntegrationError as error:
        log.info("catalogue_not_read", connection_id=str(connection_id), words=error.words[:200])
        return linked.connection.mapping_findings.splitlines()
    found = [" ".join(line.split()) for line in _findings(linked, rooms, aliases)]
    with tenant(organization_id):
        Connection.objects.filter(id=connection_id).update(mapping_findings="\n".join(found))
    return found


def _findings(linked: Linked, rooms: Sequence[ChannelRoom], aliases: set[tuple[str, str]]) -> Iterator[str]:
    mapped = {room.external_room for room in linked.rooms}
    for room in rooms:
        if room.id not in mapped:
            yield told(
                f"{_named(room)} is mapped to no room type: its bookings can't be placed, and nothing is told about it"
            )
        else:
            yield from _of_rates(linked, room, aliases)
    for gone in sorted(mapped - {room.id for room in rooms}):
        yield told(f"room {gone} is mapped, but the channel does not list it")


def _of_rates(linked: Linked, room: ChannelRoom, aliases: set[tuple[str, str]]) -> Iterator[str]:
    mapped = {rate.external_rate: rate for rate in linked.rates if rate.external_room == room.id}
    for rate in room.rates:
        name = f"{_named(rate)} of {room.name or room.id}"
        if (ours := mapped.get(rate.id)) is None:
            if not rate.read_only and (room.id, rate.id) not in aliases:
                yield told(
                    f"{name} is mapped to no product: the channel may sell it at prices and rules that nobody keeps"
                )
            continue
        if rate.read_only:
            yield told(f"{name} is mapped, but derived there: it takes no prices")
        if (theirs := rate.currency) and theirs != (own := ours.currency):
            yield told(f"{name} is in {theirs} there, but mapped in {own}")
        if rate.occupancies and set(rate.occupancies) != set(ours.occupancies):
            there, here = _adults(rate.occupancies), _adults(ours.occupancies)
            yield told(f"{name} has prices for {there} adults there, but {here} are told")
    for gone in sorted(set(mapped) - {rate.id for rate in room.rates}):
        yield told(f"rate {gone} of {_named(room)} is mapped, but the channel does not list it")


def _named(thing: ChannelRoom | ChannelRate) -> str:
    return f"{thing.name} ({thing.id})" if thing.name else thing.id


def _adults(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))
