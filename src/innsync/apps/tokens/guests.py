"""Guests' accounts at booking engines: from a token to the person's profile, stays and habits.

Sources: OpenID Connect Core 1.0, section 3.1.3.7; RFC 8725.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import jwt
from django.db.models import Prefetch

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.guests.models import Guest
from innsync.apps.reservations.models import Booking, RoomStay
from innsync.apps.tokens import issuers
from innsync.apps.tokens.models import GuestAccount, Issuer
from innsync.domain.errors import DomainError
from innsync.domain.guest_matching import normalise_email

LONGEST = 8_000
"""Characters of a token."""
CLOCKS_DIFFER_S = 30
MOST_STAYS = 100


@dataclass(eq=False)
class BadGuestToken(DomainError):
    """Not a token of an issuer that the organization trusts, for it, that holds now."""


def account_of(*, organization_id: UUID, token: str, now: datetime) -> GuestAccount:
    """Whose token that is, put down as it says. Outside of any transaction. Raises BadGuestToken."""
    issuer, said = _verify(organization_id, token, now)
    name, locale = said.get("name"), said.get("locale")
    email = normalise_email(str(said.get("email", ""))) or "" if said.get("email_verified") is True else ""
    about = {
        "name": _line(name)[:200] if isinstance(name, str) else "",
        "email": _line(email)[:254],
        "language": _line(locale)[:8] if isinstance(locale, str) else "",
        "seen_at": now,
    }
    with tenant(organization_id):
        account, _ = GuestAccount.objects.update_or_create(
            issuer=issuer,
            subject=said["sub"],
            defaults=about,
            create_defaults={**about, "organization_id": organization_id, "created_at": now},
        )
        return account


def _verify(organization_id: UUID, token: str, now: datetime) -> tuple[Issuer, dict[str, Any]]:
    header, claims = _unverified(token)
    with tenant(organization_id):
        issuer = Issuer.objects.filter(organization_id=organization_id, url=claims.get("iss")).first()
    if issuer is None:
        raise BadGuestToken
    kid = header.get("kid")
    key = issuers.key_of(issuer, kid, now)
    if key is None:
        raise BadGuestToken
    try:
        said = jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],  # the key's own, whatever the token says
            audience=issuer.audience,
            issuer=issuer.url,
            leeway=CLOCKS_DIFFER_S,
            options={"require": ["exp", "sub", "aud", "iss"]},
        )
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, RecursionError):
        raise BadGuestToken from None
    if not isinstance(said["sub"], str) or not 0 < len(said["sub"]) <= 255 or said["sub"] != _line(said["sub"]):
        raise BadGuestToken
    return issuer, said


def _unverified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the token says of itself, to know whom to ask."""
    if len(token) > LONGEST:
        raise BadGuestToken
    try:
        whole = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        raise BadGuestToken from None
    header, claims = whole["header"], whole["payload"]
    if header.get("alg") not in issuers.ALGORITHMS or not isinstance(claims.get("iss"), str) or "\x00" in claims["iss"]:
        raise BadGuestToken
    return header, claims


def _line(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())


@dataclass(frozen=True, slots=True)
class Habits:
    """What is known of a guest's wishes; empty where nothing is."""

    language: str
    country: str
    room_type_code: str
    special_requests: str


def list_stays(*, account: GuestAccount, property_ids: Collection[UUID]) -> list[Booking]:
    """Bookings made with the account's verified address, the latest stay first. In a tenant transaction.

    property_ids: only of these; empty for all. An account whose address nobody verified has none to show.
    """
    if not account.email:
        return []
    found = Booking.objects.filter(organization_id=account.organization_id, guest__in=_persons(account))
    if property_ids:
        found = found.filter(property_id__in=property_ids)
    stays = RoomStay.objects.select_related("room_type")
    found = found.select_related("property").prefetch_related(Prefetch("room_stays", stays))
    return list(found.order_by("-check_in", "-id")[:MOST_STAYS])


def habits_of(*, account: GuestAccount, stays: list[Booking]) -> Habits:
    """In a tenant transaction. stays: as listed."""
    persons = list(_persons(account).order_by("-id").values_list("language", "country")) if account.email else []
    rooms = Counter(room.room_type.code for one in stays for room in one.room_stays.all())
    return Habits(
        language=next((language for language, _ in persons if language), account.language),
        country=next((country for _, country in persons if country), ""),
        room_type_code=rooms.most_common(1)[0][0] if rooms else "",
        special_requests=next((one.special_requests for one in stays if one.special_requests), ""),
    )


def _persons(account: GuestAccount) -> Any:
    return Guest.objects.filter(organization_id=account.organization_id, email=account.email).exclude(email="")
