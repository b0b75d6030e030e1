"""The vendor's list of reservations that nobody fetched in time (NOTES.md 6.3)."""

from __future__ import annotations

import orjson

from innsync.channels.booking_com.mapping.xml import broken


def read_missed(body: bytes, property_id: str, *, operation: str) -> list[str]:
    """The ids of the property's missed reservations, each once. Raises ContractBroken."""
    try:
        said = orjson.loads(body)
        reservations = said["data"]["reservations"]
        ids = [str(entry["reservation_id"]) for entry in reservations if str(entry["hotel_id"]) == property_id]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise broken("missed-reservations can't be read", operation) from error
    return list(dict.fromkeys(ids))
