"""Knowing a returning guest without merging strangers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from innsync.apps.accounts.ids import new_id
from innsync.apps.accounts.tenancy import sql
from innsync.domain import guest_matching
from innsync.domain.channel import GuestDetails


def find_or_add(*, organization_id: UUID, details: GuestDetails, now: datetime) -> UUID:
    """The guest of that name and real e-mail address, else a new one.

    A channel's relay address belongs to one booking and identifies nobody; a shared telephone number is no proof either.
    """
    email = guest_matching.normalise_email(details.email) or ""
    if guest_matching.is_relay_address(email):
        email = ""
    with sql() as cursor:
        if email:
            # The index leaves out guests without an address; under a generic plan it is used only when told so.
            known = cursor.execute(
                "SELECT id, name, email, phone FROM guests_guest"
                " WHERE organization_id = %s AND email = %s AND email <> '' ORDER BY id LIMIT 20",
                (organization_id, email),
            ).fetchall()
            candidate = guest_matching.GuestIdentity(name=details.name, email=email, phone=details.phone)
            for guest_id, name, known_email, phone in known:
                person = guest_matching.GuestIdentity(name=name, email=known_email, phone=phone)
                if guest_matching.match(candidate, person) is guest_matching.MatchVerdict.SAME:
                    return UUID(str(guest_id))
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
