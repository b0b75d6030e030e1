"""An example of every operation, in the published description: what is asked and what is answered.

They are kept beside this file as JSON: by operation the parameters, the body, the status and the answer. A test asks
each of them of a running server. The installation that they speak of is made up; its ids and dates stand for others.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from innsync.api.problems import MEDIA_TYPE


@cache
def examples() -> dict[str, dict[str, Any]]:
    """By operation id."""
    found: dict[str, dict[str, Any]] = orjson.loads((files("innsync.api") / "examples.json").read_bytes())
    return found


REFUSED = {
    "type": "/problems/invalid",
    "title": "The request is not valid",
    "status": 422,
    "detail": "check_out must be after check_in",
    "instance": "5f3c0d9f8c5a4d0aa4f4b8b6f4b9d2c1",
    "errors": [{"pointer": "/check_out", "detail": "must be after check_in"}],
}


def put_in(document: Any) -> None:
    """Into the document, where OpenAPI 3.1 wants examples."""
    document["components"]["responses"]["Problem"]["content"][MEDIA_TYPE]["example"] = REFUSED
    for operations in document["paths"].values():
        for operation in operations.values():
            found = examples().get(operation["operationId"])
            if found is not None:
                _put(operation, found)


def _put(operation: dict[str, Any], found: dict[str, Any]) -> None:
    for parameter in operation["parameters"]:
        if parameter["name"] in found["parameters"]:
            parameter["example"] = found["parameters"][parameter["name"]]
    if "body" in found:
        operation["requestBody"]["content"]["application/json"]["example"] = found["body"]
    if "answer" in found:
        answers = {str(status): answer for status, answer in operation["responses"].items()}
        answers[str(found["status"])]["content"]["application/json"]["example"] = found["answer"]
