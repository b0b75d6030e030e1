"""The pages about oneself, most of them allauth's: shown within our frame, for whoever is signed in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import reverse

from innsync.apps.accounts.tenancy import tenant
from innsync.portals.access import visitor_of
from innsync.portals.admin.pages import frame

View = Callable[..., HttpResponseBase]


def own(view: View) -> View:
    """For signed-in people about themselves, whatever their role, and also before they set up a second step."""

    @wraps(view)
    def answer(request: HttpRequest, **where: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(
                request.get_full_path() if request.method in ("GET", "HEAD") else reverse("account")
            )
        visitor = visitor_of(request)
        if visitor is None:
            return render(request, "portals/no_organization.html", status=403)
        response = view(request, **where)
        if isinstance(response, TemplateResponse) and not response.is_rendered:
            with tenant(visitor.access.organization_id):
                response.context_data = {**frame(visitor, section="account"), **(response.context_data or {})}
                response.render()
        return response

    return answer
