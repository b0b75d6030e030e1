"""An endpoint made, and what it is told of changed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID

from django import forms
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from innsync.apps.accounts.roles import Ability
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.webhooks import managed
from innsync.apps.webhooks.endpoints import check_address
from innsync.apps.webhooks.models import Endpoint
from innsync.domain.errors import InvalidField
from innsync.integrations.posting import LONGEST_URL
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin import shown_once
from innsync.portals.admin.endpoints.words import SECTION, get_endpoint
from innsync.portals.admin.managing import Reach, chosen_properties, manager_of
from innsync.portals.admin.pages import show
from innsync.portals.admin.setup.forms import Dressed, attempt, refused
from innsync.portals.event_words import kinds_explained
from innsync.portals.once import only_once


class EndpointForm(Dressed):
    """What is typed; events and properties are ticked beside it."""

    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=LONGEST_URL,
        help_text=gettext_lazy("https and public, such as https://hotel.example.com/innsync"),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off"}),
    )
    description = forms.CharField(
        label=gettext_lazy("What it is for"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class ChangeForm(Dressed):
    """As EndpointForm; another address is another endpoint."""

    description = EndpointForm.base_fields["description"]


@page(Ability.MANAGE_PEOPLE)
def _ask_new(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    return _form(request, visitor, EndpointForm(auto_id="f-%s"), types=(), property_ids=visitor.access.property_ids)


def _form(
    request: HttpRequest,
    visitor: Visitor,
    form: Dressed,
    *,
    types: Collection[str],
    property_ids: Collection[UUID],
    endpoint: Endpoint | None = None,
) -> HttpResponse:
    """endpoint: the one that is changed. types: those that are ticked; none: everything."""
    context = {
        "form": form,
        "endpoint": endpoint,
        "kinds": [(type, words, type in types) for type, words in kinds_explained()],
        "everything": not types,
        "reach": Reach.of(visitor, property_ids),
        "back": reverse("endpoint", args=[endpoint.id]) if endpoint else reverse("endpoints"),
    }
    return show(request, visitor, "endpoints/form.html", context, section=SECTION)


def _again(request: HttpRequest, visitor: Visitor, form: Dressed, endpoint: Endpoint | None = None) -> HttpResponse:
    """The form as it was filled in, with what is wrong in it."""
    ticked = request.POST.getlist("property") if request.POST.get("reach") != "all" else []
    known = [one for text in ticked if (one := _as_id(text)) is not None]
    types = request.POST.getlist("type") if request.POST.get("events") == "some" else []
    return refused(_form(request, visitor, form, types=types, property_ids=known, endpoint=endpoint))


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _types(request: HttpRequest) -> list[str]:
    """None: everything, which has to be said. Raises InvalidField."""
    if request.POST.get("events") == "all":
        return []
    ticked = request.POST.getlist("type")
    if not ticked:
        raise InvalidField(field="/types", problem=_("tick at least one kind of event, or choose everything"))
    return ticked


@action(Ability.MANAGE_PEOPLE, back="endpoints", whole=False)
def _do_new(request: HttpRequest, visitor: Visitor) -> Done | HttpResponse:
    """The address's name is looked up before the transaction begins."""
    form = EndpointForm(request.POST, auto_id="f-%s")
    if form.is_valid():
        try:
            check_address(form.cleaned_data["url"])
        except InvalidField as refusal:
            form.refuse(refusal)
    with tenant(visitor.access.organization_id):
        if form.errors:
            return _again(request, visitor, form)
        done = only_once(request, visitor, lambda: _create(request, visitor, form))
        if isinstance(done, HttpResponse):
            transaction.set_rollback(True)  # the form may be sent again
        return done


def _create(request: HttpRequest, visitor: Visitor, form: EndpointForm) -> Done | HttpResponse:
    made = attempt(
        form,
        lambda: managed.create(
            manager=manager_of(visitor),
            url=form.cleaned_data["url"],
            types=_types(request),
            property_ids=chosen_properties(request, visitor),
            description=form.cleaned_data["description"],
            now=datetime.now(UTC),
        ),
    )
    if made is None:
        return _again(request, visitor, form)
    endpoint, secret = made
    shown_once.put_by(request, visitor, f"endpoint:{endpoint.id}", name=endpoint.host, secret=secret)
    words = _("Events are sent to %(host)s from now on. Have a test sent, to see that they arrive.")
    return Done(words % {"host": endpoint.host}, reverse("endpoint", args=[endpoint.id]))


new = confirmed(ask=_ask_new, do=_do_new)


def _own(visitor: Visitor, endpoint_id: UUID) -> Endpoint:
    """Raises Http404 also for a program's: what that is told of is for the program to say."""
    found = get_endpoint(visitor, endpoint_id)
    if found.program_id is not None:
        raise Http404
    return found


@page(Ability.MANAGE_PEOPLE)
def _ask_change(request: HttpRequest, visitor: Visitor, endpoint_id: UUID) -> HttpResponse:
    found = _own(visitor, endpoint_id)
    form = ChangeForm(auto_id="f-%s", initial={"description": found.description})
    return _form(request, visitor, form, types=found.types, property_ids=found.property_ids, endpoint=found)


@action(Ability.MANAGE_PEOPLE, back="endpoints")
def _do_change(request: HttpRequest, visitor: Visitor, endpoint_id: UUID) -> Done | HttpResponse:
    found = _own(visitor, endpoint_id)
    form = ChangeForm(request.POST, auto_id="f-%s")
    if not form.is_valid():
        return _again(request, visitor, form, found)
    changed = attempt(
        form,
        lambda: managed.change(
            manager=manager_of(visitor),
            endpoint_id=found.id,
            types=_types(request),
            property_ids=chosen_properties(request, visitor),
            description=form.cleaned_data["description"],
            now=datetime.now(UTC),
        ),
    )
    if changed is None:
        return _again(request, visitor, form, found)
    return Done(_("It holds for what happens from now on."), reverse("endpoint", args=[found.id]))


change = confirmed(ask=_ask_change, do=_do_change)
