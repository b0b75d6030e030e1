"""The published reference: OpenAPI 3.1, and the same as a page that needs no script."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template import engines

from innsync.api.main import api

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_LIVES_S = 300


@cache
def _document() -> bytes:
    return orjson.dumps(api.get_openapi_schema(path_prefix="api/"), option=orjson.OPT_NON_STR_KEYS)


def openapi(request: HttpRequest) -> HttpResponse:
    """GET /api/openapi.json"""
    return _give(request, _document(), "application/json")


def page(request: HttpRequest) -> HttpResponse:
    """GET /api/docs"""
    response = _give(request, _page(), "text/html; charset=utf-8")
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response


def style(request: HttpRequest) -> HttpResponse:
    """GET /api/docs.css"""
    return _give(request, (files("innsync.api") / "docs.css").read_bytes(), "text/css; charset=utf-8")


def _give(request: HttpRequest, body: bytes, content_type: str) -> HttpResponse:
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    return HttpResponse(body, content_type=content_type, headers={"Cache-Control": f"max-age={_LIVES_S}"})


@cache
def _page() -> bytes:
    document = json.loads(_document())
    template = engines["django"].from_string((files("innsync.api") / "docs.html").read_text("utf-8"))
    return template.render(
        {"info": document["info"], "groups": _groups(document), "schemas": _schemas(document)}
    ).encode()


def _groups(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Operations under their tags, in the order of the document."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            found.setdefault(operation.get("tags", ["Other"])[0], []).append(_operation(path, method, operation))
    return [{"name": name, "operations": operations} for name, operations in found.items()]


def _operation(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "description": operation.get("description", ""),
        "parameters": [
            {
                "name": one["name"],
                "where": one["in"],
                "required": one["required"],
                "kind": _kind(one["schema"]),
                "description": one.get("description", ""),
            }
            for one in operation["parameters"]
        ],
        "body": _kind(body) if body else "",
        "answers": [
            {"status": status, "kind": _answer_kind(one)} for status, one in sorted(operation["responses"].items())
        ],
        "open": not operation.get("security"),
    }


def _answer_kind(answer: dict[str, Any]) -> str:
    if "$ref" in answer:
        return _name(answer["$ref"])
    content = answer.get("content", {})
    return _kind(next(iter(content.values()))["schema"]) if content else "no body"


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a few words; a name of a schema below stays a name."""
    if "$ref" in schema:
        return _name(schema["$ref"])
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return " or ".join(dict.fromkeys(_kind(one) for one in schema[choice]))
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return f"{kind} ({schema['format']})" if "format" in schema else str(kind)


def _name(reference: str) -> str:
    return reference.rsplit("/", 1)[-1]


def _schemas(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "description": schema.get("description", ""),
            "members": [
                {
                    "name": member,
                    "kind": _kind(about),
                    "required": member in schema.get("required", []),
                    "description": about.get("description", ""),
                }
                for member, about in schema.get("properties", {}).items()
            ],
        }
        for name, schema in sorted(document["components"]["schemas"].items())
    ]
