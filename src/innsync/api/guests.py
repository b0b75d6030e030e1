"""The account of a guest at the caller's own sign-in: profile, stays and preferences."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Header, Path, Router

from innsync.api import schemas
from innsync.api.answers import Answer, give, money
from innsync.api.problems import Problem, not_found
from innsync.api.security import caller_of, needs
from innsync.apps.accounts.models import Scope
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.reservations.models import Booking
from innsync.apps.tokens import guests
from innsync.apps.tokens.guests import BadGuestToken, Habits

router = Router(tags=["Guests"])


@router.get(
    "/auth/user/{user_id}",
    response=schemas.GuestAccountOut,
    auth=needs(Scope.BOOKINGS_READ),
    operation_id="get_user",
    summary="The guest account behind a guest's token",
)
def get_user(
    request: HttpRequest,
    user_id: Annotated[str, Path(description="The account's id, the token's subject, or `me`.")],
    token: Annotated[
        str, Header(alias="X-Guest-Token", description="The guest's own token, of an issuer that you configured.")
    ] = "",
) -> HttpResponse:
    """A token shows the account of its own guest and no other, whatever the address names."""
    caller, now = caller_of(request), datetime.now(UTC)
    try:
        account = guests.account_of(organization_id=caller.organization_id, token=token, now=now)
    except BadGuestToken:
        raise Problem(
            401,
            "guest-token",
            "The guest's token is not good",
            "Send a living token of a configured issuer in X-Guest-Token.",
            headers={"WWW-Authenticate": 'Bearer realm="guest", error="invalid_token"'},
        ) from None
    if user_id not in ("me", str(account.id), account.subject):
        raise not_found("This token is of another guest, or there is no such one.")
    with tenant(caller.organization_id):
        stays = guests.list_stays(account=account, property_ids=caller.property_ids)
        habits = guests.habits_of(account=account, stays=stays)
        body = {
            "user_id": str(account.id),
            "issuer": account.issuer.url,
            "subject": account.subject,
            "profile": {"name": account.name, "email": account.email or None},
            "stays": [_stay(one) for one in stays],
            "preferences": _preferences(habits),
        }
    return give(Answer(200, body))


def _stay(one: Booking) -> dict[str, Any]:
    return {
        "booking_id": str(one.id),
        "code": one.code,
        "status": one.status,
        "hotel_id": str(one.property_id),
        "hotel_code": one.property.code,
        "hotel_name": one.property.name,
        "check_in": one.check_in.isoformat(),
        "check_out": one.check_out.isoformat(),
        "room_type_codes": [room.room_type.code for room in one.room_stays.all()],
        "total": money(one.total_minor, one.currency),
    }


def _preferences(habits: Habits) -> dict[str, Any]:
    return {
        "language": habits.language or None,
        "country": habits.country or None,
        "room_type_code": habits.room_type_code or None,
        "special_requests": habits.special_requests or None,
    }
