"""Killing and cutting at random under load, and judging what is left by laws that must hold whatever happened."""
