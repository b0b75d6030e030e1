"""A guest finds the own booking by its code, with proof of who asks."""

from __future__ import annotations

import hmac
import time
import unicodedata
from typing import Annotated
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router, Schema
from pydantic import Field

from innsync.api import schemas, shapes
from innsync.api.answers import Answer, give
from innsync.api.fields import Line
from innsync.api.holding import hold
from innsync.api.problems import Problem, invalid
from innsync.api.security import neighbourhood_of, spend
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.rates.selectors import get_house
from innsync.apps.reservations import records
from innsync.domain.guest_matching import normalise_email

router = Router(tags=["Guests"])
TRIES_PER_MINUTE = 30
ANSWERED_AFTER_S = 0.06


class Proof(Schema):
    email: Annotated[Line, Field(max_length=254)] | None = Field(
        None, description="The address the booking was made with."
    )
    last_name: Annotated[Line, Field(max_length=200)] | None = Field(None, description="The guest's family name.")


@router.get(
    "/lookup/{code}",
    response=schemas.LookupOut,
    auth=None,
    operation_id="look_up_booking",
    summary="A guest's own booking by its code and e-mail address or last name",
)
def look_up_booking(
    request: HttpRequest,
    code: Annotated[str, Path(description="As the guest was told it.")],
    proof: Query[Proof],
) -> HttpResponse:
    """An unknown code and a proof that does not fit are answered alike, and after the same time."""
    started = time.monotonic()
    if not (proof.email or proof.last_name):
        raise invalid(("/email", "must be given, or last_name"))
    if "\x00" in code:
        raise invalid(("/code", "must not hold control characters"))
    spend(request, f"lookup:{neighbourhood_of(request)}", TRIES_PER_MINUTE)
    found = [
        (organization_id, booking_id)
        for organization_id, booking_id, name, email in _by_code(code.strip().upper()[:12])
        if _proves(proof, name, email)
    ]
    if found:
        request.answered_for = found[0][0]  # type: ignore[attr-defined]  # recorded as a call of theirs
    body = _shown(*found[0]) if found else None
    # Whatever was looked at, the answer comes at the same moment.
    hold(request, began=started, beat_s=ANSWERED_AFTER_S)
    if body is None:
        raise Problem(404, "not-found", "Not found", "No booking fits this code and this proof.")
    return give(Answer(200, {"success": True, "booking": body}))


def _by_code(code: str) -> list[tuple[UUID, UUID, str, str]]:
    """(organization, booking, guest's name, e-mail) of every booking with that code, whoever's they are."""
    with transaction.atomic(), sql() as cursor:
        # The one door past the organizations' walls: row-level security shows bookings of exactly this code.
        cursor.execute("SELECT set_config('innsync.lookup_code', %s, true)", (code,))
        return cursor.execute(
            "SELECT organization_id, id, guest_name, guest_email FROM reservations_booking WHERE code = %s LIMIT 5",
            (code,),
        ).fetchall()


def _proves(proof: Proof, name: str, email: str) -> bool:
    """Every proof that is given must fit."""
    by_email = proof.email is None or _same(_address(proof.email), _address(email))
    given, known = _plain(proof.last_name or ""), _plain(name)
    ends = known[-len(given) :] if given else ""
    whole_words = len(known) == len(given) or known[-len(given) - 1 : -len(given)] == " "
    by_name = proof.last_name is None or (whole_words and _same(given, ends))
    return by_email and by_name


def _address(text: str) -> str:
    return normalise_email(text) or ""


def _same(given: str, known: str) -> bool:
    return bool(known) and hmac.compare_digest(given.encode(), known.encode())


def _plain(text: str) -> str:
    """Lower case, accents and double blanks gone: as people type their own names."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())


def _shown(organization_id: UUID, booking_id: UUID) -> shapes.Json:
    with tenant(organization_id):
        record = records.load(booking_id=booking_id)
        return shapes.booking_for_guest(get_house(organization_id=organization_id, key=record.property_id), record)
