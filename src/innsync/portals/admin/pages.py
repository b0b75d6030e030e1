"""What all screens share: who looks, and how much asks for attention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import ngettext

from innsync.apps.accounts.roles import Ability
from innsync.apps.distribution.models import Conflict, Connection
from innsync.apps.distribution.ways_out import count_open_conflicts
from innsync.apps.inbox.selectors import count_needing_attention
from innsync.portals.access import Visitor
from innsync.portals.admin.navigation import sections_of


def show(
    request: HttpRequest, visitor: Visitor, template: str, context: Mapping[str, Any], *, section: str
) -> HttpResponse:
    """A whole page with its navigation. section: which entry of it is the present one."""
    return render(request, f"portals/admin/{template}", {**frame(visitor, section=section), **context})


def frame(visitor: Visitor, *, section: str) -> dict[str, Any]:
    """What the navigation around a page is drawn from; asked within the visitor's tenant transaction."""
    asks, abilities = what_asks(visitor), visitor.access.abilities
    return {
        "visitor": visitor,
        "section": section,
        "menu": [
            Entry(one.key, str(one.label), one.icon, asks.get(one.asks, 0)) for one in sections_of(visitor.access)
        ],
        "may_find": Ability.SEE_BOOKINGS in abilities,
        **asks,
    }


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu as it is shown; waiting: how many of its things ask for a person."""

    key: str
    label: str
    icon: str
    waiting: int

    @property
    def waiting_words(self) -> str:
        return ngettext("%(count)d waits for you", "%(count)d wait for you", self.waiting) % {"count": self.waiting}


def what_asks(visitor: Visitor) -> dict[str, int]:
    """How many messages and conflicts wait for a person, as far as they may see them."""
    property_ids, abilities = visitor.access.property_ids, visitor.access.abilities
    return {
        "attention": count_needing_attention(property_ids=property_ids) if Ability.SEE_CHANNELS in abilities else 0,
        "open_conflicts": count_open_conflicts(property_ids=property_ids) if Ability.SEE_BOOKINGS in abilities else 0,
    }


def get_connection(visitor: Visitor, connection_id: UUID) -> Connection:
    """Raises Http404 for one that is not there, or not the visitor's to see."""
    return visitor.seen(Connection.objects.filter(id=connection_id).first())


def get_conflict(visitor: Visitor, conflict_id: UUID) -> Conflict:
    """Raises Http404 for one that is not there, or not the visitor's to see."""
    return visitor.seen(Conflict.objects.select_related("property", "room_type").filter(id=conflict_id).first())
