"""Who looks at a page, for which organization, and the one transaction in which a page or an action does its work."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import wraps
from typing import Any, Protocol, TypeVar
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from innsync.apps.accounts import second_step
from innsync.apps.accounts.models import User
from innsync.apps.accounts.people import Access, list_access
from innsync.apps.accounts.roles import Ability
from innsync.apps.accounts.tenancy import tenant
from innsync.domain.errors import DomainError
from innsync.portals.words import refusal

CHOSEN = "organization"
"""Where the session keeps the organization that a person works for."""


class OfProperty(Protocol):
    @property
    def property_id(self) -> UUID: ...


Thing = TypeVar("Thing", bound=OfProperty)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A signed-in person in the organization that they chose; `others` are those they could switch to."""

    user: User
    access: Access
    others: tuple[Access, ...]

    @property
    def actor(self) -> str:
        """How the history names them."""
        return self.user.name or self.user.email

    def seen(self, found: Thing | None) -> Thing:
        """What was looked for. Raises Http404 where it is not there, or its property is not the visitor's to see."""
        if found is None or not self.access.sees(found.property_id):
            raise Http404
        return found


@dataclass(frozen=True, slots=True)
class Done:
    """What an action did, in words, and where to go then."""

    words: str
    to: str
    well: bool = True


PageView = Callable[..., HttpResponse]
ActionView = Callable[..., Done | HttpResponse]


class _Refused(Exception):  # undoes what the action began
    """The action answers with a page of its own, such as its form with what is wrong in it."""

    def __init__(self, page: HttpResponse) -> None:
        self.page = page


def visitor_of(request: HttpRequest) -> Visitor | None:
    """The visitor; None for a person without any organization. Only for somebody who is signed in."""
    assert isinstance(request.user, User)
    every = list_access(user_id=request.user.id)
    if not every:
        return None
    chosen = request.session.get(CHOSEN)
    access = next((one for one in every if str(one.organization_id) == chosen), every[0])
    return Visitor(request.user, access, tuple(one for one in every if one != access))


def lacks_second_step(visitor: Visitor) -> bool:
    """Whether the organization asks for more than a password, and the person has set nothing more up."""
    return second_step.lacks_second_step(visitor.user, visitor.access)


def _admitted(request: HttpRequest) -> Visitor | None:
    """The visitor, for what only stands within a page: whoever is None there learns why from the page itself."""
    visitor = visitor_of(request) if request.user.is_authenticated else None
    return None if visitor is None or lacks_second_step(visitor) else visitor


def _enter(request: HttpRequest, needs: Ability | None) -> Visitor | HttpResponse:
    """The visitor, or the answer to somebody who may not pass. Raises PermissionDenied."""
    if not request.user.is_authenticated:
        # A form that was sent can't be sent again after signing in; the page it stood on can be shown.
        return redirect_to_login(request.get_full_path() if request.method in ("GET", "HEAD") else reverse("home"))
    visitor = visitor_of(request)
    if visitor is None:
        return render(request, "portals/no_organization.html", status=403)
    if lacks_second_step(visitor):
        return redirect("account-secure")
    if needs is not None and needs not in visitor.access.abilities:
        raise PermissionDenied
    return visitor


def page(needs: Ability | None) -> Callable[[PageView], PageView]:
    """A page for people whose role has that ability; None: for every member. It is built in one tenant transaction."""

    def decorate(view: PageView) -> PageView:
        @require_safe
        @wraps(view)
        def answer(request: HttpRequest, **where: Any) -> HttpResponse:
            visitor = _enter(request, needs)
            if isinstance(visitor, HttpResponse):
                return visitor
            with tenant(visitor.access.organization_id):
                return view(request, visitor, **where)

        return answer

    return decorate


def fragment(needs: Ability | None) -> Callable[[PageView], PageView]:
    """A part of a page that is fetched for itself: 401 instead of the way to the sign-in."""

    def decorate(view: PageView) -> PageView:
        @require_safe
        @wraps(view)
        def answer(request: HttpRequest, **where: Any) -> HttpResponse:
            visitor = _admitted(request)
            if visitor is None:
                return HttpResponse(status=401)
            if needs is not None and needs not in visitor.access.abilities:
                raise PermissionDenied
            with tenant(visitor.access.organization_id):
                return view(request, visitor, **where)

        return answer

    return decorate


def action(needs: Ability, *, back: str, whole: bool = True) -> Callable[[ActionView], PageView]:
    """Something that a person does: POST, by those whose role has that ability. A refusal leads to the page `back`.

    whole: all or nothing, in one transaction. Else the view opens its own, as work that locks rooms for long must.
    A view may answer with a page instead, such as its form with what is wrong in it: then nothing was done.
    """

    def decorate(view: ActionView) -> PageView:
        @require_POST
        @wraps(view)
        def answer(request: HttpRequest, **where: Any) -> HttpResponse:
            visitor = _enter(request, needs)
            if isinstance(visitor, HttpResponse):
                return visitor
            try:
                with tenant(visitor.access.organization_id) if whole else nullcontext():
                    done = view(request, visitor, **where)
                    if isinstance(done, HttpResponse):
                        raise _Refused(done)
            except _Refused as refused:
                return refused.page
            except DomainError as error:
                done = Done(refusal(error), reverse(back), well=False)
            (messages.success if done.well else messages.error)(request, done.words)
            return _see_other(done.to)

        return answer

    return decorate


def exchange(
    needs: Ability,
    *,
    refused: Callable[[HttpRequest, Visitor, DomainError], dict[str, Any]],
    whole: bool = True,
    later: tuple[type[DomainError], ...] = (),
) -> Callable[[Callable[..., dict[str, Any]]], PageView]:
    """Something that a page does without leaving: POST, and the answer is JSON, in one transaction, all or nothing.

    refused: what a refusal (422) tells the page besides its words; asked when all is rolled back.
    whole: as for `action`. later: refusals that hold for the moment only (503).
    """

    def decorate(view: Callable[..., dict[str, Any]]) -> PageView:
        @require_POST
        @wraps(view)
        def answer(request: HttpRequest, **where: Any) -> HttpResponse:
            visitor = _admitted(request)
            if visitor is None:
                return HttpResponse(status=401)
            if needs not in visitor.access.abilities:
                raise PermissionDenied
            try:
                with tenant(visitor.access.organization_id) if whole else nullcontext():
                    return JsonResponse(view(request, visitor, **where))
            except DomainError as error:
                status = 503 if isinstance(error, later) else 422
                with tenant(visitor.access.organization_id):
                    return JsonResponse({"words": refusal(error), **refused(request, visitor, error)}, status=status)

        return answer

    return decorate


def let_go() -> None:
    """Leave the database connection to others while long work needs none; the next query takes one again.

    For views that open their own transactions, between two of them.
    """
    connection.close()


def confirmed(*, ask: PageView, do: PageView) -> PageView:
    """One address for a step that is asked about first: GET asks, POST does."""

    def answer(request: HttpRequest, **where: Any) -> HttpResponse:
        return (do if request.method == "POST" else ask)(request, **where)

    return answer


def _see_other(to: str) -> HttpResponseRedirect:
    """303: whatever the method was, go on with GET (RFC 9110, 15.4.4)."""
    response = redirect(to)
    response.status_code = 303
    return response
