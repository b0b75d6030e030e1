"""Where a person lands: the first section that their role sees; who sets an empty organization up, at its first steps."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from innsync.portals.access import Visitor, page
from innsync.portals.admin.navigation import sections_of
from innsync.portals.admin.setup.first import progress_of


@page(None)
def home(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    progress = progress_of(visitor)
    if progress is not None and progress.property_id is None:
        return redirect("first-steps")
    return redirect(sections_of(visitor.access)[0].key)
