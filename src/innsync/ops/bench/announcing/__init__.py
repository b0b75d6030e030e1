"""A channel that sends each booking in a signed call: found by a benchmark's own processes alone."""
