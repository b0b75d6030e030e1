"""Properties as pickers offer them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from innsync.portals.access import Visitor, fragment
from innsync.portals.admin.choice import CHOSEN, list_properties


@fragment(None)
def offered(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """The properties that hold what was typed so far."""
    text = request.GET.get(CHOSEN, "").strip()[:200]
    return render(request, "portals/admin/_properties.html", {"offered": list_properties(visitor, text=text)})
