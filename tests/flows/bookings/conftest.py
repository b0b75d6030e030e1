"""A booking's whole life at each channel: kept, counted, and told to every channel, the one that sold it included."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.flows.stack import Stack, small_hotel


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """Two room types of two rooms each on every channel."""
    made = make_stack(plan=small_hotel(f"house-{uuid4().hex[:8]}", types=("double", "suite")), days=45)
    made.settle()
    return made
