"""The API put together, and its published description."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser
from ninja.renderers import BaseRenderer

from innsync.api import (
    access,
    availability,
    bookings,
    event_kinds,
    events,
    examples,
    extras,
    guests,
    holds,
    hotels,
    incoming,
    inventory_in,
    lookup,
    owners,
    problems,
    rates_in,
    schemas,
    several,
    webhook_endpoints,
    webhooks,
)

_JSON_TYPE = re.compile(r"application/(?:[\w.+-]+\+)?json\s*(;|$)", re.IGNORECASE)


class _Parser(Parser):
    def parse_body(self, request: HttpRequest) -> Any:
        """Raises HttpError by way of ninja for what is not JSON."""
        if not _JSON_TYPE.match(request.headers.get("Content-Type", "")):
            raise _NotJson
        return orjson.loads(request.body)


class _NotJson(Exception):
    pass


class _Renderer(BaseRenderer):
    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return orjson.dumps(data)


class BookingApi(NinjaAPI):
    """django-ninja with our problem documents in place of its own errors."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        document = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        return _with_problems(document)


api = BookingApi(
    title="Innsync booking API",
    version=version("innsync"),
    description=(
        "For a hotel's own website and any other direct seller. Dates are those of the property; check_out is not a "
        "night. Money is a decimal string at the currency's own precision. Errors are RFC 9457 problem documents."
    ),
    docs_url=None,
    openapi_url=None,
    parser=_Parser(),
    renderer=_Renderer(),
    urls_namespace="api",
)


@api.exception_handler(Exception)
def _fault(request: HttpRequest, error: Exception) -> HttpResponse:
    return problems.answer(problems.of_error(error), request)


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return problems.answer(problems.invalid(*(_bad_field(one) for one in error.errors)), request)


@api.exception_handler(AuthenticationError)
def _unauthorised(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return problems.answer(problems.of_status(401), request)


@api.exception_handler(HttpError)
def _refused(request: HttpRequest, error: HttpError) -> HttpResponse:
    status = 415 if isinstance(error.__cause__, _NotJson) else error.status_code
    return problems.answer(problems.of_status(status), request)


def _bad_field(error: dict[str, Any]) -> tuple[str, str]:
    """(JSON Pointer, words) of one of pydantic's findings. What comes first in its path is ours, not the caller's."""
    where, *path = error["loc"]
    if where in ("body", "query", "header", "path", "cookie") and path and path[0] in _OUR_NAMES:
        path = path[1:]
    steps = [str(one).replace("~", "~0").replace("/", "~1") for one in path]
    words = str(error["msg"]).removeprefix("Value error, ").removeprefix("String ").removeprefix("Input ")
    return "".join(f"/{one}" for one in steps), words[:300]


# Names of parameters that are whole models: ninja puts them before the field's own name.
_OUR_NAMES = {"body", "asked", "page", "proof"}

_ANYWHERE = (400, 422, 429, 500, 503)
_MORE = {
    "get": (404,),
    "post": (404, 409, 411, 413, 415),
    "put": (404, 409, 411, 412, 413, 415),
    "delete": (404, 409, 412),
}


def _with_problems(document: OpenAPISchema) -> OpenAPISchema:
    """Say of every operation which problems it may answer."""
    components = document["components"]
    refusal = schemas.ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
    components["schemas"].update(refusal.pop("$defs", {}))
    components["schemas"]["Problem"] = refusal
    components["responses"] = {
        "Problem": {
            "description": "Refused; the document says why.",
            "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    }
    incoming.put_in(document)
    for operations in document["paths"].values():
        for method, operation in operations.items():
            statuses = {*_ANYWHERE, *_MORE[method], 401, 403}
            for status in sorted(statuses):
                operation["responses"].setdefault(status, {"$ref": "#/components/responses/Problem"})
            for parameter in operation["parameters"]:
                _plain(parameter)
    examples.put_in(document)
    event_kinds.put_in(document)
    return document


def _plain(parameter: dict[str, Any]) -> None:
    """A parameter may be left out but never be null, and its examples belong to its schema."""
    parameter.pop("examples", None)
    schema = parameter["schema"]
    choices = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    if len(choices) == 1:
        del schema["anyOf"]
        schema.update(choices[0])
        if schema.get("default", "") is None:
            del schema["default"]


api.add_router("/booking-engine", access.router)
api.add_router("/booking-engine", guests.router)
api.add_router("/booking-engine", hotels.router)
api.add_router("/booking-engine", availability.router)
api.add_router("/booking-engine", rates_in.router)
api.add_router("/booking-engine", inventory_in.router)
api.add_router("/booking-engine", several.router)
api.add_router("/booking-engine", extras.router)
api.add_router("/booking-engine", holds.router)
api.add_router("/booking-engine", bookings.router)
api.add_router("/booking-engine", events.router)
api.add_router("/booking-engine", webhook_endpoints.router)
api.add_router("/events", events.tickets_router)
api.add_router("/bookings", lookup.router)
api.add_router("/owner", owners.router)
api.add_router("/webhooks", webhooks.router)
