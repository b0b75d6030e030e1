"""Tokens: with which keys we sign ours, and whose of others we believe."""
