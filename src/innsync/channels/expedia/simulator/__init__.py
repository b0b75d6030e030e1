"""Expedia as its documents describe QuickConnect, as strict. Shares nothing with the adapter beside it."""

from innsync.channels.expedia.simulator.world import ExpediaWorld

WORLD = ExpediaWorld
