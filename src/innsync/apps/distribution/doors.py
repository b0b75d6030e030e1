"""Where channels' calls arrive: whose account that is, which secrets its calls are taken with, and what is noted of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from innsync.apps.accounts.tenancy import enter_by, sql, write_first
from innsync.apps.distribution.models import Account
from innsync.apps.distribution.schedules import schedule
from innsync.apps.distribution.webhooks import NOTED_EVERY, secrets_in
from innsync.integrations.manifest import manifests


@dataclass(frozen=True, slots=True)
class Door:
    """An account as it was when the call came.

    sealed: the secrets as they are kept. called_at, refused_at, used: what was noted of calls so far. polled_every_s,
    poll_due_at: how often its bookings are fetched as a person chose, and when next.
    """

    organization_id: UUID
    account_id: UUID
    vendor: str
    sealed: bytes
    called_at: datetime | None
    refused_at: datetime | None
    used: int | None
    polled_every_s: Any
    poll_due_at: datetime | None

    @property
    def secrets(self) -> Sequence[str]:
        """The newest first."""
        return secrets_in(self.sealed)


_OWNER = "SELECT organization_id FROM distribution_schedule WHERE subject_id = %s LIMIT 1"
_DOOR = """
SELECT a.organization_id, a.id, a.vendor, a.webhook_secrets, a.webhook_called_at, a.webhook_refused_at,
  a.webhook_used, a.settings -> 'poll_s',
  (SELECT s.due_at FROM distribution_schedule s WHERE s.subject_id = a.id AND s.kind = 'bookings')
FROM distribution_account a
WHERE a.id = coalesce((SELECT c.account_id FROM distribution_connection c WHERE c.id = %s), %s)
"""


def find_door(subject_id: UUID) -> Door | None:
    """That of the connection or account of that id. Inside `swiftly(None)`, which is its organization's from here on."""
    enter_by(_OWNER, (subject_id,))
    row = sql().execute(_DOOR, (subject_id, subject_id)).fetchone()
    return None if row is None else Door(*row)


# Whoever is called so first. The rest are tried too, as long as they are not too many: the words may be unknown here yet.
_OPEN = """
SELECT organization_id, account_id FROM distribution_opendoor
WHERE vendor = ANY(%(vendors)s) AND (%(account)s::uuid IS NULL OR account_id = %(account)s)
ORDER BY names && %(names)s::text[] DESC, id LIMIT %(most)s
"""
MOST_TRIED = 64


def open_door(*, account: Account, external_id: str) -> None:
    """Let its calls be taken where no connection is named. external_id: what the property is called there."""
    names = sorted({account.name.casefold(), external_id.casefold()})
    with sql() as cursor:
        cursor.execute(
            "INSERT INTO distribution_opendoor AS d (organization_id, account_id, vendor, names) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (account_id) DO UPDATE"
            " SET names = ARRAY(SELECT DISTINCT unnest(d.names || excluded.names) ORDER BY 1)",
            (account.organization_id, account.id, account.vendor, names),
        )


def find_open_doors(*, vendors: Collection[str], names: Collection[str], account_id: UUID | None) -> list[Door]:
    """Whose calls these may be, the likeliest first; just that account's where one is given. Inside `swiftly(None)`.

    Afterwards the transaction is some organization's: `enter` the one whose call it is.
    """
    told = [one for one in names if "\x00" not in one]  # which no text of the database holds
    found = sql().execute(_OPEN, {"vendors": list(vendors), "account": account_id, "names": told, "most": MOST_TRIED})
    asked = []
    for organization_id, one in found.fetchall():
        enter(organization_id)
        asked.append(sql().execute(_DOOR, (one, one)))
    return [Door(*row) for cursor in asked if (row := cursor.fetchone()) is not None]


def enter(organization_id: UUID) -> None:
    enter_by("SELECT %s::uuid", (organization_id,))


def owners_of(subject_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Whose connections and accounts these are; those that are nobody's are left out."""
    if not subject_ids:
        return {}
    with sql() as cursor:
        return dict(
            cursor.execute(
                "SELECT subject_id, organization_id FROM distribution_schedule WHERE subject_id = ANY(%s)",
                (list(subject_ids),),
            ).fetchall()
        )


def note_call(door: Door, *, now: datetime, used: int | None) -> None:
    """That a call came in. used: which of the account's secrets it brought; None: none of them.

    Where the account's secrets changed since, which it was is not written down.
    """
    name, last = ("webhook_refused_at", door.refused_at) if used is None else ("webhook_called_at", door.called_at)
    long_ago = now - NOTED_EVERY
    if last is None or last < long_ago:
        write_first(
            f"UPDATE distribution_account SET {name} = %s WHERE id = %s AND ({name} IS NULL OR {name} < %s)",  # noqa: S608
            (now, door.account_id, long_ago),
        )
    if used is not None and door.used not in (0, used):
        write_first(
            "UPDATE distribution_account SET webhook_used = %s WHERE id = %s AND webhook_secrets = %s"
            " AND (webhook_used IS NULL OR webhook_used <> 0)",
            (used, door.account_id, door.sealed),
        )


def poll_now(door: Door, *, now: datetime) -> None:
    """Read the queue at the next look of the relay, whatever the schedule says: the call hinted at something.

    Nothing is written where that is due already: it has not begun, and will find what was hinted at.
    """
    if door.poll_due_at is not None and door.poll_due_at <= now:
        return
    every_s = manifests()[door.vendor].poll_s if door.polled_every_s is None else door.polled_every_s
    schedule(
        organization_id=door.organization_id,
        subject_id=door.account_id,
        kind="bookings",
        every_s=float(every_s),
        due_at=now,
    )
