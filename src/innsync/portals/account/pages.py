"""Your account: what one is called, how one signs in, and where one is signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from allauth.mfa.models import Authenticator
from allauth.usersessions.internal.flows.sessions import end_sessions
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.sessions.models import Session
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from innsync.apps.accounts.models import User
from innsync.portals.account.devices import device
from innsync.portals.account.forms import AboutMe
from innsync.portals.account.frame import own
from innsync.portals.account.languages import fitting


@dataclass(frozen=True, slots=True)
class Place:
    """A browser in which somebody is signed in."""

    id: int
    device: str
    address: str
    since: datetime
    last_seen: datetime
    present: bool


@own
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Everything about oneself on one page; POST changes name, language and time zone."""
    user = request.user
    assert isinstance(user, User)
    form = AboutMe(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        with translation.override(fitting(user.language)):  # as the page reads from now on
            messages.success(request, _("Saved."))
        return redirect("account")
    keys = list(Authenticator.objects.filter(user=user).order_by("created_at"))
    codes = next((one for one in keys if one.type == Authenticator.Type.RECOVERY_CODES), None)
    context = {
        "form": form,
        "person": user,
        "app": next((one for one in keys if one.type == Authenticator.Type.TOTP), None),
        "passkeys": [one for one in keys if one.type == Authenticator.Type.WEBAUTHN],
        "codes": codes,
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else 0,
        "places": list_places(request, user),
        "zone": user.time_zone or "UTC",
        "now": datetime.now(UTC),
    }
    return TemplateResponse(request, "portals/account/account.html", context)


@own
@require_safe
def secure(request: HttpRequest) -> HttpResponse:
    """Where people are led whose organization asks for a second step that they have not set up."""
    return TemplateResponse(request, "portals/account/secure.html", {})


@own
@require_POST
def end_session(request: HttpRequest) -> HttpResponse:
    """Sign one browser out, or all but this one. Raises Http404 for a session of somebody else."""
    user = request.user
    assert isinstance(user, User)
    which = request.POST.get("session", "")
    found = UserSession.objects.filter(user=user)
    if which == "others":
        ended = list(found.exclude(session_key=request.session.session_key))
    else:
        ended = list(found.filter(id=int(which))) if which.isdecimal() else []
        if not ended:
            raise Http404
    end_sessions(request, ended)
    messages.success(request, _("Signed out there."))
    return redirect("account")


def list_places(request: HttpRequest, user: User) -> list[Place]:
    """The sessions that still live: the present one first, then by when they were seen last."""
    living = Session.objects.filter(expire_date__gt=datetime.now(UTC)).values("session_key")
    found = UserSession.objects.filter(user=user, session_key__in=living)
    places = [
        Place(
            one.pk,
            device(one.user_agent),
            one.ip,
            one.created_at,
            one.last_seen_at,
            one.session_key == request.session.session_key,
        )
        for one in found
    ]
    return sorted(places, key=lambda one: (not one.present, -one.last_seen.timestamp()))
