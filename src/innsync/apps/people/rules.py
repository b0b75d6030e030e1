"""What every change of people and keys is held to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from innsync.apps.accounts.models import Membership, Organization, Role
from innsync.apps.accounts.people import Access
from innsync.apps.events.services import record
from innsync.apps.properties.models import Property
from innsync.domain.errors import DomainError, InvalidField


@dataclass(eq=False)
class LastAdministrator(DomainError):
    """Nobody would be left who may manage people at every property."""


@dataclass(eq=False)
class NotYourself(DomainError):
    """Nobody changes or removes their own place."""


@dataclass(eq=False)
class BeyondReach(DomainError):
    """It concerns properties that the one who asks does not see."""


@dataclass(eq=False)
class UnknownMember(DomainError):
    """That person does not belong to the organization any more."""


@dataclass(frozen=True, slots=True)
class Manager:
    """Who does it: a person with their access to the organization. name: as the history calls them."""

    user_id: UUID
    name: str
    access: Access

    def reaches(self, property_ids: Collection[UUID]) -> bool:
        """Whether somebody of that scope (empty: every property) is theirs to manage."""
        return self.access.sees_all or (bool(property_ids) and self.access.property_ids.issuperset(property_ids))

    def refuse_beyond(self, property_ids: Collection[UUID]) -> None:
        if not self.reaches(property_ids):
            raise BeyondReach


def known_properties(property_ids: Sequence[UUID]) -> list[UUID]:
    """Each once, in order. Raises InvalidField for one that the organization does not have."""
    wanted = list(dict.fromkeys(property_ids))
    if Property.objects.filter(id__in=wanted).count() != len(wanted):
        raise InvalidField(field="/property_ids", problem="must be properties of this organization")
    return wanted


def known_role(role: str) -> Role:
    if role not in Role.values:
        raise InvalidField(field="/role", problem=f"must be one of {', '.join(Role.values)}")
    return Role(role)


def take_turns(organization_id: UUID) -> None:
    """Changes of an organization's people happen one after another, so that two can't each spare the other's last one."""
    Organization.objects.select_for_update(no_key=True).get(id=organization_id)


def administers_all(member: Membership) -> bool:
    """Whether that person may manage everybody: an administrator of every property whose account is open."""
    return member.role == Role.ADMINISTRATOR and not member.property_ids and member.user.is_active


def refuse_nobody_left(organization_id: UUID) -> None:
    """Raises LastAdministrator, inside the transaction of a change that took one away, when nobody else is one."""
    left = Membership.objects.filter(
        organization_id=organization_id, role=Role.ADMINISTRATOR, property_ids=[], user__is_active=True
    )
    if not left.exists():
        raise LastAdministrator


def note(manager: Manager, what: str, now: datetime, data: Mapping[str, Any]) -> None:
    """Into the organization's stream, with who did it."""
    record(
        organization_id=manager.access.organization_id,
        property_id=None,
        type=what,
        at=now,
        data={**data, "actor": manager.name, "actor_id": str(manager.user_id)},
    )
