"""Benchmarks: what the hub does in a second, beside what the same database or channel can do at most in the same run."""
