"""Channex as its pages describe it: API v1 with properties, ARI, bookings behind OTAs, and webhooks.

Imports nothing of Innsync but what all simulators share. What is invented here is marked so in ../NOTES.md.
"""

from innsync.channels.channex.simulator.world import ChannexWorld

WORLD = ChannexWorld

__all__ = ["WORLD", "ChannexWorld"]
