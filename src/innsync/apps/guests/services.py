"""Knowing a returning guest without merging strangers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from innsync.apps.accounts.ids import new_id
from innsync.apps.accounts.tenancy import sql, write
from innsync.domain import guest_matching
from innsync.domain.channel import GuestDetails
from innsync.integrations.manifest import relay_domains


@dataclass(frozen=True, slots=True)
class Known:
    """A guest's row: who they are, and where from as far as they said."""

    id: UUID
    country: str
    language: str


def find_or_add(*, organization_id: UUID, details: GuestDetails, now: datetime) -> UUID:
    """The guest of that name and real e-mail address, else a new one.

    A channel's relay address belongs to one booking and identifies nobody; a shared telephone number is no proof either.
    A guest who is known says country and language anew: the latest word counts, and saying nothing takes nothing back.
    """
    return keep(organization_id=organization_id, known=ask(organization_id, details)(), details=details, now=now).id


def ask(organization_id: UUID, details: GuestDetails) -> Callable[[], Known | None]:
    """The guest of that name and real e-mail address: asked now, answered when called."""
    email = _identifying(details.email)
    if not email:
        return lambda: None
    # The index leaves out guests without an address; under a generic plan it is used only when told so.
    asked = sql().execute(
        "SELECT id, name, email, phone, country, language FROM guests_guest"
        " WHERE organization_id = %s AND email = %s AND email <> '' ORDER BY id LIMIT 20",
        (organization_id, email),
    )
    return lambda: _same(details, email, asked.fetchall())


def keep(*, organization_id: UUID, known: Known | None, details: GuestDetails, now: datetime) -> Known:
    """Note what a guest who is known says of themselves, or add a new one."""
    country, language = details.country[:2], details.language[:8]
    if known is not None:
        kept = Known(known.id, country or known.country, language or known.language)
        if kept != known:
            _learn(known.id, details)
        return kept
    kept = Known(new_id(), country, language)
    write(
        "INSERT INTO guests_guest (id, organization_id, name, email, phone, country, language, created_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            kept.id,
            organization_id,
            details.name[:200],
            _identifying(details.email)[:254],
            details.phone[:40],
            country,
            language,
            now,
        ),
    )
    return kept


def follow(*, organization_id: UUID, guest_id: UUID, details: GuestDetails, now: datetime) -> UUID:
    """Who the guest of a booking is once the booking says this of them.

    The same person while the name agrees and the address is still theirs. Anybody else is found or added: the former
    guest stays who they were, for their other bookings.
    """
    email = _identifying(details.email)
    with sql() as cursor:
        row = cursor.execute(
            "SELECT name, email, country, language FROM guests_guest WHERE id = %s", (guest_id,)
        ).fetchone()
        if row is not None and row[1] == email and guest_matching.compatible_names(details.name, row[0]):
            kept = Known(guest_id, *row[2:])
            return keep(organization_id=organization_id, known=kept, details=details, now=now).id
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


def _same(details: GuestDetails, email: str, rows: Sequence[tuple[Any, ...]]) -> Known | None:
    aliases = relay_domains()
    candidate = guest_matching.GuestIdentity(name=details.name, email=email, phone=details.phone)
    for guest_id, name, known_email, phone, country, language in rows:
        person = guest_matching.GuestIdentity(name=name, email=known_email, phone=phone)
        if guest_matching.match(candidate, person, aliases) is guest_matching.MatchVerdict.SAME:
            return Known(guest_id, country, language)
    return None


_LEARN = """
UPDATE guests_guest SET country = coalesce(nullif(%s, ''), country), language = coalesce(nullif(%s, ''), language)
WHERE id = %s
"""


def _learn(guest_id: UUID, details: GuestDetails) -> None:
    if details.country or details.language:
        write(_LEARN, (details.country[:2], details.language[:8], guest_id))
