"""Channex: a channel manager in the middle, with Booking.com, Airbnb, Expedia, Vrbo and others behind it."""
