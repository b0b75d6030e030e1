"""What the public API offers, from the description that it publishes itself."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import resolve

from innsync.ops.docs import markdown

INTRO = """The complete reference is the OpenAPI 3.1 document that a running installation publishes at `/api/openapi.json`, and the
same as a page at `/api/docs`: parameters, bodies, answers and errors of every operation. This page lists what there is."""
HABITS = """## Habits

- JSON in UTF-8, names in `snake_case`. A stay is `check_in` (included) and `check_out` (not included), dates at the property.
- Money is `{"amount": "412.50", "currency": "USD"}`: a decimal string, never a float. Instants are RFC 3339 in UTC.
- A `POST` that creates takes an `Idempotency-Key`: the same key with the same body answers the first answer again.
- A booking's answer carries an `ETag`; `PUT` and `DELETE` take it as `If-Match`.
- Errors are problem documents: [errors](errors.md)."""
OPEN = """## Without a key

`GET /healthz` (alive), `GET /readyz` (fit for traffic, part by part; 503 when not) and `GET /metrics` (Prometheus)."""


def page() -> str:
    document = published()
    rows = [
        (f"`{method.upper()} {path}`", operation["summary"], _scopes(operation))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    return markdown.page(
        "API", INTRO, HABITS, "## Operations", markdown.table(("operation", "what it does", "key"), rows), OPEN
    )


def published() -> dict[str, Any]:
    """The OpenAPI document as the address serves it."""
    path = "/api/openapi.json"
    answer: HttpResponse = resolve(path).func(RequestFactory().get(path))
    document: dict[str, Any] = json.loads(answer.content)
    return document


def _scopes(operation: dict[str, Any]) -> str:
    return "needed" if operation.get("security") else "not needed"
