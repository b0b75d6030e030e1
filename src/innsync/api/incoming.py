"""What the published description says of the calls by which other systems send bookings (`webhooks.open_call`).

They are signed over the bytes that are sent, so the generated clients leave them out.
"""

from __future__ import annotations

from typing import Any

TAG = "Coming in"
EVENTS = {
    "booking-created": "A booking was made",
    "booking-updated": "Anything about a booking changed; all of it is told again",
    "booking-cancelled": "A booking was cancelled",
    "guest-checked-in": "The guests came",
    "guest-checked-out": "The guests left",
}
"""By the last part of the address, which is the same for every system and names no connection."""
_WHOLE = ("booking-created", "booking-updated")
_HEADERS = {
    "X-Webhook-Signature": "Hex HMAC-SHA256 with the secret, `sha256=` before it or not: over the body, or over"
    " `timestamp.body` where X-Webhook-Timestamp is sent.",
    "X-Webhook-Timestamp": "Seconds since 1970; such a call is good for five minutes.",
    "X-Webhook-Id": "The same again where the call is repeated.",
    "X-Webhook-Source": "The id that ends the connection's own address, where many systems call an installation.",
    "webhook-id": "With the next two in place of X-Webhook-Signature: Standard Webhooks.",
    "webhook-timestamp": "Seconds since 1970.",
    "webhook-signature": "`v1,` and the signature.",
}
_DAY = {"type": "string", "format": "date"}
_TEXT = {"type": "string"}
_ROOM: dict[str, Any] = {
    "room_type": _TEXT,
    "rate_plan": _TEXT,
    "adults": {"type": "integer", "minimum": 1},
    "children": {"type": "integer", "minimum": 0},
    "child_ages": {"type": "array", "items": {"type": "integer", "minimum": 0}},
}
_COMMON: dict[str, Any] = {
    "booking_id": {"type": "string", "minLength": 1, "description": "The other system's own, and always the same."},
    "source": {"type": "string", "description": "Where the guest booked."},
    "guest_count": {"type": "integer", "minimum": 1},
    "total_amount": {"type": "string", "description": "A decimal string, with `currency`."},
    "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
    "special_requests": _TEXT,
    "arrival_time": {"type": "string", "format": "time"},
    **_ROOM,
    "rooms": {
        "type": "array",
        "items": {"type": "object", "properties": {**_ROOM, "check_in": _DAY, "check_out": _DAY, "guest_name": _TEXT}},
        "description": "Several rooms, each with its own dates if they differ.",
    },
    "version": {
        "type": "integer",
        "minimum": 1,
        "description": "Grows with each change; what is older comes too late.",
    },
    "updated_at": {"type": "string", "format": "date-time"},
    "event": {"enum": list(EVENTS), "description": "Signed with the rest, it counts more than the address."},
}
_SHAPES: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (
        ("check_in", "check_out"),
        {
            "property": {"type": "string", "description": "What the other system calls the house."},
            "guest_name": _TEXT,
            "guest_email": _TEXT,
            "guest_phone": _TEXT,
            "check_in": _DAY,
            "check_out": _DAY,
        },
    ),
    (
        ("check_in_date", "check_out_date"),
        {
            "property": {
                "type": "object",
                "properties": {"id": _TEXT, "code": _TEXT, "address": _TEXT},
                "minProperties": 1,
            },
            "guest": {"type": "object", "properties": {"name": _TEXT, "email": _TEXT, "phone": _TEXT}},
            "check_in_date": _DAY,
            "check_out_date": _DAY,
        },
    ),
)
_TAKEN = {
    "type": "object",
    "properties": {
        "status": {"const": "success"},
        "booking_id": _TEXT,
        "confirmation": {"type": "string", "description": "What the booking is called here."},
    },
}
_FLAT_EXAMPLE = {
    "booking_id": "HM123456789",
    "source": "airbnb",
    "property": "Beach Condo 123, Panama City Beach",
    "guest_name": "Sarah Johnson",
    "guest_email": "sarah@example.com",
    "guest_phone": "+1 850 555 0100",
    "check_in": "2027-06-15",
    "check_out": "2027-06-22",
    "guest_count": 2,
    "total_amount": "1645.00",
    "currency": "EUR",
    "special_requests": "Celebrating anniversary",
    "room_type": "double",
}
_NESTED_EXAMPLE = {
    "booking_id": "HM123456789",
    "source": "vrbo",
    "property": {"address": "Beach Condo 123, Panama City Beach"},
    "guest": {"name": "Sarah Johnson", "email": "sarah@example.com", "phone": "+1 850 555 0100"},
    "check_in_date": "2027-06-15",
    "check_out_date": "2027-06-22",
    "guest_count": 2,
    "special_requests": "",
    "room_type": "double",
}


def put_in(document: Any) -> None:
    for event, summary in EVENTS.items():
        document["paths"][f"/api/webhooks/{event}"] = {"post": _call(event, summary)}


def _call(event: str, summary: str) -> dict[str, Any]:
    shapes = [
        {
            "type": "object",
            "properties": {**_COMMON, **own},
            "required": ["booking_id", "property", *(dates if event in _WHOLE else ())],
        }
        for dates, own in _SHAPES
    ]
    return {
        "operationId": f"receive_{event.replace('-', '_')}",
        "summary": summary,
        "description": "For any system that has no adapter here. The secret says whose call it is. A repeat changes nothing.",
        "tags": [TAG],
        "parameters": [
            {"name": header, "in": "header", "required": False, "description": words, "schema": {"type": "string"}}
            for header, words in _HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"anyOf": shapes},
                    "example": _NESTED_EXAMPLE if event == "booking-updated" else _FLAT_EXAMPLE,
                }
            },
        },
        "responses": {
            200: {
                "description": "Kept for good, and understood.",
                "content": {"application/json": {"schema": _TAKEN}},
            },
            202: {"description": "Kept for good, but a person must see to it; it need not be sent again."},
        },
    }
