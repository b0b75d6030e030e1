"""What roles and scopes are called, and what they are for, in words for people."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from innsync.apps.accounts.models import Role, Scope

_ROLES: dict[Role, tuple[Promise, Promise]] = {
    Role.ADMINISTRATOR: (_("Administrator"), _("Everything, also people and API keys")),
    Role.MANAGER: (_("Manager"), _("Everything but people and API keys")),
    Role.FRONT_DESK: (
        _("Front desk"),
        _("Bookings, check-in and check-out, rooms, conflicts, closing nights; sees rates and channels"),
    ),
    Role.REVENUE: (_("Revenue"), _("Sets rates and restrictions; sees bookings, channels and reports")),
    Role.STAFF: (_("Staff"), _("Who comes, stays and leaves; without prices and addresses")),
    Role.OWNER: (_("Owner"), _("Sees bookings, rates and reports")),
    Role.ACCOUNTANT: (_("Accountant"), _("Sees bookings and reports")),
    Role.READ_ONLY: (_("Read only"), _("Sees everything but people and keys, changes nothing")),
}

_SCOPES: dict[Scope, Promise] = {
    Scope.AVAILABILITY_READ: _("Read availability and prices"),
    Scope.CONTENT_READ: _("Read properties, rooms and terms"),
    Scope.BOOKINGS_READ: _("Read bookings and guests"),
    Scope.BOOKINGS_MAKE: _("Keep rooms and make bookings"),
    Scope.BOOKINGS_WRITE: _("Make, change and cancel bookings"),
    Scope.RATES_WRITE: _("Set prices and rules"),
    Scope.INVENTORY_WRITE: _("Say how many rooms may be sold"),
}


@dataclass(frozen=True, slots=True)
class Explained:
    """A choice as a form offers it."""

    value: str
    label: str | Promise
    words: str | Promise = ""


def role_words(role: str) -> str:
    return str(_ROLES[Role(role)][0])


def roles_explained() -> list[Explained]:
    return [Explained(role.value, *words) for role, words in _ROLES.items()]


def scopes_explained() -> list[Explained]:
    return [Explained(scope.value, words) for scope, words in _SCOPES.items()]
