"""Expedia Group: availability and rates, bookings and their confirmation, products, over QuickConnect (EQC) XML."""
