"""The calls that New Channel knows, one typed function each; no business words.

Everything goes through `Session.request`, which keeps the limits, sets time-outs, logs, and turns what can go wrong on
the wire into the IntegrationError family. Nothing else may open a connection.
"""

from __future__ import annotations

from collections.abc import Mapping

from innsync.integrations.http import Session

# The manifest's limits that every call draws on.
LIMITS = ("calls",)


def call(
    session: Session,
    method: str,
    path: str,
    *,
    operation: str,
    content: bytes | None = None,
    params: Mapping[str, str] | None = None,
    property_id: str = "",
    urgent: bool = False,
) -> bytes:
    """One authenticated call; the body of its answer.

    urgent: it closes something, so it may use the calls that the manifest's `reserve` keeps back.
    Raises what `Session.request` raises.
    """
    answer = session.request(
        method,
        "api",
        path,
        operation=operation,
        content=content,
        params=params,
        headers={"authorization": f"Bearer {session.credentials['api_key']}"},
        limits=LIMITS,
        property_id=property_id,
        urgent=urgent,
    )
    return answer.content
