"""New Channel's words to ours and back. Pure: no call, no clock, no database.

A quirk of the vendor is handled here, at the line where it bites, with the number of its entry in NOTES.md.
"""

from __future__ import annotations

import json

from innsync.domain.ari import AVAILABILITY, MIN_STAY_ARRIVAL, STOP_SELL, AriUpdate
from innsync.integrations.errors import ContractBroken

VENDOR = "new_channel"

# Our fields to the vendor's; only fields that the manifest's dialect names ever come.
WORDS = {AVAILABILITY: "available", MIN_STAY_ARRIVAL: "min_stay", STOP_SELL: "closed"}


def entry(update: AriUpdate) -> dict[str, object]:
    """One update as one entry of the vendor's message: absolute values for every night, both ends included."""
    told: dict[str, object] = {
        "room": update.target.room,
        "rate": update.target.rate,
        "from": update.first.isoformat(),
        "to": update.last.isoformat(),
    }
    told |= {WORDS[field]: value for field, value in update.values.items() if field in WORDS}
    if update.prices:
        told["prices"] = {str(adults): str(price.decimal) for adults, price in update.prices}
    return told


def read_object(content: bytes) -> dict[str, object]:
    """A JSON object of the vendor. Raises ContractBroken for anything else; never lets another error out."""
    try:
        found = json.loads(content)
    except ValueError as error:
        raise ContractBroken("the answer is not JSON", vendor=VENDOR) from error
    if not isinstance(found, dict):
        raise ContractBroken("the answer is not an object", vendor=VENDOR)
    return found
