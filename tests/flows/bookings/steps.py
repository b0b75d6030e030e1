"""The steps of a booking's life that these tests share."""

from __future__ import annotations

from datetime import timedelta

from tests.flows.checks import check_all
from tests.flows.stack import Stack


def in_step(stack: Stack, seller: str) -> None:
    """Take in what the seller reports; then every channel holds what is wanted."""
    stack.pull(seller)
    stack.settle()
    check_all(stack)


def day(stack: Stack, offset: int) -> str:
    return (stack.today + timedelta(days=offset)).isoformat()
