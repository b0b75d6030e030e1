"""What the desk wrote about a channel's guest stands until the channel says something else than it said before.

A channel repeats all it knows with every message. What it repeats is no news: an address or a name that the desk put
right must not go back to what it was because the guest changed the dates there.
"""

from __future__ import annotations

from uuid import UUID

from innsync.apps.accounts.tenancy import sql

_WATCHED = ("/guest/name", "/guest/email", "/guest/phone", "/arrival_time", "/special_requests")


def said_before(*, booking_id: UUID, channel: str) -> dict[str, str]:
    """Of what the desk changed since the channel last said it anew: the channel's own last word, by its place."""
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT actor, changes FROM reservations_revision WHERE booking_id = %s ORDER BY number", (booking_id,)
        ).fetchall()
    found: dict[str, str] = {}
    for actor, changes in rows:
        for change in changes:
            path = change["path"]
            if path not in _WATCHED:
                continue
            if actor == channel:
                found.pop(path, None)
            else:
                found.setdefault(path, change["before"] or "")
    return found
