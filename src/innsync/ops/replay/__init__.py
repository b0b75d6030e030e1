"""Playing a data set of real bookings through the real entry points, and checking what became of it."""
