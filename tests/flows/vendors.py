"""The channels of the sandbox that a house of these tests is connected to, and the classes of their adapters.

A booking engine, which is told bookings as well, has flows of its own: test_booking_engine.py.
"""

from __future__ import annotations

from innsync.channels.booking_com.adapter import BookingCom
from innsync.channels.channex.adapter import ChannexAdapter
from innsync.channels.expedia.adapter import ADAPTER as EXPEDIA

VENDORS = ("booking_com", "expedia", "channex")
ADAPTERS: dict[str, type] = {"booking_com": BookingCom, "expedia": type(EXPEDIA), "channex": ChannexAdapter}
