"""Innsync's API for Python programs."""

from innsync_client.calling import Refusal
from innsync_client.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client", "Refusal"]
