"""Where a person lands: the first section that their role sees."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from innsync.portals.access import Visitor, page
from innsync.portals.admin.navigation import sections_of


@page(None)
def home(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    return redirect(sections_of(visitor.access)[0].key)
