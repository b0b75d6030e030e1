"""Requests to Channex's world as anybody may send them: no adapter."""

from __future__ import annotations

import json
from typing import Any

import httpx

OTHER_KEY = "channex-sandbox-key-2"
DAY = "2026-11-21"
HOOK = "http://127.0.0.1:9/hook"


class Caller:
    """Speaks to the simulator as anybody would."""

    def __init__(self, client: httpx.Client, key: str) -> None:
        self.client, self.key = client, key

    def __call__(self, method: str, path: str, body: object = None, *, status: int = 200, **query: object) -> Any:
        params = {name: str(value) for name, value in query.items()}
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        headers = {"user-api-key": self.key}
        response = self.client.request(method, f"/api/v1{path}", content=content, params=params, headers=headers)
        assert response.status_code == status, response.text
        return response.json()


def warning(answer: dict[str, Any]) -> Any:
    """What a 200 says of the one entry that it refused."""
    assert answer["data"] == []
    assert answer["meta"]["message"] == "Success"  # which says nothing
    return answer["meta"]["warnings"][0]["warning"]


def webhook(call: Caller, ids: dict[str, Any], **changes: object) -> Any:
    """The id of a webhook that tells all of bookings, or what the changes say."""
    hook = {
        "callback_url": HOOK,
        "event_mask": "booking",
        "property_id": ids["id"],
        "is_active": True,
        "send_data": True,
    }
    return call("POST", "/webhooks", {"webhook": {**hook, **changes}}, status=201)["data"]["id"]
