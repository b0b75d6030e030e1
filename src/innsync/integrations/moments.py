"""Moments as vendors write them."""

from __future__ import annotations

from datetime import UTC, datetime


def read_moment(text: str) -> datetime:
    """An ISO 8601 moment in UTC, which is also what one without a zone is taken for. Raises ValueError for anything else.

    Also for one that lies beyond the calendar in UTC, which Python tells by an OverflowError.
    """
    moment = datetime.fromisoformat(text)
    try:
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is no moment") from None
