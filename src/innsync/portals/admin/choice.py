"""The property that a page is about: named in the address, or the one looked at last."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest

from innsync.apps.properties.models import Property
from innsync.portals.access import Visitor
from innsync.portals.admin.reading import read_id

CHOSEN = "property"
"""The parameter of addresses, and where the session keeps the last one (an id)."""
MOST_OFFERED = 20


def list_properties(visitor: Visitor, *, text: str = "", limit: int = MOST_OFFERED) -> Sequence[Property]:
    """The properties that a person sees whose name or code holds that text, by name."""
    found = _seen(visitor)
    if text:
        found = found.filter(Q(name__icontains=text) | Q(code__icontains=text))
    return list(found.order_by("name", "code")[:limit])


def list_these(visitor: Visitor, property_ids: Collection[UUID]) -> Sequence[Property]:
    """Those of these properties that a person sees, by name."""
    return list(_seen(visitor).filter(id__in=property_ids).order_by("name", "code"))


@dataclass(frozen=True, slots=True)
class Choice:
    """What the picker of a property shows. chosen: None where the page is about all of them; more: than are offered."""

    chosen: Property | None
    offered: Sequence[Property]
    more: bool

    @classmethod
    def of(cls, visitor: Visitor, chosen: Property | None) -> Choice:
        found = list_properties(visitor, limit=MOST_OFFERED + 1)
        return cls(chosen, found[:MOST_OFFERED], len(found) > MOST_OFFERED)

    @property
    def single(self) -> bool:
        """Whether there is nothing to choose."""
        return len(self.offered) < 2


def named_property(request: HttpRequest, visitor: Visitor) -> Property | None:
    """The property of `?property=CODE`; None, for all of them, where none is named. Raises Http404 as below."""
    return choose_property(request, visitor) if request.GET.get(CHOSEN) else None


def choose_property(request: HttpRequest, visitor: Visitor) -> Property | None:
    """The property of `?property=CODE`, else the one chosen last, else the first by name; None where there is none.

    Raises Http404 for a code that is not there, or not the visitor's to see.
    """
    code = request.GET.get(CHOSEN, "")
    if code:
        found = _seen(visitor).filter(code=code).first()
        if found is None:
            raise Http404
        if request.session.get(CHOSEN) != str(found.id):
            request.session[CHOSEN] = str(found.id)
        return found
    last = read_id(request.session.get(CHOSEN, ""))
    found = _seen(visitor).filter(id=last).first() if last else None
    return found or _seen(visitor).order_by("name", "code").first()


def the_property(request: HttpRequest, visitor: Visitor) -> Property:
    """The same, for a page that is about one in any case. Raises Http404 also where the visitor sees none."""
    prop = choose_property(request, visitor)
    if prop is None:
        raise Http404
    return prop


def today_at(prop: Property, now: datetime | None = None) -> date:
    """The date that it is at the property."""
    return (now or datetime.now(UTC)).astimezone(ZoneInfo(prop.time_zone)).date()


def _seen(visitor: Visitor) -> QuerySet[Property]:
    seen = Property.objects.all()
    return seen if visitor.access.sees_all else seen.filter(id__in=visitor.access.property_ids)
