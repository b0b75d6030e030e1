"""The shapes of answers about events, and about where they are sent, for the published reference (see `schemas`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Schema
from pydantic import Field


class EventOut(Schema):
    """What happened, as the socket and webhooks tell it too. data: by its type; ids and facts, never a guest's contacts."""

    id: str
    type: str = Field(examples=["booking.created"])
    property_id: str | None
    occurred_at: datetime
    data: dict[str, Any]


class EventList(Schema):
    """next_cursor: while more follow at once. resume_after: what to ask `after` with later."""

    items: list[EventOut]
    next_cursor: str | None
    resume_after: str | None


class EndpointOut(Schema):
    """An address that events are sent to. disabled_why: asked, failing (three days), gone (it answered 410), or key (that
    it was made with, withdrawn or past its end)."""

    id: str
    url: str
    description: str
    types: list[str]
    property_ids: list[str]
    created_at: datetime
    enabled: bool
    disabled_at: datetime | None
    disabled_why: str | None
    failing_since: datetime | None


class EndpointWithSecret(EndpointOut):
    secret: str = Field(examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])


class EndpointList(Schema):
    items: list[EndpointOut]
    next_cursor: str | None


class Queued(Schema):
    """How many events are on their way."""

    queued: int


class AttemptOut(Schema):
    """status: null without an answer; then `error` says why. answer: its beginning."""

    at: datetime
    status: int | None
    duration_ms: float
    answer: str
    error: str


class DeliveryOut(Schema):
    """An event's way to an endpoint: pending, delivered, or failed (given up after some three days)."""

    id: str
    event_id: str
    type: str
    state: str
    created_at: datetime
    next_attempt_at: datetime | None
    settled_at: datetime | None
    attempts: list[AttemptOut]


class DeliveryList(Schema):
    items: list[DeliveryOut]
    next_cursor: str | None


class DeliveryRequest(Schema):
    url: str
    webhook_id: str
    body: EventOut


class DeliveryWithRequest(DeliveryOut):
    request: DeliveryRequest


class TicketOut(Schema):
    ticket: str
    expires_at: datetime
