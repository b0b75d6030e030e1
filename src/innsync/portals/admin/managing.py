"""What the pages about people and about keys share: who manages, and which properties something is for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from innsync.apps.people.rules import Manager
from innsync.apps.properties.models import Property
from innsync.domain.errors import InvalidField
from innsync.portals.access import Visitor
from innsync.portals.admin.choice import list_properties, list_these

MOST_PROPERTIES = 1000
"""How many a form offers beside those that are ticked already."""


def manager_of(visitor: Visitor) -> Manager:
    return Manager(visitor.user.id, visitor.actor, visitor.access)


def public_address(view: str, *args: object) -> str:
    """As somebody outside types it."""
    return settings.PUBLIC_URL.rstrip("/") + reverse(view, args=args)


@dataclass(frozen=True, slots=True)
class Reach:
    """The properties that a form offers, and which of them are ticked. everything: whether all may be chosen, and are.

    What is ticked is always offered: the form sends back only what it drew. more: whether others are not offered.
    """

    offered: Sequence[Property]
    may_choose_all: bool
    everything: bool
    ticked: frozenset[UUID]
    more: bool

    @classmethod
    def of(cls, visitor: Visitor, property_ids: Collection[UUID] = ()) -> Reach:
        may = visitor.access.sees_all
        found = list_properties(visitor, limit=MOST_PROPERTIES + 1)
        first, more = found[:MOST_PROPERTIES], len(found) > MOST_PROPERTIES
        ticked = frozenset(property_ids)
        beyond = list_these(visitor, ticked.difference(one.id for one in first)) if more else []
        return cls([*beyond, *first], may, may and not ticked, ticked, more)


def chosen_properties(request: HttpRequest, visitor: Visitor) -> list[UUID]:
    """The properties that were ticked; none: every one, which has to be said. Raises InvalidField."""
    if request.POST.get("reach") == "all" and visitor.access.sees_all:
        return []
    try:
        ticked = [UUID(one) for one in request.POST.getlist("property")]
    except ValueError:
        ticked = []
    if not ticked:
        raise InvalidField(field="/properties", problem=_("tick at least one, or choose every property"))
    return ticked


def named(visitor: Visitor, scopes: Iterable[Collection[UUID]]) -> dict[UUID, str]:
    """Names of the properties in these scopes that the visitor sees."""
    return {one.id: one.name for one in list_these(visitor, set().union(*scopes))}


def in_words(property_ids: Collection[UUID], names: dict[UUID, str]) -> str:
    """`Every property`, or their names."""
    if not property_ids:
        return _("Every property")
    return ", ".join(sorted(names.get(one, _("a property that is gone")) for one in property_ids))


def in_days(request: HttpRequest, name: str) -> datetime | None:
    """The moment that many days from now; None where nothing was typed. Raises InvalidField."""
    text = request.POST.get(name, "").strip()
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 3650:
        raise InvalidField(field=f"/{name}", problem=_("must be a number of days from 1 to 3650"))
    return datetime.now(UTC) + timedelta(days=int(text))
