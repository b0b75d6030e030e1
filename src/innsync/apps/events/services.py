"""Writing down what happened and what must follow, in the transaction of the change itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from innsync.apps.accounts.ids import new_id
from innsync.apps.accounts.tenancy import jsonb, together, write
from innsync.domain.spans import joined

Touched = Sequence[tuple[UUID | None, date, date]]
MOST_SPANS = 50
"""Of nights in an event; more of them are told as one a room type."""
What = Literal["stock", "rates", "all"]


def record(
    *,
    organization_id: UUID,
    property_id: UUID | None,
    type: str,
    at: datetime,
    data: dict[str, Any],
    ari: Touched = (),
    what: What = "stock",
    cause: str = "",
) -> None:
    """Add an event to the stream and, where nights changed, tell every connection of the property that it may differ.

    ari: (room type or None for all, first, last) with both ends included. what: whether rooms left, prices and rules, or
    both may differ there.
    """
    event_id = new_id()
    with together():
        write(
            "INSERT INTO events_event (id, organization_id, property_id, type, occurred_at, data)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            (event_id, organization_id, property_id, type, at, jsonb(data)),
        )
        write("INSERT INTO events_freshevent (event_id, organization_id) VALUES (%s, %s)", (event_id, organization_id))
        if ari:
            assert property_id is not None, "nights are some property's"
            _enqueue(organization_id, property_id, "ari_changed", _ari_payload(ari, what, cause))


def ari_changed(*, organization_id: UUID, property_id: UUID, ari: Touched, cause: str, what: What = "stock") -> None:
    """Tell every connection of the property that it may differ on these nights."""
    _enqueue(organization_id, property_id, "ari_changed", _ari_payload(ari, what, cause))


def enqueue(
    *,
    organization_id: UUID,
    property_id: UUID,
    topic: str,
    payload: dict[str, Any],
    due_at: datetime | None = None,
) -> None:
    """A consequence for the relay to hand on, once this transaction commits, and not before `due_at`."""
    _enqueue(organization_id, property_id, topic, payload, due_at)


def nights_of(touched: Touched) -> list[dict[str, str | None]]:
    """The nights as an event tells them; both ends are included, and a room type of None stands for all."""
    spans: dict[UUID | None, list[tuple[date, date]]] = {}
    for room_type_id, first, last in touched:
        spans.setdefault(room_type_id, []).append((first, last))
    found = {one: joined(own) for one, own in spans.items()}
    if sum(map(len, found.values())) > MOST_SPANS:
        found = {one: [(own[0][0], own[-1][1])] for one, own in found.items()}
    return [
        {"room_type_id": str(one) if one else None, "first": first.isoformat(), "last": last.isoformat()}
        for one, own in found.items()
        for first, last in own
    ]


def _ari_payload(ari: Touched, what: What, cause: str) -> dict[str, Any]:
    return {
        "spans": [
            [str(room_type_id) if room_type_id else None, str(first), str(last)] for room_type_id, first, last in ari
        ],
        "what": what,
        "cause": cause,
    }


def _enqueue(
    organization_id: UUID,
    property_id: UUID,
    topic: str,
    payload: dict[str, Any],
    due_at: datetime | None = None,
) -> None:
    # clock_timestamp, not now(): divergence is measured from the moment of the change, not of the transaction's start.
    write(
        "INSERT INTO events_outbox (organization_id, property_id, topic, payload, created_at, due_at)"
        " VALUES (%s, %s, %s, %s, clock_timestamp(), coalesce(%s, clock_timestamp()))",
        (organization_id, property_id, topic, jsonb(payload), due_at),
    )
