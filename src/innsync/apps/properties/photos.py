"""Photos of a property and of its room types: kept, put in order, described, taken away and put back.

Every function that touches rows works inside `tenant(...)`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from innsync.apps.properties.content import content_changed
from innsync.apps.properties.models import Photo, Property
from innsync.apps.properties.pictures import Picture
from innsync.domain.errors import DomainError

CONTENT_TYPE = "image/jpeg"
MOST_PHOTOS = 60
"""Of a property itself, and of each of its room types."""
MOST_FILES = 2 * MOST_PHOTOS
"""Of the same, with those that were removed and can still be put back."""
KEPT_REMOVED = timedelta(days=1)
"""For how long a photo that was taken away can be put back."""


@dataclass(eq=False)
class TooManyPhotos(DomainError):
    """The property or room type has as many as are kept."""

    most: int


@dataclass(eq=False)
class TooManyRemoved(DomainError):
    """Those that were removed lately are still kept: there is room again when they are deleted for good."""


def file_name(key: str, width: int) -> str:
    return f"photos/{key[:2]}/{key}/{width}.jpg"


def list_photos(*, property_id: UUID) -> list[Photo]:
    """Those that are shown, in order; of the property itself and of all its room types."""
    return list(Photo.objects.filter(property_id=property_id, removed_at=None))


def list_removed(*, property_id: UUID) -> list[Photo]:
    """Those that can be put back."""
    return list(Photo.objects.filter(property_id=property_id).exclude(removed_at=None).order_by("removed_at"))


def _make_room(*, property_id: UUID, room_type_id: UUID | None) -> Property:
    """See that one more can be shown; nobody else adds or restores any until the end of the transaction.

    Raises TooManyPhotos.
    """
    prop = Property.objects.select_for_update().get(id=property_id)
    if Photo.objects.filter(property=prop, room_type_id=room_type_id, removed_at=None).count() >= MOST_PHOTOS:
        raise TooManyPhotos(most=MOST_PHOTOS)
    return prop


def add_photo(*, prop: Property, room_type_id: UUID | None, picture: Picture, now: datetime, actor: str) -> Photo:
    """Keep the photo behind the others. Raises TooManyPhotos, TooManyRemoved.

    The files are there before the row is: a row never points to nothing. Where the transaction fails, files without a
    row stay, which nobody can find.
    """
    _make_room(property_id=prop.id, room_type_id=room_type_id)
    every = Photo.objects.filter(property=prop, room_type_id=room_type_id)
    if every.count() >= MOST_FILES:
        raise TooManyRemoved
    last = every.filter(removed_at=None).order_by("-position").values_list("position", flat=True).first()
    key = secrets.token_hex(16)
    for width, file in picture.sizes.items():
        default_storage.save(file_name(key, width), ContentFile(file))
    content_changed(prop=prop, what="photos", now=now, actor=actor)
    return Photo.objects.create(
        organization_id=prop.organization_id,
        property=prop,
        room_type_id=room_type_id,
        key=key,
        position=0 if last is None else last + 1,
        widths=sorted(picture.sizes),
        width=picture.width,
        height=picture.height,
        created_at=now,
    )


def order_photos(
    *, property_id: UUID, room_type_id: UUID | None, photo_ids: Sequence[UUID], now: datetime, actor: str
) -> None:
    """Put them in this order. Those that are not named (added meanwhile by somebody else) stay behind, in theirs."""
    prop = Property.objects.select_for_update().get(id=property_id)
    wanted = {photo_id: index for index, photo_id in enumerate(photo_ids)}
    photos = list(Photo.objects.filter(property_id=property_id, room_type_id=room_type_id, removed_at=None))
    photos.sort(key=lambda one: wanted.get(one.id, len(wanted) + one.position))
    for position, photo in enumerate(photos):
        photo.position = position
    Photo.objects.bulk_update(photos, ["position"])
    content_changed(prop=prop, what="photos", now=now, actor=actor)


def move_photo(*, photo: Photo, by: int, now: datetime, actor: str) -> None:
    """One place towards the first (-1) or the last (1); at the end it stays, and so does one that is removed."""
    Property.objects.select_for_update().get(id=photo.property_id)
    others = Photo.objects.filter(property_id=photo.property_id, room_type_id=photo.room_type_id, removed_at=None)
    order = list(others.values_list("id", flat=True))
    if photo.id not in order:
        return
    at = order.index(photo.id)
    to = min(max(at + by, 0), len(order) - 1)
    order.insert(to, order.pop(at))
    order_photos(property_id=photo.property_id, room_type_id=photo.room_type_id, photo_ids=order, now=now, actor=actor)


def describe_photos(*, prop: Property, captions: Mapping[UUID, str], now: datetime, actor: str) -> int:
    """Set captions; what is not of this property is left alone. Answers how many changed."""
    photos = Photo.objects.filter(property=prop, id__in=captions)
    changed = [one for one in photos if one.caption != captions[one.id]]
    for photo in changed:
        photo.caption = captions[photo.id]
    Photo.objects.bulk_update(changed, ["caption"])
    if changed:
        content_changed(prop=prop, what="photos", now=now, actor=actor)
    return len(changed)


def remove_photo(*, photo: Photo, now: datetime, actor: str) -> None:
    """Show it no more. It can be put back for a day; then its files are cleared, and its address leads nowhere."""
    photo.removed_at = now
    photo.save(update_fields=["removed_at"])
    content_changed(prop=photo.property, what="photos", now=now, actor=actor)


def restore_photo(*, photo: Photo, now: datetime, actor: str) -> None:
    """Show it again, where it was. Nothing changes where it is shown already. Raises TooManyPhotos."""
    prop = Property.objects.select_for_update().get(id=photo.property_id)
    if not Photo.objects.filter(id=photo.id).exclude(removed_at=None).exists():
        return
    _make_room(property_id=prop.id, room_type_id=photo.room_type_id)
    photo.removed_at = None
    photo.save(update_fields=["removed_at"])
    content_changed(prop=prop, what="photos", now=now, actor=actor)


def clear_removed(*, now: datetime) -> int:
    """Delete the present organization's photos that were taken away long enough ago. Answers how many.

    Files first: when that fails halfway, the row is still there for the next time.
    """
    old = list(Photo.objects.filter(removed_at__lt=now - KEPT_REMOVED))
    for photo in old:
        for width in photo.widths:
            default_storage.delete(file_name(photo.key, width))
        photo.delete()
    return len(old)
