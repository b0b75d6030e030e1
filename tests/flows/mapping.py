"""What is sold where, as a person maps it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution.models import RateMapping, RoomMapping
from innsync.apps.distribution.services import RateLink, RoomLink
from tests.flows.stack import Stack


def mapping_of(stack: Stack, vendor: str) -> tuple[list[RoomLink], list[RateLink]]:
    with tenant(stack.organization_id):
        link = stack.connections[vendor]
        return (
            [RoomLink(one.room_type_id, one.external_room) for one in RoomMapping.objects.filter(connection=link)],
            [
                RateLink(one.product_id, one.external_room, one.external_rate, tuple(one.occupancies))
                for one in RateMapping.objects.filter(connection=link)
            ],
        )


def remap(stack: Stack, vendor: str, *, rooms: Sequence[str] = (), links: Any = None) -> None:
    """Map only those rooms, or exactly those links."""
    if links is None:
        kept = {stack.built.room_types[code].id for code in rooms}
        all_rooms, all_rates = mapping_of(stack, vendor)
        own = [one for one in all_rooms if one.room_type_id in kept]
        links = own, [one for one in all_rates if one.external_room in {room.external_room for room in own}]
    with tenant(stack.organization_id):
        distribution.change_mapping(
            connection=stack.link(vendor), rooms=links[0], rates=links[1], now=datetime.now(UTC)
        )
