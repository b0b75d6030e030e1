"""People: which organizations they belong to, and what they may do there."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from innsync.apps.accounts.models import Membership, Role
from innsync.apps.accounts.roles import ABILITIES, Ability


@dataclass(frozen=True, slots=True)
class Access:
    """A person in one of their organizations. property_ids: the properties they see; empty means every one.

    requires_second_step: whether the organization asks for more than a password.
    """

    organization_id: UUID
    organization_name: str
    role: Role
    property_ids: frozenset[UUID]
    requires_second_step: bool = False

    @property
    def abilities(self) -> frozenset[Ability]:
        return ABILITIES[self.role]

    @property
    def sees_all(self) -> bool:
        return not self.property_ids

    def sees(self, property_id: UUID | None) -> bool:
        """Whether that property's things are shown; what belongs to no known property only to those who see all."""
        return self.sees_all or property_id in self.property_ids


def list_access(*, user_id: UUID) -> list[Access]:
    """Every organization that a person belongs to, by name."""
    memberships = Membership.objects.filter(user_id=user_id).select_related("organization")
    return [
        Access(
            one.organization_id,
            one.organization.name,
            Role(one.role),
            frozenset(one.property_ids),
            one.organization.requires_second_step,
        )
        for one in memberships.order_by("organization__name", "id")
    ]
