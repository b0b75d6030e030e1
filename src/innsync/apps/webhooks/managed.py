"""Endpoints as an organization's administrators make, change and remove them. Every function works inside `tenant(...)`.

Each change is written into the stream of events with who did it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from innsync.apps.events.kinds import KINDS
from innsync.apps.people.rules import Manager, known_properties, note
from innsync.apps.webhooks import endpoints, selectors
from innsync.apps.webhooks.models import Endpoint, Why
from innsync.domain.errors import DomainError, InvalidField

EVERY_SCOPE = sorted({kind.scope for kind in KINDS.values()})
"""What an endpoint of the organization's own may see: no key bounds it."""


@dataclass(eq=False)
class UnknownEndpoint(DomainError):
    """There is no such endpoint any more, or it is told of properties that the one who asks does not see."""


@dataclass(eq=False)
class ProgramsEndpoint(DomainError):
    """What a program is told of is for that program to say: its key bounds what it may see."""


def list_managed(manager: Manager) -> list[Endpoint]:
    """Those that the manager may manage, also those that programs made; the newest first."""
    return [one for one in selectors.list_endpoints() if manager.reaches(one.property_ids)]


def get_managed(manager: Manager, endpoint_id: UUID) -> Endpoint:
    """Raises UnknownEndpoint."""
    found = selectors.find_endpoint(endpoint_id)
    if found is None or not manager.reaches(found.property_ids):
        raise UnknownEndpoint
    return found


def create(
    *,
    manager: Manager,
    url: str,
    types: Sequence[str],
    property_ids: Sequence[UUID],
    description: str,
    now: datetime,
) -> tuple[Endpoint, str]:
    """An endpoint of the organization's own, and its secret. Raises InvalidField, BeyondReach. See `endpoints.create`."""
    _refuse_unknown(types)
    wanted = known_properties(property_ids)
    manager.refuse_beyond(wanted)
    made, secret = endpoints.create(
        organization_id=manager.access.organization_id,
        program_id=None,
        url=url,
        types=types,
        scopes=EVERY_SCOPE,
        property_ids=wanted,
        description=description,
        now=now,
    )
    _note(manager, "webhook.created", made, now)
    return made, secret


def change(
    *,
    manager: Manager,
    endpoint_id: UUID,
    types: Sequence[str],
    property_ids: Sequence[UUID],
    description: str,
    now: datetime,
) -> Endpoint:
    """Raises UnknownEndpoint, ProgramsEndpoint, InvalidField, BeyondReach."""
    found = get_managed(manager, endpoint_id)
    if found.program_id is not None:
        raise ProgramsEndpoint
    _refuse_unknown(types)
    wanted = known_properties(property_ids)
    manager.refuse_beyond(wanted)
    endpoints.change(found, types=types, property_ids=wanted, description=description)
    _note(manager, "webhook.changed", found, now)
    return found


def rotate(*, manager: Manager, endpoint_id: UUID, grace: timedelta, now: datetime) -> tuple[Endpoint, str]:
    """Raises UnknownEndpoint. See `endpoints.rotate`."""
    found = get_managed(manager, endpoint_id)
    secret = endpoints.rotate(found, grace=grace, now=now)
    _note(manager, "webhook.secret_rotated", found, now)
    return found, secret


def disable(*, manager: Manager, endpoint_id: UUID, now: datetime) -> Endpoint:
    """Raises UnknownEndpoint. One that is disabled already keeps the reason why."""
    found = get_managed(manager, endpoint_id)
    if found.disabled_at is None:
        endpoints.disable(found, why=Why.ASKED, now=now)
        _note(manager, "webhook.disabled", found, now)
    return found


def enable(*, manager: Manager, endpoint_id: UUID, skip: bool, now: datetime) -> Endpoint:
    """Raises UnknownEndpoint. See `endpoints.enable`; one that is served already goes on as it is."""
    found = get_managed(manager, endpoint_id)
    if found.disabled_at is not None:
        endpoints.enable(found, skip=skip, now=now)
        _note(manager, "webhook.enabled", found, now)
    return found


def remove(*, manager: Manager, endpoint_id: UUID, now: datetime) -> Endpoint:
    """Raises UnknownEndpoint."""
    found = get_managed(manager, endpoint_id)
    _note(manager, "webhook.removed", found, now)
    endpoints.delete(found)
    return found


def _refuse_unknown(types: Sequence[str]) -> None:
    for one in types:
        if one not in KINDS:
            raise InvalidField(field="/types", problem=f"must be types of events: {one} is none")


def _note(manager: Manager, what: str, endpoint: Endpoint, now: datetime) -> None:
    note(manager, what, now, {"endpoint_id": str(endpoint.id), "host": endpoint.host})
