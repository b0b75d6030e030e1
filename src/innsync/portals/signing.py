"""Signing in and out, and choosing the organization to work for."""

from __future__ import annotations

from datetime import UTC, datetime

import structlog
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.contrib.auth import authenticate, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from innsync.apps.accounts.models import User
from innsync.apps.accounts.people import list_access
from innsync.apps.accounts.sign_in import forget_attempts, take_attempt
from innsync.portals.access import CHOSEN

log = structlog.get_logger()
LONGEST_PASSWORD = 1000


@sensitive_post_parameters("password")
@csrf_protect
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The form, and what it does: with a good password on to where one wanted to go."""
    to = _wanted(request)
    if request.method != "POST":
        return redirect(to) if request.user.is_authenticated else _form(request, to)
    email, password = request.POST.get("email", "").strip().lower()[:254], request.POST.get("password", "")
    now, address = datetime.now(UTC), request.META.get("REMOTE_ADDR", "")
    wait_s = take_attempt(address=address, email=email, now=now)
    if wait_s:
        minutes = -(-wait_s // 60)
        response = _form(
            request,
            to,
            email=email,
            status=429,
            error=ngettext(
                "Too many attempts. Try again in %(minutes)d minute.",
                "Too many attempts. Try again in %(minutes)d minutes.",
                minutes,
            )
            % {"minutes": minutes},
        )
        response["Retry-After"] = str(wait_s)
        return response
    user = authenticate(request, username=email, password=password) if len(password) <= LONGEST_PASSWORD else None
    if user is None:
        log.info("sign_in_refused", address=address)
        # The same words for an unknown account and a wrong password: nobody learns who has an account.
        return _form(request, to, email=email, status=401, error=_("E-mail or password is wrong."))
    forget_attempts(address=address, email=email, now=now)
    record_authentication(request, user, method="password", email=email)
    # On to `to`, or first to the second step where the person has set one up.
    entered: HttpResponse = perform_login(request, Login(user=user, email=email, redirect_url=to))
    return entered


def _form(request: HttpRequest, to: str, *, email: str = "", error: str = "", status: int = 200) -> HttpResponse:
    return render(request, "portals/sign_in.html", {"next": to, "email": email, "error": error}, status=status)


def _wanted(request: HttpRequest) -> str:
    """Where to go after signing in: only ever within this site."""
    to = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(to, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return to if safe else reverse("home")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("sign-in")


@require_POST
def choose_organization(request: HttpRequest) -> HttpResponse:
    """Work for another of one's organizations from now on."""
    if isinstance(request.user, User):
        chosen = request.POST.get("organization", "")
        if chosen in {str(one.organization_id) for one in list_access(user_id=request.user.id)}:
            request.session[CHOSEN] = chosen
    return redirect("home")
