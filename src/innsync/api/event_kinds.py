"""What each type of event holds, for the published reference: as calls that the server makes (OpenAPI 3.1, `webhooks`)."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from ninja import Schema
from pydantic import Field, create_model

from innsync.api.event_schemas import EventOut
from innsync.apps.events.kinds import KINDS


class BookingEvent(Schema):
    """A booking; fetch it to learn more. action: what was done with it, where that was one step."""

    booking_id: str
    code: str = Field(examples=["K7DQ2M"])
    channel: str = Field(examples=["direct"])
    action: str | None = None


class ConflictEvent(Schema):
    """Nights of a room type that were sold too often, both included; the booking that did it, where one did."""

    conflict_id: str
    booking_id: str | None
    room_type_id: str
    first: date
    last: date


class Nights(Schema):
    """Nights that may be another than they were, both included. room_type_id null: of every room type."""

    room_type_id: str | None
    first: date
    last: date


class AvailabilityEvent(Schema):
    """Ask for these nights again."""

    nights: list[Nights]


class RatesEvent(Schema):
    """Ask for these nights again. rate_plan: the one that was changed as a whole."""

    nights: list[Nights]
    rate_plan: str | None = None


class ContentEvent(Schema):
    """A part of a property's description that was changed: ask for it again."""

    what: Literal["property", "photos", "room_types", "rooms", "rate_plans", "taxes", "fees"]


class SyncFailedEvent(Schema):
    """What of a connection to a channel does not work: sending the calendar, or fetching bookings. error: in its words."""

    connection_id: str
    channel: str = Field(examples=["booking_com"])
    what: Literal["calendar", "bookings"]
    error: str


class SyncRecoveredEvent(Schema):
    """What works again."""

    connection_id: str
    channel: str = Field(examples=["booking_com"])
    what: Literal["calendar", "bookings"]


class ServiceOrderEvent(Schema):
    """A guest's order of a service."""

    service_order_id: str
    booking_id: str
    what: str = Field(examples=["Late check-out"])


class MessageEvent(Schema):
    """A guest wrote; what is read at the desk. booking_id null: before there was a booking."""

    id: str
    conversation_id: str
    booking_id: str | None
    sender: str


SHAPES: dict[str, type[Schema]] = {
    **dict.fromkeys((type for type in KINDS if type.startswith("booking.")), BookingEvent),
    "booking.conflict": ConflictEvent,
    "availability.changed": AvailabilityEvent,
    "rates.changed": RatesEvent,
    "content.changed": ContentEvent,
    "sync.failed": SyncFailedEvent,
    "sync.recovered": SyncRecoveredEvent,
    **dict.fromkeys((type for type in KINDS if type.startswith("service_order.")), ServiceOrderEvent),
    "message.received": MessageEvent,
}
_HEADERS = {
    "webhook-id": "The event's id: the same again where the call is repeated.",
    "webhook-timestamp": "When it was signed, in seconds since 1970.",
    "webhook-signature": "`v1,` and the signature; several, apart by a space, while a secret is replaced.",
}


def put_in(document: Any) -> None:
    """Into the document, where OpenAPI 3.1 wants what the server calls."""
    components = document["components"]["schemas"]
    document["webhooks"] = {}
    for type, shape in SHAPES.items():
        name = "".join(part.title() for part in type.replace(".", "_").split("_")) + "Webhook"
        model = create_model(name, __base__=EventOut, data=(shape, ...))
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        components.update(schema.pop("$defs", {}))
        schema["properties"]["type"] = {"type": "string", "const": type}
        schema["description"] = (shape.__doc__ or "").strip()
        components[name] = schema
        document["webhooks"][type] = {"post": _call(type, name)}


def _call(type: str, name: str) -> dict[str, Any]:
    return {
        "operationId": f"on_{type.replace('.', '_')}",
        "summary": type,
        "description": f"Sent to the endpoints that asked for it. A key needs `{KINDS[type].scope}`.",
        "tags": ["Events"],
        "parameters": [
            {"name": header, "in": "header", "required": True, "description": words, "schema": {"type": "string"}}
            for header, words in _HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}},
        },
        "responses": {"2XX": {"description": "Taken. Anything else, and it is sent again."}},
    }
