"""Booking.com as its documents describe it; knows nothing of the adapter."""

from innsync.channels.booking_com.simulator.world import BookingComWorld

WORLD = BookingComWorld
