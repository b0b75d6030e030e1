"""The hotel's own website: the key that stands in its pages, the lines to copy into them, and how they will look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import escape
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from innsync.apps.accounts.models import ApiKey
from innsync.apps.accounts.roles import Ability
from innsync.apps.accounts.services import PUBLISHABLE_SCOPES, UnknownApiKey
from innsync.apps.people import keys
from innsync.apps.people.rules import BeyondReach
from innsync.apps.properties.models import Property
from innsync.domain.errors import InvalidField
from innsync.portals.access import Done, Visitor, action, page
from innsync.portals.admin.choice import list_these
from innsync.portals.admin.managing import Reach, chosen_properties, manager_of, public_address
from innsync.portals.admin.pages import show
from innsync.portals.once import only_once
from innsync.portals.widget import VERSIONS, script


@dataclass(frozen=True, slots=True)
class Line:
    """A key as the list shows it."""

    key: ApiKey
    hotels: Sequence[Property]


@page(Ability.MANAGE_PEOPLE)
def website(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    found = [one for one in keys.list_keys(manager_of(visitor)) if one.published and _lives(one)]
    context = {
        "lines": [Line(one, list_these(visitor, one.property_ids)) for one in found],
        # A website sells the hotels that it shows, not whichever come later.
        "reach": replace(Reach.of(visitor, visitor.access.property_ids), may_choose_all=False),
    }
    return show(request, visitor, "website.html", context, section="website")


@action(Ability.MANAGE_PEOPLE, back="website")
def create(request: HttpRequest, visitor: Visitor) -> Done | HttpResponse:
    return only_once(request, visitor, lambda: _create(request, visitor))


def _create(request: HttpRequest, visitor: Visitor) -> Done:
    origins = request.POST.get("origins", "").replace(",", " ").split()
    if not origins:
        raise InvalidField(field="/origins", problem=_("must be given"))
    key, _secret = keys.create_key(
        manager=manager_of(visitor),
        name=request.POST.get("name", ""),
        scopes=[scope.value for scope in PUBLISHABLE_SCOPES],
        property_ids=chosen_properties(request, visitor),
        origins=origins,
        now=datetime.now(UTC),
    )
    return Done(
        _("The website may sell now: copy the lines below into its page."), reverse("website-key", args=[key.id])
    )


@page(Ability.MANAGE_PEOPLE)
def snippet(request: HttpRequest, visitor: Visitor, key_id: UUID) -> HttpResponse:
    key = _publishable(visitor, key_id)
    hotels = list_these(visitor, key.property_ids)
    hotel = next((one for one in hotels if str(one.id) == request.GET.get("hotel")), hotels[0] if hotels else None)
    if hotel is None:
        raise Http404
    language = request.GET.get("language", "")
    language = language if language in dict(settings.LANGUAGES) else visitor.user.language
    version = VERSIONS[-1]
    context = {
        "key": key,
        "hotels": hotels,
        "hotel": hotel,
        "languages": settings.LANGUAGES,
        "spoken": language,
        "snippet": _tag(public_address("widget", 1), key, hotel, language),
        "pinned": _tag(
            public_address("widget-pinned", version), key, hotel, language, integrity=script(version).integrity
        ),
        "hub": settings.PUBLIC_URL.rstrip("/"),
    }
    return show(request, visitor, "website_key.html", context, section="website")


def _tag(address: str, key: ApiKey, hotel: Property, language: str, integrity: str = "") -> str:
    held = f' integrity="{integrity}" crossorigin' if integrity else ""
    return (
        f'<script src="{escape(address)}" data-key="{key.published}" data-hotel="{escape(hotel.code)}"'
        f' data-language="{language}"{held} async></script>'
    )


def _publishable(visitor: Visitor, key_id: UUID) -> ApiKey:
    """Raises Http404 for a key that has ended, is of another kind, or not the visitor's to manage."""
    try:
        key = keys.get_key(manager_of(visitor), key_id)
    except (UnknownApiKey, BeyondReach):
        raise Http404 from None
    if not key.published or not _lives(key):
        raise Http404
    return key


def _lives(key: ApiKey) -> bool:
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > datetime.now(UTC))
