"""Who belongs to an organization, and what they may do there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import Exists, OuterRef

from innsync.apps.accounts.models import Membership, Organization, Role
from innsync.apps.people.rules import (
    Manager,
    NotYourself,
    UnknownMember,
    administers_all,
    known_properties,
    known_role,
    note,
    refuse_nobody_left,
    take_turns,
)


@dataclass(frozen=True, slots=True)
class Member:
    """A person in the organization. property_ids: empty means every one; second_step: beside the password."""

    id: UUID
    user_id: UUID
    name: str
    email: str
    role: Role
    property_ids: frozenset[UUID]
    last_sign_in: datetime | None
    second_step: bool
    active: bool


def list_members(manager: Manager) -> list[Member]:
    """Those that the manager may manage, and themselves, by name."""
    steps = Authenticator.objects.filter(user=OuterRef("user")).exclude(type=Authenticator.Type.RECOVERY_CODES)
    found = (
        Membership.objects.filter(organization_id=manager.access.organization_id)
        .select_related("user")
        .annotate(second_step=Exists(steps))
    )
    members = [
        Member(
            one.id,
            one.user_id,
            one.user.name,
            one.user.email,
            Role(one.role),
            frozenset(one.property_ids),
            one.user.last_login,
            one.second_step,
            one.user.is_active,
        )
        for one in found
    ]
    shown = [one for one in members if manager.reaches(one.property_ids) or one.user_id == manager.user_id]
    return sorted(shown, key=lambda one: ((one.name or one.email).casefold(), one.email))


@transaction.atomic
def change_member(
    *, manager: Manager, membership_id: UUID, role: str, property_ids: Sequence[UUID], now: datetime
) -> Membership:
    """Give somebody another role or other properties (none: all).

    Raises UnknownMember, NotYourself, BeyondReach, LastAdministrator, InvalidField.
    """
    member = _take(manager, membership_id)
    wanted = known_properties(property_ids)
    manager.refuse_beyond(wanted)
    counted = administers_all(member)
    before = {"role": member.role, "property_ids": [str(one) for one in member.property_ids]}
    member.role, member.property_ids = known_role(role), wanted
    member.save(update_fields=["role", "property_ids"])
    if counted:
        refuse_nobody_left(member.organization_id)
    after = {"role": str(member.role), "property_ids": [str(one) for one in wanted]}
    if after != before:
        note(manager, "person.changed", now, {**_who(member), "before": before, "after": after})
    return member


@transaction.atomic
def remove_member(*, manager: Manager, membership_id: UUID, now: datetime) -> Membership:
    """Take somebody's place in the organization; their account stays. Raises as change_member."""
    member = _take(manager, membership_id)
    member.delete()
    if administers_all(member):
        refuse_nobody_left(member.organization_id)
    note(manager, "person.removed", now, {**_who(member), "role": member.role})
    return member


def get_member(manager: Manager, membership_id: UUID) -> Membership | None:
    """Somebody that the manager may manage; None for anybody else."""
    found = (
        Membership.objects.filter(id=membership_id, organization_id=manager.access.organization_id)
        .select_related("user")
        .first()
    )
    return found if found is not None and manager.reaches(found.property_ids) else None


@transaction.atomic
def require_second_step(*, manager: Manager, required: bool, now: datetime) -> None:
    """Whether everybody of the organization needs a second step beside the password. Raises BeyondReach."""
    manager.refuse_beyond(())
    changed = (
        Organization.objects.filter(id=manager.access.organization_id)
        .exclude(requires_second_step=required)
        .update(requires_second_step=required)
    )
    if changed:
        note(manager, "organization.second_step", now, {"required": required})


def _take(manager: Manager, membership_id: UUID) -> Membership:
    take_turns(manager.access.organization_id)
    member = (
        Membership.objects.filter(id=membership_id, organization_id=manager.access.organization_id)
        .select_related("user")
        .first()
    )
    if member is None:
        raise UnknownMember
    if member.user_id == manager.user_id:
        raise NotYourself
    manager.refuse_beyond(member.property_ids)
    return member


def _who(member: Membership) -> dict[str, str]:
    return {"user_id": str(member.user_id), "email": member.user.email, "name": member.user.name}
