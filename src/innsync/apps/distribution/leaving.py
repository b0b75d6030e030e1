"""Disconnecting: everything is taken off sale there first, or it is left as it is; what came through it stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution import services
from innsync.apps.distribution.models import Connection
from innsync.apps.distribution.selectors import Linked


def close_and_leave(*, connection: Connection, now: datetime) -> None:
    """Show no room there on any night; as soon as the channel has accepted that, nothing is sent any more."""
    Connection.objects.filter(id=connection.id).exclude(state="left").update(state="closing", failures=0)
    connection.refresh_from_db()
    services.sync(connection=connection, now=now, cause="disconnecting")


def leave(*, connection_id: UUID) -> None:
    """Send and compare nothing any more. The channel goes on showing what it last accepted.

    The connection is kept for the bookings that came through it, and is the same one when it is connected again.
    """
    Connection.objects.filter(id=connection_id).update(state="left", retry_at=None, retry_reason="", failures=0)
    with sql() as cursor:
        cursor.execute("DELETE FROM distribution_dirty WHERE connection_id = %s", (connection_id,))
        cursor.execute("DELETE FROM distribution_schedule WHERE subject_id = %s", (connection_id,))
        # An access that serves nothing any more has nothing to fetch either.
        cursor.execute(
            "DELETE FROM distribution_schedule s USING distribution_connection c"
            " WHERE c.id = %s AND s.subject_id = c.account_id AND NOT EXISTS ("
            "   SELECT FROM distribution_connection o WHERE o.account_id = c.account_id AND o.state <> 'left')",
            (connection_id,),
        )


def with_nothing_for_sale(linked: Linked) -> Linked:
    """The connection as if nobody mapped any of its rooms: each is kept closed there."""
    known = [target for target in linked.withdrawn if target.rate is None]
    return replace(linked, rooms=[], rates=[], withdrawn=[*(room.target for room in linked.rooms), *known])
