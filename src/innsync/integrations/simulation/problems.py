"""Answers of the control interface that say what was wrong: problem documents (RFC 9457) naming each bad field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, TypeVar
from uuid import uuid4

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from innsync.integrations.simulation.world import Refused

TYPES: Mapping[int, tuple[str, str]] = {
    400: ("/problems/malformed", "Malformed request"),
    403: ("/problems/forbidden", "Forbidden"),
    404: ("/problems/not-found", "Not found"),
    405: ("/problems/method-not-allowed", "Method not allowed"),
    409: ("/problems/not-sold", "Not sold here"),
    422: ("/problems/invalid", "Invalid values"),
}

Model = TypeVar("Model", bound=BaseModel)
_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{8,128}")


class Problem(Exception):
    """Ends a request with a problem document. `errors`: (JSON Pointer, what is wrong there)."""

    def __init__(self, status: int, detail: str, errors: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors

    @classmethod
    def at(cls, field: str, detail: str) -> Problem:
        """One bad field of the body, or query parameter, named by its JSON Pointer."""
        return cls(422, detail, [(field, detail)])


def json(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content, option=orjson.OPT_UTC_Z), status, media_type="application/json")


def problem_answer(problem: Problem, request: Request) -> Response:
    kind, title = TYPES.get(problem.status, ("about:blank", "Refused"))
    request_id = _request_id(request)
    document: dict[str, Any] = {
        "type": kind,
        "title": title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": request_id,
    }
    if problem.errors:
        document["errors"] = [{"pointer": pointer, "detail": detail} for pointer, detail in problem.errors]
    headers = {"X-Request-Id": request_id}
    return Response(orjson.dumps(document), problem.status, headers, media_type="application/problem+json")


def _request_id(request: Request) -> str:
    """The caller's own id of the request where it gives one, else a new one."""
    given = request.headers.get("x-request-id", "")
    return given if _SANE_ID.fullmatch(given) else uuid4().hex


async def on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_answer(error, request)


async def on_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return problem_answer(Problem(error.status, error.detail), request)


def read_model(model: type[Model], body: bytes) -> Model:
    """Raises Problem: 400 when the body is no JSON, 422 naming every bad field else."""
    try:
        return model.model_validate_json(body or b"{}", strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
    if any(item["type"] == "json_invalid" for item in found):
        raise Problem(400, "the body is not JSON")
    errors = [("".join(f"/{step}" for step in item["loc"]), item["msg"]) for item in found]
    raise Problem(422, "; ".join(f"{pointer or 'body'}: {words}" for pointer, words in errors), errors)


def read_object(body: bytes) -> dict[str, Any]:
    """Raises Problem when the body is no JSON object."""
    try:
        found = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise Problem(400, "the body is not JSON") from error
    if not isinstance(found, dict):
        raise Problem(422, "the body must be an object", [("", "must be an object")])
    return found


def query_day(request: Request, name: str, default: date | None = None) -> date:
    """Raises Problem when the query parameter is missing without a default, or no date."""
    value = request.query_params.get(name)
    if value is None and default is not None:
        return default
    try:
        return date.fromisoformat(value or "")
    except ValueError as error:
        raise Problem.at(f"/{name}", f"{name} must be a date such as 2026-06-15") from error


def query_number(request: Request, name: str, default: int, *, at_least: int = 0, at_most: int = 2**62) -> int:
    """Raises Problem when the query parameter is not a whole number within its bounds."""
    value = request.query_params.get(name, str(default))
    if not value.isdecimal() or len(value) > 19 or not at_least <= int(value) <= at_most:
        raise Problem.at(f"/{name}", f"{name} must be a whole number from {at_least} to {at_most}")
    return int(value)


def query_flag(request: Request, name: str, *, default: bool) -> bool:
    """Raises Problem for anything but true, false, 1 and 0."""
    value = request.query_params.get(name, str(default)).lower()
    if value not in ("true", "false", "1", "0"):
        raise Problem.at(f"/{name}", f"{name} must be true or false")
    return value in ("true", "1")
