"""A booking engine as docs/reference/booking-engine.md describes it, with guests of its own.

Imports nothing of Innsync but what all simulators share.
"""

from innsync.channels.booking_engine.simulator.world import BookingEngineWorld

WORLD = BookingEngineWorld

__all__ = ["WORLD", "BookingEngineWorld"]
