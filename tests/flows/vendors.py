"""The channels of the sandbox that every house of these tests is connected to."""

from __future__ import annotations

VENDORS = ("booking_com", "expedia", "channex")
