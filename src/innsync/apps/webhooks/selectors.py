"""Endpoints and the log of their deliveries. Everything works inside `tenant(...)`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from innsync.apps.accounts.tenancy import sql
from innsync.apps.events.kinds import shown
from innsync.apps.events.models import Event
from innsync.apps.events.stream import StreamedEvent
from innsync.apps.webhooks.models import Delivery, Endpoint, State


def list_endpoints(*, program_id: UUID | None = None) -> list[Endpoint]:
    """The newest first. program_id: only that program's."""
    found = Endpoint.objects.order_by("-id")
    return list(found if program_id is None else found.filter(program_id=program_id))


def find_endpoint(endpoint_id: UUID, *, program_id: UUID | None = None) -> Endpoint | None:
    found = Endpoint.objects.filter(id=endpoint_id)
    return (found if program_id is None else found.filter(program_id=program_id)).first()


def list_deliveries(
    endpoint: Endpoint,
    *,
    state: State | None = None,
    type: str = "",
    before: Delivery | None = None,
    limit: int,
) -> list[Delivery]:
    """The newest in the stream first. type: of these events alone. before: the last of the page before."""
    found = Delivery.objects.filter(endpoint=endpoint).order_by("-position")
    if state is not None:
        found = found.filter(state=state)
    if type:
        found = found.filter(type=type)
    if before is not None:
        found = found.filter(position__lt=before.position)
    return list(found[:limit])


@dataclass(frozen=True, slots=True)
class Standing:
    """waiting: deliveries that have not arrived and are not given up. arrived_at: of the last one that did."""

    waiting: int
    arrived_at: datetime | None


_STANDING = """
SELECT e.id, (SELECT count(*) FROM webhooks_delivery d WHERE d.endpoint_id = e.id AND d.state = 'pending'),
  (SELECT settled_at FROM webhooks_delivery d
   WHERE d.endpoint_id = e.id AND d.settled_at IS NOT NULL AND d.state = 'delivered' ORDER BY settled_at DESC LIMIT 1)
FROM unnest(%s::uuid[]) AS e (id)
"""


def standing_of(endpoint_ids: Collection[UUID]) -> dict[UUID, Standing]:
    """How far each of them is, in one statement."""
    with sql() as cursor:
        rows = cursor.execute(_STANDING, (list(endpoint_ids),)).fetchall()
    return {endpoint_id: Standing(waiting, arrived_at) for endpoint_id, waiting, arrived_at in rows}


@dataclass(frozen=True, slots=True)
class Figures:
    """What was settled in some time, and how soon the last tries of it were answered; None where none was."""

    arrived: int = 0
    given_up: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None


_FIGURES = """
SELECT endpoint_id, count(*) FILTER (WHERE state = 'delivered'), count(*) FILTER (WHERE state = 'failed'),
  percentile_cont(0.5) WITHIN GROUP (ORDER BY took), percentile_cont(0.99) WITHIN GROUP (ORDER BY took)
FROM (
  SELECT endpoint_id, state, (attempts -> -1 ->> 'duration_ms')::float AS took FROM webhooks_delivery
  WHERE endpoint_id = ANY(%s) AND settled_at > %s) settled
GROUP BY endpoint_id
"""


def figures_of(endpoint_ids: Collection[UUID], *, since: datetime) -> dict[UUID, Figures]:
    """Of each of them, also where nothing was sent."""
    with sql() as cursor:
        rows = cursor.execute(_FIGURES, (list(endpoint_ids), since)).fetchall()
    found = {row[0]: Figures(*row[1:]) for row in rows}
    return {one: found.get(one, Figures()) for one in endpoint_ids}


def find_delivery(endpoint: Endpoint, delivery_id: UUID) -> Delivery | None:
    return Delivery.objects.select_related("endpoint").filter(endpoint=endpoint, id=delivery_id).first()


def body_of(delivery: Delivery) -> bytes:
    """What is sent, byte by byte."""
    event = Event.objects.get(id=delivery.event_id)
    told = StreamedEvent(delivery.position, event.id, event.type, event.property_id, event.occurred_at, event.data)
    return orjson.dumps(shown(told), option=orjson.OPT_UTC_Z)
