"""Innsync keeps bookings, availability and rates in step across everything that sells a room."""

__version__ = "0.1.0"
