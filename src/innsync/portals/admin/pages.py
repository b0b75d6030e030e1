"""What all screens share: who looks, and how much asks for attention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from innsync.apps.distribution.models import Conflict, Connection
from innsync.apps.distribution.ways_out import count_open_conflicts
from innsync.apps.inbox.selectors import count_needing_attention
from innsync.portals.access import Visitor


def show(
    request: HttpRequest, visitor: Visitor, template: str, context: Mapping[str, Any], *, section: str
) -> HttpResponse:
    """A whole page with its navigation. section: which entry of it is the present one."""
    shared = {"visitor": visitor, "section": section, **what_asks(visitor)}
    return render(request, f"portals/admin/{template}", {**shared, **context})


def what_asks(visitor: Visitor) -> dict[str, int]:
    """How many messages and conflicts wait for a person."""
    property_ids = visitor.access.property_ids
    return {
        "attention": count_needing_attention(property_ids=property_ids),
        "open_conflicts": count_open_conflicts(property_ids=property_ids),
    }


def get_connection(visitor: Visitor, connection_id: UUID) -> Connection:
    """Raises Http404 for one that is not there, or not the visitor's to see."""
    found = Connection.objects.filter(id=connection_id).first()
    if found is None or not visitor.access.sees(found.property_id):
        raise Http404
    return found


def get_conflict(visitor: Visitor, conflict_id: UUID) -> Conflict:
    """Raises Http404 for one that is not there, or not the visitor's to see."""
    found = Conflict.objects.select_related("property", "room_type").filter(id=conflict_id).first()
    if found is None or not visitor.access.sees(found.property_id):
        raise Http404
    return found
