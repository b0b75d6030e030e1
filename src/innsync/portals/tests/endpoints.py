"""Endpoints and what became of events on the way to them, as the portal's tests look at them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.events import services as events
from innsync.apps.events import stream
from innsync.apps.webhooks import endpoints, rounds
from innsync.apps.webhooks.managed import EVERY_SCOPE
from innsync.apps.webhooks.models import Delivery, Endpoint


def told_of(
    organization_id: UUID,
    property_ids: Sequence[UUID] = (),
    *,
    url: str = "https://hotel.example.com/hook",
    types: Sequence[str] = (),
    program_id: UUID | None = None,
) -> Endpoint:
    """An endpoint that was made at the desk, or by that program; it is told of nothing that happened before."""
    stream.place(datetime.now(UTC))
    with tenant(organization_id):
        made, _ = endpoints.create(
            organization_id=organization_id,
            program_id=program_id,
            url=url,
            types=types,
            scopes=EVERY_SCOPE,
            property_ids=property_ids,
            description="Website",
            now=datetime.now(UTC),
        )
    return made


def happen(organization_id: UUID, property_id: UUID, type: str = "booking.created") -> None:
    with tenant(organization_id):
        events.record(
            organization_id=organization_id,
            property_id=property_id,
            type=type,
            at=datetime.now(UTC),
            data={"code": "K7DQ2M", "channel": "direct"},
        )
    stream.place(datetime.now(UTC))


def attempted(endpoint: Endpoint, status: int | None, answer: str = "said so", error: str = "") -> None:
    """As if the courier had been there."""
    at = datetime.now(UTC)
    turn = rounds.take(organization_id=endpoint.organization_id, endpoint_id=endpoint.id, now=at)
    assert turn is not None
    outcomes = [rounds.Outcome(one, at, status, 12.0, answer, error) for one in turn.letters]
    rounds.record(organization_id=endpoint.organization_id, endpoint_id=endpoint.id, outcomes=outcomes, now=at)


def delivered(
    endpoint: Endpoint, property_id: UUID, *, status: int | None, type: str = "booking.created", error: str = ""
) -> Delivery:
    """Something happened, and it was tried to tell the endpoint of it."""
    happen(endpoint.organization_id, property_id, type)
    attempted(endpoint, status, error=error)
    with tenant(endpoint.organization_id):
        return Delivery.objects.filter(endpoint=endpoint).latest("position")
