"""Waiting until nothing of a property is under way any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from innsync.ops.sandbox_link import Sandbox

LOOK_EVERY_S = 0.5
# What is tried again waits for less; what waits for longer is a hold that ends some day.
SOON_S = 360.0

_WORK = """
SELECT (SELECT count(*) FROM events_outbox WHERE organization_id = %(organization)s
     AND due_at <= now() + make_interval(secs => %(soon)s)),
  (SELECT count(*) FROM distribution_dirty WHERE connection_id = ANY(%(connections)s)),
  (SELECT count(*) FROM inbox_message WHERE organization_id = %(organization)s
     AND (state = 'received' OR (acknowledged_at IS NULL AND (found_by = '' OR listed_unacknowledged)))
     AND (connection_id IS NULL OR connection_id = ANY(%(connections)s)))
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much is still under way, by kind."""

    outbox: int
    marked: int
    messages: int
    at_channels: int = 0

    @property
    def left(self) -> int:
        return self.outbox + self.marked + self.messages + self.at_channels

    def __str__(self) -> str:
        parts = {
            "consequences to hand on": self.outbox,
            "nights to compare": self.marked,
            "messages to apply or acknowledge": self.messages,
            "bookings to fetch at channels": self.at_channels,
        }
        return ", ".join(f"{count:,} {what}" for what, count in parts.items() if count) or "nothing"


def backlog(
    *, organization_id: UUID, connection_ids: Sequence[UUID], code: str, sandbox: Sandbox, vendors: Sequence[str]
) -> Backlog:
    """What is under way now. The channels are asked only when nothing is left here."""
    from innsync.apps.accounts.tenancy import sql, tenant

    with tenant(organization_id), sql() as cursor:
        about = {"organization": organization_id, "connections": list(connection_ids), "soon": SOON_S}
        row = cursor.execute(_WORK, about).fetchone()
    assert row is not None
    here = Backlog(*row)
    if here.left:
        return here
    unread = sum(
        not booking["acknowledged"]
        for vendor in vendors
        for booking in sandbox.call("GET", f"{vendor}/bookings?property={code}")["items"]
    )
    return replace(here, at_channels=unread)


def settle(look: Callable[[], Backlog], *, patience_s: float, on_look: Callable[[Backlog], None]) -> Backlog:
    """Look until nothing is left twice in a row, or until nothing has moved for `patience_s`. Answers what is left."""
    quiet, last, moved_at = 0, None, time.monotonic()
    while True:
        now = look()
        on_look(now)
        quiet = 0 if now.left else quiet + 1
        if quiet == 2:
            return now
        if now != last:
            last, moved_at = now, time.monotonic()
        elif now.left and time.monotonic() - moved_at > patience_s:
            return now
        time.sleep(LOOK_EVERY_S)
