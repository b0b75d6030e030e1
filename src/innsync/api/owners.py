"""For whose property it is: its bookings and what guests asked for, for signed-in people as for keys."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from innsync.api import schemas
from innsync.api.answers import Answer, give, instant, money
from innsync.api.availability import HotelKey
from innsync.api.fields import QUERY_WHOLE, Day
from innsync.api.finding import find_house
from innsync.api.problems import Problem, invalid
from innsync.api.security import SignedIn, needs, spend, usual_limit
from innsync.apps.accounts.models import Scope, User
from innsync.apps.accounts.people import list_access
from innsync.apps.accounts.roles import Ability
from innsync.apps.accounts.second_step import lacks_second_step
from innsync.apps.accounts.selectors import Caller
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.automation.extras import state_of
from innsync.apps.automation.models import ServiceOrder
from innsync.apps.automation.selectors import list_orders_at
from innsync.apps.rates.selectors import House, UnknownProperty, get_house
from innsync.apps.reservations.listing import Place, list_bookings_of
from innsync.apps.reservations.models import Booking

router = Router(tags=["Owners"])
LOOKS_BACK = timedelta(days=30)


class Owner(SignedIn):
    """Counted by person, as a key's calls are by key."""

    def authenticate(self, request: HttpRequest, key: str | None) -> User | None:
        user = super().authenticate(request, key)
        if not isinstance(user, User):
            return None
        spend(request, f"person:{user.id}", usual_limit())
        return user


_DOORS = [*needs(Scope.BOOKINGS_READ), Owner()]


class PageQuery(Schema):
    limit: Annotated[int, Field(ge=1, le=200), QUERY_WHOLE] = 100
    cursor: Annotated[str, Field(max_length=200)] = Field("", description="next_cursor of the page before.")


class BookingsQuery(PageQuery):
    from_: Day | None = Field(None, alias="from", description="The first day; 30 days ago when left out.")
    to: Day | None = Field(None, description="The last day; included.")


class RequestsQuery(PageQuery):
    state: Literal["open", "done", "cancelled"] | None = Field(None, description="Only those; all when left out.")


@router.get(
    "/properties/{property_id}/bookings",
    response=schemas.OwnerBookings,
    auth=_DOORS,
    operation_id="list_owner_bookings",
    summary="A property's bookings, for its owner",
)
def list_owner_bookings(request: HttpRequest, property_id: HotelKey, asked: Query[BookingsQuery]) -> HttpResponse:
    """By arrival. For keys with bookings:read, and signed-in people whose role sees bookings of that property."""
    after = _place(asked.cursor)
    with _inside(request, property_id) as house:
        found = list_bookings_of(
            organization_id=house.organization_id,
            property_id=house.id,
            first=asked.from_ or house.today(datetime.now(UTC)) - LOOKS_BACK,
            last=asked.to,
            after=after,
            limit=asked.limit + 1,
        )
    shown, more = found[: asked.limit], len(found) > asked.limit
    cursor = _cursor(f"{shown[-1].check_in} {shown[-1].id}") if more else None
    return give(Answer(200, {"bookings": [_booking(one) for one in shown], "next_cursor": cursor}))


@router.get(
    "/properties/{property_id}/service-requests",
    response=schemas.OwnerRequests,
    auth=_DOORS,
    operation_id="list_owner_requests",
    summary="What guests of a property asked for, for its owner",
)
def list_owner_requests(request: HttpRequest, property_id: HotelKey, asked: Query[RequestsQuery]) -> HttpResponse:
    """The newest first. For the same callers as the property's bookings."""
    after = _request_id(asked.cursor)
    with _inside(request, property_id) as house:
        found = list_orders_at(
            organization_id=house.organization_id,
            property_id=house.id,
            state=asked.state,
            after=after,
            limit=asked.limit + 1,
        )
    shown, more = found[: asked.limit], len(found) > asked.limit
    cursor = _cursor(str(shown[-1].id)) if more else None
    return give(Answer(200, {"requests": [_request(one) for one in shown], "next_cursor": cursor}))


@contextmanager
def _inside(request: HttpRequest, key: str) -> Iterator[House]:
    """The caller's property, in the transaction of whose it is. Raises UnknownProperty; Problem 403."""
    caller: Caller | User = request.auth  # type: ignore[attr-defined]  # one of the doors let it in
    if isinstance(caller, Caller):
        with tenant(caller.organization_id):
            yield find_house(caller, key)
        return
    if "\x00" in key:
        raise invalid(("/property_id", "must not hold control characters"))
    # A code is one organization's own: whoever works for several is answered by the first that has it, by name.
    for access in list_access(user_id=caller.id):
        with tenant(access.organization_id):
            try:
                house = get_house(organization_id=access.organization_id, key=key)
            except UnknownProperty:
                continue
            if not access.sees(house.id):
                continue
            request.answered_for = access.organization_id  # type: ignore[attr-defined]  # recorded as a call to them
            if Ability.SEE_BOOKINGS not in access.abilities:
                raise Problem(403, "forbidden", "Not allowed", "Your role does not see bookings.")
            if lacks_second_step(caller, access):
                raise Problem(403, "forbidden", "Not allowed", "Your organization asks for a second step: set one up.")
            yield house
            return
    raise UnknownProperty(hotel_id=key)


def _cursor(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> str:
    """Raises ValueError."""
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except binascii.Error as error:
        raise ValueError(cursor) from error


def _place(cursor: str) -> Place | None:
    if not cursor:
        return None
    try:
        check_in, identifier = _read_cursor(cursor).split(" ")
        return Place(date.fromisoformat(check_in), UUID(identifier))
    except ValueError:
        raise _strange() from None


def _request_id(cursor: str) -> UUID | None:
    if not cursor:
        return None
    try:
        return UUID(_read_cursor(cursor))
    except ValueError:
        raise _strange() from None


def _strange() -> Problem:
    return invalid(("/cursor", "is not the next_cursor of a page of this list"))


def _booking(one: Booking) -> dict[str, Any]:
    stays = list(one.room_stays.all())
    return {
        "booking_id": str(one.id),
        "code": one.code,
        "status": one.status,
        "channel": one.channel,
        "source": one.source,
        "check_in": one.check_in.isoformat(),
        "check_out": one.check_out.isoformat(),
        "nights": (one.check_out - one.check_in).days,
        "guest": {"name": one.guest_name, "email": one.guest_email, "phone": one.guest_phone},
        "adults": sum(stay.adults for stay in stays),
        "children": sum(len(stay.child_ages) for stay in stays),
        "rooms": [
            {"room_type_code": stay.room_type.code, "room": stay.room.name if stay.room else None} for stay in stays
        ],
        "total": money(one.total_minor, one.currency),
        "special_requests": one.special_requests,
        "created_at": instant(one.created_at),
    }


def _request(one: ServiceOrder) -> dict[str, Any]:
    return {
        "request_id": str(one.id),
        "booking_id": str(one.booking_id),
        "booking_code": one.booking.code,
        "guest_name": one.booking.guest_name,
        "what": one.what,
        "note": one.note,
        "state": state_of(one.state, one.booking.status, is_extra=one.extra is not None),
        "due_on": one.due_on.isoformat() if one.due_on else None,
        "assignee": (one.assignee.name or one.assignee.email) if one.assignee else None,
        "price": None if one.price_minor is None else money(one.price_minor, one.booking.currency),
        "charged": one.charged,
        "created_at": instant(one.created_at),
        "closed_at": instant(one.closed_at) if one.closed_at else None,
    }
