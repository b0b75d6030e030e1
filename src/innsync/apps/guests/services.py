"""Knowing a returning guest without merging strangers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from innsync.apps.accounts.ids import new_id
from innsync.apps.accounts.tenancy import sql
from innsync.domain import guest_matching
from innsync.domain.channel import GuestDetails
from innsync.integrations.manifest import relay_domains


def find_or_add(*, organization_id: UUID, details: GuestDetails, now: datetime) -> UUID:
    """The guest of that name and real e-mail address, else a new one.

    A channel's relay address belongs to one booking and identifies nobody; a shared telephone number is no proof either.
    A guest who is known says country and language anew: the latest word counts, and saying nothing takes nothing back.
    """
    email = _identifying(details.email)
    with sql() as cursor:
        known = _find(cursor, organization_id, details, email) if email else None
        if known is not None:
            _learn(cursor, known, details)
            return known
        guest_id = new_id()
        cursor.execute(
            "INSERT INTO guests_guest (id, organization_id, name, email, phone, country, language, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (
                guest_id,
                organization_id,
                details.name[:200],
                email[:254],
                details.phone[:40],
                details.country[:2],
                details.language[:8],
                now,
            ),
        )
    return guest_id


def follow(*, organization_id: UUID, guest_id: UUID, details: GuestDetails, now: datetime) -> UUID:
    """Who the guest of a booking is once the booking says this of them.

    The same person while the name agrees and the address is still theirs. Anybody else is found or added: the former
    guest stays who they were, for their other bookings.
    """
    email = _identifying(details.email)
    with sql() as cursor:
        row = cursor.execute("SELECT name, email FROM guests_guest WHERE id = %s", (guest_id,)).fetchone()
        if row is not None and row[1] == email and guest_matching.compatible_names(details.name, row[0]):
            _learn(cursor, guest_id, details)
            return guest_id
    return find_or_add(organization_id=organization_id, details=details, now=now)


def get_tongue(*, guest_id: UUID) -> tuple[str, str]:
    """The guest's country and language; empty where they are not known."""
    with sql() as cursor:
        row = cursor.execute("SELECT country, language FROM guests_guest WHERE id = %s", (guest_id,)).fetchone()
    return (row[0], row[1]) if row else ("", "")


def correct(*, guest_id: UUID, country: str, language: str) -> None:
    """Put down country and language as a person says them; empty: not known after all."""
    with sql() as cursor:
        cursor.execute(
            "UPDATE guests_guest SET country = %(country)s, language = %(language)s"
            " WHERE id = %(id)s AND (country, language) <> (%(country)s, %(language)s)",
            {"id": guest_id, "country": country[:2], "language": language[:8]},
        )


def _identifying(email: str) -> str:
    """The address as it is kept with a person; empty for one that a channel made up."""
    normal = guest_matching.normalise_email(email) or ""
    return "" if guest_matching.is_relay_address(normal, relay_domains()) else normal


def _find(cursor: psycopg.Cursor[Any], organization_id: UUID, details: GuestDetails, email: str) -> UUID | None:
    # The index leaves out guests without an address; under a generic plan it is used only when told so.
    known = cursor.execute(
        "SELECT id, name, email, phone FROM guests_guest"
        " WHERE organization_id = %s AND email = %s AND email <> '' ORDER BY id LIMIT 20",
        (organization_id, email),
    ).fetchall()
    candidate = guest_matching.GuestIdentity(name=details.name, email=email, phone=details.phone)
    aliases = relay_domains()
    for guest_id, name, known_email, phone in known:
        person = guest_matching.GuestIdentity(name=name, email=known_email, phone=phone)
        if guest_matching.match(candidate, person, aliases) is guest_matching.MatchVerdict.SAME:
            return UUID(str(guest_id))
    return None


_LEARN = """
UPDATE guests_guest SET country = coalesce(nullif(%(country)s, ''), country),
  language = coalesce(nullif(%(language)s, ''), language)
WHERE id = %(id)s AND (%(country)s NOT IN ('', country) OR %(language)s NOT IN ('', language))
"""


def _learn(cursor: psycopg.Cursor[Any], guest_id: UUID, details: GuestDetails) -> None:
    if details.country or details.language:
        cursor.execute(_LEARN, {"id": guest_id, "country": details.country[:2], "language": details.language[:8]})
