"""Taking the place that an invitation offers: with the account one has, or by making one."""

from __future__ import annotations

from datetime import UTC, datetime

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.contrib import messages
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from innsync.apps.accounts.models import User
from innsync.apps.people import invitations
from innsync.apps.people.invitations import ForSomebodyElse, InvitationOver, Offer
from innsync.portals.access import CHOSEN
from innsync.portals.roles import role_words

LONGEST_PASSWORD = 1000


@sensitive_post_parameters("password")
@csrf_protect
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Looking at it changes nothing, since programs that read mail open links too; POST takes the place."""
    now = datetime.now(UTC)
    try:
        offer = invitations.get_offer(token=token, now=now)
        if request.method != "POST":
            return _show(request, offer)
        if isinstance(request.user, User):
            return _join(request, token, request.user, now)
        if offer.account:
            return redirect_to_login(request.path)
        return _begin(request, token, offer, now)
    except InvitationOver:
        return render(request, "portals/account/invitation_over.html", status=410)


def _show(request: HttpRequest, offer: Offer, *, status: int = 200, **more: object) -> HttpResponse:
    mine = isinstance(request.user, User) and request.user.email == offer.email
    context = {
        "offer": offer,
        "role": role_words(offer.role),
        "mine": mine,
        **more,
    }
    return render(request, "portals/account/invitation.html", context, status=status)


def _join(request: HttpRequest, token: str, user: User, now: datetime) -> HttpResponse:
    try:
        organization = invitations.accept(token=token, user=user, now=now)
    except ForSomebodyElse:
        return redirect(request.path)
    request.session[CHOSEN] = str(organization.id)
    messages.success(request, _("You belong to %(name)s now.") % {"name": organization.name})
    return redirect("home")


def _begin(request: HttpRequest, token: str, offer: Offer, now: datetime) -> HttpResponse:
    name, password = request.POST.get("name", "").strip(), request.POST.get("password", "")
    problems = [] if name else [_("Say what you are called.")]
    try:
        if len(password) > LONGEST_PASSWORD:
            raise ValidationError(_("That password is too long."))
        validate_password(password, User(email=offer.email, name=name))
    except ValidationError as error:
        problems += error.messages
    if problems:
        return _show(request, offer, status=422, problems=problems, name=name)
    user = invitations.accept_as_new(token=token, name=name, password=password, now=now)
    record_authentication(request, user, method="password", email=user.email)
    response: HttpResponse = perform_login(request, Login(user=user, email=user.email, redirect_url="/"))
    return response
