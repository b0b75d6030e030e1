from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from innsync.apps.accounts.models import Membership, Organization, User
from innsync.apps.accounts.people import list_access
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.people.rules import Manager
from innsync.apps.properties.services import create_property

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass
class Firm:
    """An organization with two properties."""

    organization: Organization
    property_ids: list[UUID]

    def person(self, role: str = "manager", properties: Sequence[UUID] = (), **more: object) -> Membership:
        user = User.objects.create_user(email=f"{uuid4().hex[:10]}@people.example", password=None, name="Pat")
        for name, value in more.items():
            setattr(user, name, value)
        user.save()
        return Membership.objects.create(
            organization=self.organization, user=user, role=role, property_ids=list(properties)
        )

    def manager(self, membership: Membership) -> Manager:
        access = next(
            one for one in list_access(user_id=membership.user_id) if one.organization_id == self.organization.id
        )
        return Manager(membership.user_id, "Ada", access)


def make_firm() -> Firm:
    organization = Organization.objects.create(name=f"Firm {uuid4().hex[:8]}")
    with tenant(organization.id):
        properties = [
            create_property(
                organization_id=organization.id,
                code=f"h-{uuid4().hex[:8]}",
                name=f"House {letter}",
                time_zone="Europe/Lisbon",
                currency="EUR",
            ).id
            for letter in "AB"
        ]
    return Firm(organization, properties)


@pytest.fixture
def firm(database: str) -> Firm:
    return make_firm()


@pytest.fixture
def boss(firm: Firm) -> Manager:
    """An administrator of everything."""
    return firm.manager(firm.person("administrator"))


@pytest.fixture
def told(firm: Firm) -> Callable[[], list[str]]:
    """The kinds of events in the firm's stream, oldest first."""
    from innsync.apps.events.models import Event

    def kinds() -> list[str]:
        with tenant(firm.organization.id):
            return list(Event.objects.order_by("id").values_list("type", flat=True))

    return kinds
