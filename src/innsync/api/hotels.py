"""What the hotel is: its description, and its room types."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Query, Router, Schema
from pydantic import Field

from innsync.api import rules, schemas, shapes
from innsync.api.answers import content
from innsync.api.availability import HotelKey
from innsync.api.fields import QUERY_WHOLE
from innsync.api.finding import find_house
from innsync.api.problems import invalid
from innsync.api.security import caller_of, needs
from innsync.apps.accounts.models import Scope
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.properties.models import Photo, Property, RoomType
from innsync.apps.properties.photos import list_photos
from innsync.apps.rates.selectors import House
from innsync.domain.amenities import AMENITIES, Place
from innsync.domain.pricing import ChildBand
from innsync.integrations.manifest import manifests

router = Router(tags=["Hotels"])


@router.get(
    "/hotels/{hotel_id}",
    response={200: schemas.HotelOut, 304: None},
    auth=needs(Scope.CONTENT_READ),
    operation_id="get_hotel",
    summary="The hotel",
)
def get_hotel(request: HttpRequest, hotel_id: HotelKey) -> HttpResponse:
    caller = caller_of(request)
    with tenant(caller.organization_id):
        house = find_house(caller, hotel_id)
        about = Property.objects.get(id=house.id)
    geo = None
    if about.latitude is not None and about.longitude is not None:
        geo = {"latitude": float(about.latitude), "longitude": float(about.longitude)}
    return content(
        request,
        {
            "hotel_id": str(about.id),
            "code": about.code,
            "name": about.name,
            "kind": about.kind,
            "description": about.description,
            "address": about.address,
            "geo": geo,
            "time_zone": about.time_zone,
            "currency": about.currency,
            "check_in_time": f"{about.check_in_time:%H:%M}",
            "check_out_time": f"{about.check_out_time:%H:%M}",
            "sellable_days": about.sellable_days,
            "amenities": about.amenities,
            "policies": about.policies,
            "taxes": [rules.charge_rule(one, house.currency) for one in house.taxes],
            "fees": [rules.charge_rule(one, house.currency) for one in house.fees],
            "child_bands": [rules.child_band(ChildBand.from_json(one), house.currency) for one in about.child_bands],
        },
    )


@router.get(
    "/hotels/{hotel_id}/images",
    response={200: schemas.ImageList, 304: None},
    auth=needs(Scope.CONTENT_READ),
    operation_id="list_images",
    summary="Its photos and those of its room types",
)
def list_images(request: HttpRequest, hotel_id: HotelKey) -> HttpResponse:
    caller = caller_of(request)
    with tenant(caller.organization_id):
        house = find_house(caller, hotel_id)
        photos = list_photos(property_id=house.id)
    order = {one.id: index for index, one in enumerate(house.facts.room_types, start=1)}
    photos.sort(key=lambda one: (order.get(one.room_type_id, 0) if one.room_type_id else 0, one.position))
    codes = {one.id: one.code for one in house.facts.room_types}
    items = [_image(one, codes.get(one.room_type_id) if one.room_type_id else None) for one in photos]
    return content(request, {"items": items, "next_cursor": None})


def _image(photo: Photo, room_type_code: str | None) -> dict[str, Any]:
    return {
        "image_id": str(photo.id),
        "room_type_id": str(photo.room_type_id) if photo.room_type_id else None,
        "room_type_code": room_type_code,
        "caption": photo.caption,
        "position": photo.position,
        "tags": ["room_type" if photo.room_type_id else "property"],
        "sizes": [
            {
                "url": settings.PUBLIC_URL.rstrip("/") + reverse("photo", args=[photo.key, width]),
                "width": width,
                "height": round(photo.height * width / photo.width),
            }
            for width in photo.widths
        ],
    }


@router.get(
    "/amenities/{hotel_id}",
    response={200: schemas.AmenityList, 304: None},
    auth=needs(Scope.CONTENT_READ),
    operation_id="list_amenities",
    summary="What it and its rooms offer, in the words of channels too",
)
def list_amenities(request: HttpRequest, hotel_id: HotelKey) -> HttpResponse:
    caller = caller_of(request)
    with tenant(caller.organization_id):
        house = find_house(caller, hotel_id)
        at_house = Property.objects.values_list("amenities", flat=True).get(id=house.id)
        present = RoomType.objects.filter(property_id=house.id, retired_at=None)
        in_rooms = list(present.values_list("code", "amenities"))
    items = [_amenity(str(code), Place.PROPERTY, []) for code in at_house]
    for code in dict.fromkeys(str(one) for _, codes in in_rooms for one in codes):
        types = [room_type for room_type, codes in in_rooms if code in codes]
        items.append(_amenity(code, Place.ROOM, types))
    return content(request, {"items": items, "next_cursor": None})


def _amenity(code: str, place: Place, room_type_codes: list[str]) -> dict[str, Any]:
    """Also of one that is not of our list: imports may have brought it."""
    known = AMENITIES.get(code)
    number = known.number(place) if known else None
    named = {key: one.amenities.get(place, {}).get(code) for key, one in sorted(manifests().items())}
    return {
        "code": code,
        "place": place.value,
        "room_type_codes": room_type_codes,
        "standard": {"list": "HAC" if place is Place.PROPERTY else "RMA", "code": number} if number else None,
        "channels": {key: name for key, name in named.items() if name},
    }


class PageQuery(Schema):
    limit: Annotated[int, Field(ge=1, le=200), QUERY_WHOLE] = 100
    cursor: Annotated[str, Field(max_length=200)] = Field("", description="next_cursor of the page before.")


@router.get(
    "/room-types/{hotel_id}",
    response={200: schemas.RoomTypeList, 304: None},
    auth=needs(Scope.CONTENT_READ),
    operation_id="list_room_types",
    summary="Its room types and the rate plans they are sold at",
)
def list_room_types(request: HttpRequest, hotel_id: HotelKey, page: Query[PageQuery]) -> HttpResponse:
    caller = caller_of(request)
    with tenant(caller.organization_id):
        house = find_house(caller, hotel_id)
        room_types = list(RoomType.objects.filter(property_id=house.id, retired_at=None))
    start = _read_cursor(page.cursor, room_types)
    shown = room_types[start : start + page.limit]
    more = start + page.limit < len(room_types)
    return content(
        request,
        {
            "items": [_room_type(house, one) for one in shown],
            "next_cursor": _cursor(shown[-1]) if more else None,
        },
    )


def _cursor(last: RoomType) -> str:
    return base64.urlsafe_b64encode(last.id.bytes).decode().rstrip("=")


def _read_cursor(cursor: str, room_types: list[RoomType]) -> int:
    if not cursor:
        return 0
    try:
        last = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        last = b""
    for index, one in enumerate(room_types):
        if one.id.bytes == last:
            return index + 1
    raise invalid(("/cursor", "is not the next_cursor of a page of this list"))


def _room_type(house: House, about: RoomType) -> dict[str, Any]:
    plan_ids = [one.rate_plan_id for one in house.facts.products if one.room_type_id == about.id and one.sold]
    return {
        "room_type_id": str(about.id),
        "room_type_code": about.code,
        "name": about.name,
        "description": about.description,
        "max_adults": about.max_adults,
        "max_children": about.max_children,
        "max_occupancy": about.max_occupancy,
        "beds": about.beds,
        "size_m2": about.size_m2,
        "amenities": about.amenities,
        "rate_plans": [shapes.plan_sold(house, plan) for key, plan in house.plans.items() if key in plan_ids],
    }
