"""The photos of a property and of its room types on one page: sent, put in order, described, removed and put back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from innsync.apps.accounts.roles import Ability
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.properties import photos as service
from innsync.apps.properties.models import Photo, Property, RoomType
from innsync.apps.properties.photos import MOST_PHOTOS, TooManyPhotos, TooManyRemoved
from innsync.apps.properties.pictures import LARGEST_FILE, NotAPhoto, Picture, TooBusy, read_picture
from innsync.domain.errors import DomainError, InvalidField
from innsync.portals.access import Done, Visitor, action, exchange, fragment, let_go, page
from innsync.portals.admin.pages import show
from innsync.portals.admin.reading import needed_id
from innsync.portals.admin.setup.pages import get_property

MOST_AT_ONCE = 20
MOST_MEGABYTES_AT_ONCE = 60
"""Of one request, as the page tells it: a little under what the server takes."""
LONGEST_CAPTION = 200
_REASONS: dict[str, Promise] = {
    "kind": gettext_lazy("is no JPEG, PNG or WebP picture"),
    "broken": gettext_lazy("is damaged and can’t be read"),
    "large_file": gettext_lazy("is larger than 20 MB"),
    "large": gettext_lazy("has more than 60 million pixels (PNG, WebP and progressive JPEG: 25 million)"),
    "small": gettext_lazy("is too small: at least 200 pixels each way"),
    "long": gettext_lazy("is too long and thin for a photo"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A photo with the address of a small size and of the largest."""

    photo: Photo
    small: str
    large: str


@dataclass(frozen=True, slots=True)
class Group:
    """The photos of the property itself (`key` empty), or of a room type."""

    key: str
    name: str
    photos: list[Shown]
    full: bool


def shown(photo: Photo) -> Shown:
    addresses = [reverse("photo", args=[photo.key, width]) for width in photo.widths]
    return Shown(photo, addresses[0], addresses[-1])


def _groups(prop: Property) -> list[Group]:
    by_type: dict[UUID | None, list[Shown]] = {}
    for photo in service.list_photos(property_id=prop.id):
        by_type.setdefault(photo.room_type_id, []).append(shown(photo))
    kinds: list[tuple[UUID | None, str]] = [(None, _("The property"))]
    kinds += RoomType.objects.filter(property=prop, retired_at=None).values_list("id", "name")
    return [
        Group(str(key or ""), name, found, len(found) >= MOST_PHOTOS)
        for key, name in kinds
        for found in [by_type.get(key, [])]
    ]


def _context(prop: Property) -> dict[str, Any]:
    removed = [shown(one) for one in service.list_removed(property_id=prop.id)]
    return {
        "prop": prop,
        "part": "photos",
        "groups": _groups(prop),
        "removed": removed,
        "largest": LARGEST_FILE,
        "most": MOST_AT_ONCE,
        "megabytes": MOST_MEGABYTES_AT_ONCE,
    }


@page(Ability.MANAGE_PROPERTIES)
def photos(request: HttpRequest, visitor: Visitor, property_id: UUID) -> HttpResponse:
    prop = get_property(visitor, property_id)
    return show(request, visitor, "setup/photos.html", _context(prop), section="properties")


@fragment(Ability.MANAGE_PROPERTIES)
def groups(request: HttpRequest, visitor: Visitor, property_id: UUID) -> HttpResponse:
    """The part of the page that changes when photos arrive."""
    return render(request, "portals/admin/setup/_photos.html", _context(get_property(visitor, property_id)))


def _room_type_id(request: HttpRequest, prop: Property) -> UUID | None:
    """Whose photos they are: `type`, empty for the property's own. Raises Http404."""
    key = request.POST.get("type", "")
    if not key:
        return None
    found = RoomType.objects.filter(property=prop, id=needed_id(key)).values_list("id", flat=True).first()
    if found is None:
        raise Http404
    return found


def in_words(error: DomainError) -> str:
    """Why a photo was not taken."""
    if isinstance(error, NotAPhoto):
        return str(_REASONS[error.reason])
    if isinstance(error, TooManyPhotos):
        return _("is one too many: %(most)d are kept") % {"most": error.most}
    if isinstance(error, TooManyRemoved):
        return _("must wait: too many were removed lately, and they are kept for a day")
    if isinstance(error, TooBusy):
        return _("must wait: many photos are being made smaller. Try again in a minute")
    assert isinstance(error, InvalidField)
    return error.problem


def _refused(request: HttpRequest, visitor: Visitor, error: DomainError) -> dict[str, Any]:
    return {"words": in_words(error)}


@exchange(Ability.MANAGE_PROPERTIES, refused=_refused, whole=False, later=(TooBusy,))
def send(request: HttpRequest, visitor: Visitor, property_id: UUID) -> dict[str, Any]:
    """One photo, sent by the page's script, which tells how far it is."""
    prop, room_type_id = _whose(request, visitor, property_id)
    file = request.FILES.get("photo")
    if file is None:
        raise InvalidField(field="/photo", problem=_("no file came"))
    picture = _picture(file)
    with tenant(visitor.access.organization_id):
        made = service.add_photo(
            prop=prop, room_type_id=room_type_id, picture=picture, now=datetime.now(UTC), actor=visitor.actor
        )
    return {"id": str(made.id)}


def _whose(request: HttpRequest, visitor: Visitor, property_id: UUID) -> tuple[Property, UUID | None]:
    """Raises Http404."""
    with tenant(visitor.access.organization_id):
        prop = get_property(visitor, property_id)
        return prop, _room_type_id(request, prop)


def _picture(file: Any) -> Picture:
    """In no transaction, nor with a connection. Of a file that is too large only as much is read as shows that.

    Raises NotAPhoto, TooBusy.
    """
    let_go()
    return read_picture(file.read(LARGEST_FILE + 1))


@action(Ability.MANAGE_PROPERTIES, back="properties", whole=False)
def add(request: HttpRequest, visitor: Visitor, property_id: UUID) -> Done:
    """Several at once, sent by the form alone. Those that can be taken are taken, the others named."""
    prop, room_type_id = _whose(request, visitor, property_id)
    files, taken, refusals = request.FILES.getlist("photo"), 0, []
    for file in files[:MOST_AT_ONCE]:
        try:
            picture = _picture(file)
            with tenant(visitor.access.organization_id):
                service.add_photo(
                    prop=prop, room_type_id=room_type_id, picture=picture, now=datetime.now(UTC), actor=visitor.actor
                )
            taken += 1
        except (NotAPhoto, TooBusy, TooManyPhotos, TooManyRemoved) as error:
            refusals.append(f"{(file.name or '')[:80]} {in_words(error)}")
    if left_out := len(files[MOST_AT_ONCE:]):
        sorry = ngettext(
            "%(count)d was left out: send it by itself.", "%(count)d were left out: send them next.", left_out
        )
        refusals.append(sorry % {"count": left_out})
    words = ngettext("%(count)d photo added.", "%(count)d photos added.", taken) % {"count": taken}
    return Done(" ".join([words, *refusals]), _place(prop, room_type_id), well=not refusals and taken > 0)


def _place(prop: Property, room_type_id: UUID | None) -> str:
    return f"{reverse('property-photos', args=[prop.id])}#g-{room_type_id or ''}"


def _photo(visitor: Visitor, property_id: UUID, photo_id: UUID) -> Photo:
    """Raises Http404."""
    prop = get_property(visitor, property_id)
    found = Photo.objects.select_related("property").filter(id=photo_id, property=prop).first()
    if found is None:
        raise Http404
    return found


@exchange(Ability.MANAGE_PROPERTIES, refused=_refused)
def order(request: HttpRequest, visitor: Visitor, property_id: UUID) -> dict[str, Any]:
    prop = get_property(visitor, property_id)
    service.order_photos(
        property_id=prop.id,
        room_type_id=_room_type_id(request, prop),
        photo_ids=[needed_id(one) for one in request.POST.getlist("photo")[: 2 * MOST_PHOTOS]],
        now=datetime.now(UTC),
        actor=visitor.actor,
    )
    return {"words": _("The order is saved.")}


def _acting(work: Callable[[HttpRequest, Photo, str], str]) -> Callable[..., HttpResponse]:
    """An action on one photo that leads back to its place on the page; `work` is told who acts, and answers its words."""

    @action(Ability.MANAGE_PROPERTIES, back="properties")
    def act(request: HttpRequest, visitor: Visitor, property_id: UUID, photo_id: UUID) -> Done:
        photo = _photo(visitor, property_id, photo_id)
        to = _place(photo.property, photo.room_type_id)
        try:
            return Done(work(request, photo, visitor.actor), to)
        except TooManyPhotos as error:
            sorry = _("It can’t be put back: %(most)d are kept. Remove another first.")
            return Done(sorry % {"most": error.most}, to, well=False)

    return act


def _move(request: HttpRequest, photo: Photo, actor: str) -> str:
    if photo.removed_at is None:
        by = -1 if request.POST.get("to") == "front" else 1
        service.move_photo(photo=photo, by=by, now=datetime.now(UTC), actor=actor)
    return _("The order is saved.")


def _remove(request: HttpRequest, photo: Photo, actor: str) -> str:
    service.remove_photo(photo=photo, now=datetime.now(UTC), actor=actor)
    return _("The photo is removed. For a day it can be put back, below.")


def _restore(request: HttpRequest, photo: Photo, actor: str) -> str:
    service.restore_photo(photo=photo, now=datetime.now(UTC), actor=actor)
    return _("The photo is back.")


move, remove, restore = _acting(_move), _acting(_remove), _acting(_restore)


@action(Ability.MANAGE_PROPERTIES, back="properties")
def captions(request: HttpRequest, visitor: Visitor, property_id: UUID) -> Done:
    prop = get_property(visitor, property_id)
    said = {
        needed_id(name.removeprefix("caption-")): text.strip()[:LONGEST_CAPTION]
        for name, text in request.POST.items()
        if name.startswith("caption-") and isinstance(text, str)
    }
    service.describe_photos(prop=prop, captions=said, now=datetime.now(UTC), actor=visitor.actor)
    return Done(_("Captions saved."), _place(prop, _room_type_id(request, prop)))
