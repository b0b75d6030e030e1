"""Offering somebody a place: by a link that only we could have made, that ends, and that works once."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from innsync.apps.accounts.counting import take_one
from innsync.apps.accounts.models import Invitation, Membership, Organization, User
from innsync.apps.accounts.people import Access
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.people.rules import Manager, known_properties, known_role, note, take_turns
from innsync.domain.errors import DomainError, InvalidField

GOOD_FOR = timedelta(days=7)
MOST_INVITATIONS = 30
WINDOW = timedelta(hours=1)
"""Each is a mail to somebody who did not ask for it."""
_signer = signing.Signer(salt="innsync.invitation")


@dataclass(eq=False)
class InvitationOver(DomainError):
    """The link was used, withdrawn, replaced, has ended, or never was one of ours."""


@dataclass(eq=False)
class AlreadyMember(DomainError):
    """Somebody with that address belongs to the organization."""

    email: str


@dataclass(eq=False)
class TooManyInvitations(DomainError):
    """The organization sent as many within an hour as it may; wait_s: seconds until it may send one again."""

    wait_s: int


@dataclass(eq=False)
class ForSomebodyElse(DomainError):
    """The invitation went to another address than that of the one who holds it."""


def invite(
    *, manager: Manager, email: str, role: str, property_ids: Sequence[UUID], now: datetime
) -> tuple[Invitation, str]:
    """Offer a place; answers the invitation and the token of its link. An earlier one to that address stops working.

    Raises InvalidField, AlreadyMember, BeyondReach, TooManyInvitations.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidField(field="/email", problem="must be an e-mail address") from None
    wanted, organization_id = known_properties(property_ids), manager.access.organization_id
    manager.refuse_beyond(wanted)
    with transaction.atomic():
        take_turns(organization_id)
        if Membership.objects.filter(organization_id=organization_id, user__email=email).exists():
            raise AlreadyMember(email=email)
        wait_s = take_one(key=f"invite:{organization_id}", most=MOST_INVITATIONS, window=WINDOW, now=now)
        if wait_s:
            raise TooManyInvitations(wait_s)
        earlier = Invitation.objects.filter(organization_id=organization_id, email=email, accepted_at=None).first()
        if earlier is not None:
            manager.refuse_beyond(earlier.property_ids)
            earlier.delete()
        invitation = Invitation.objects.create(
            organization_id=organization_id,
            email=email,
            role=known_role(role),
            property_ids=wanted,
            invited_by_id=manager.user_id,
            nonce=secrets.token_hex(16),
            created_at=now,
            expires_at=now + GOOD_FOR,
        )
        note(
            manager, "person.invited", now, {"email": email, "role": role, "property_ids": [str(one) for one in wanted]}
        )
    return invitation, _token_of(invitation)


def renew(*, manager: Manager, invitation_id: UUID, now: datetime) -> tuple[Invitation, str]:
    """The same offer with a new link; the old one stops working. Raises InvitationOver, BeyondReach, TooManyInvitations."""
    found = _open(manager, invitation_id)
    return invite(manager=manager, email=found.email, role=found.role, property_ids=found.property_ids, now=now)


@transaction.atomic
def withdraw(*, manager: Manager, invitation_id: UUID, now: datetime) -> Invitation:
    """Take the offer back. Raises InvitationOver, BeyondReach."""
    take_turns(manager.access.organization_id)
    found = _open(manager, invitation_id)
    found.delete()
    note(manager, "invitation.withdrawn", now, {"email": found.email, "role": found.role})
    return found


def list_invitations(manager: Manager) -> list[Invitation]:
    """Those that nobody has accepted yet, the newest first."""
    found = Invitation.objects.filter(organization_id=manager.access.organization_id, accepted_at=None)
    return [one for one in found.order_by("-created_at") if manager.reaches(one.property_ids)]


def _token_of(invitation: Invitation) -> str:
    return _signer.sign_object([invitation.organization_id.hex, invitation.id.hex, invitation.nonce])


@dataclass(frozen=True, slots=True)
class Offer:
    """What an invitation's link holds. account: whether somebody signs in by its address already."""

    email: str
    role: str
    organization_name: str
    account: bool


def get_offer(*, token: str, now: datetime) -> Offer:
    """Raises InvitationOver."""
    with _good(token, now) as invitation:
        return Offer(
            email=invitation.email,
            role=invitation.role,
            organization_name=invitation.organization.name,
            account=User.objects.filter(email=invitation.email).exists(),
        )


def accept(*, token: str, user: User, now: datetime) -> Organization:
    """Take the place that was offered to this account's address. Raises InvitationOver, ForSomebodyElse."""
    with _good(token, now, locked=True) as invitation:
        if user.email != invitation.email:
            raise ForSomebodyElse
        return _join(invitation, user, now)


def accept_as_new(*, token: str, name: str, password: str, now: datetime) -> User:
    """Make the account and take the place. The password was checked by the caller.

    Raises InvitationOver, also when an account of that address exists: its owner must sign in for it.
    """
    with _good(token, now, locked=True) as invitation:
        if User.objects.filter(email=invitation.email).exists():
            raise InvitationOver
        user = User.objects.create_user(email=invitation.email, password=password, name=" ".join(name.split())[:200])
        _join(invitation, user, now)
        return user


def _join(invitation: Invitation, user: User, now: datetime) -> Organization:
    invitation.accepted_at = now
    invitation.save(update_fields=["accepted_at"])
    Membership.objects.get_or_create(
        organization_id=invitation.organization_id,
        user=user,
        defaults={"role": invitation.role, "property_ids": invitation.property_ids},
    )
    organization = invitation.organization
    joined = Manager(
        user.id, str(user), Access(organization.id, organization.name, known_role(invitation.role), frozenset())
    )
    note(joined, "person.joined", now, {"email": user.email, "name": user.name, "role": invitation.role})
    return organization


def _open(manager: Manager, invitation_id: UUID) -> Invitation:
    found = Invitation.objects.filter(
        id=invitation_id, organization_id=manager.access.organization_id, accepted_at=None
    ).first()
    if found is None:
        raise InvitationOver
    manager.refuse_beyond(found.property_ids)
    return found


@contextmanager
def _good(token: str, now: datetime, *, locked: bool = False) -> Iterator[Invitation]:
    """The invitation of a token, in a transaction of its organization; the token itself says whose it is."""
    try:
        organization_id, invitation_id, nonce = _signer.unsign_object(token)
    except (signing.BadSignature, ValueError):
        raise InvitationOver from None
    with tenant(UUID(organization_id)):
        rows = Invitation.objects.select_for_update(of=("self",)) if locked else Invitation.objects.all()
        found = (
            rows.select_related("organization").filter(id=UUID(invitation_id), nonce=nonce, accepted_at=None).first()
        )
        if found is None or found.expires_at <= now:
            raise InvitationOver
        yield found
