"""One request: who asks, its filters, its page, its dates."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

import orjson
from starlette.requests import Request

from innsync.channels.channex.simulator.state import (
    Json,
    bad_request,
    belongs_to,
    not_found,
)

if TYPE_CHECKING:
    from innsync.channels.channex.simulator.world import ChannexWorld

DEFAULT_PAGE = 10
LARGEST_PAGE = 100
OPERATORS: dict[str, Callable[[Any, str], bool]] = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
    "eq": lambda value, bound: value == bound,
    "not": lambda value, bound: value != bound,
}

Handler = Callable[["Call"], tuple[int, Json]]


class Call:
    """One request whose key is known."""

    def __init__(self, world: ChannexWorld, request: Request, body: bytes, user_id: str) -> None:
        self.world = world
        self.state = world.state
        self.query = request.query_params
        self.path = request.path_params
        self.method = request.method
        self.user_id = user_id
        self.now = world.clock.now()
        self._body = body

    def json(self) -> object:
        try:
            return orjson.loads(self._body)
        except orjson.JSONDecodeError:
            raise bad_request("the body is no JSON") from None

    def owns(self, property_id: object) -> bool:
        return belongs_to(self.state, self.user_id, property_id)

    def matches(self, field: str, value: str) -> bool:
        """Whether a value passes `filter[field]` and `filter[field][operator]`."""
        wanted = self.query.get(f"filter[{field}]")
        if wanted is not None and value not in wanted.split(","):
            return False
        return all(
            test(value, bound)
            for name, test in OPERATORS.items()
            if (bound := self.query.get(f"filter[{field}][{name}]")) is not None
        )

    def page(self, entries: Iterable[Json]) -> tuple[int, Json]:
        """The page asked for; ten entries when nothing is said, a hundred at most."""
        found = list(entries)
        page, limit = self._number("page", 1), min(self._number("limit", DEFAULT_PAGE), LARGEST_PAGE)
        shown = found[(page - 1) * limit : page * limit]
        return 200, {"data": shown, "meta": {"page": page, "limit": limit, "total": len(found)}}

    def _number(self, name: str, default: int) -> int:
        value = self.query.get(f"pagination[{name}]", str(default))
        if not value.isdigit() or int(value) < 1:
            raise bad_request(f"pagination[{name}] is invalid")
        return int(value)

    def property_id(self) -> str:
        property_id = self.query.get("filter[property_id]")
        if property_id is None:
            raise bad_request("property_id is required")
        if not self.owns(property_id):
            raise not_found()
        return property_id

    def dates(self) -> tuple[date, date]:
        single = self.query.get("filter[date]")
        first, last = self.query.get("filter[date][gte]", single), self.query.get("filter[date][lte]", single)
        if first is None or last is None:
            raise bad_request("date is required")
        try:
            return date.fromisoformat(first), date.fromisoformat(last)
        except ValueError:
            raise bad_request("date is invalid") from None


def one(call: Call, kind: str, show: Callable[[str, Json], Json], owner: str = "property_id") -> tuple[int, Json]:
    found = call.state[kind].get(call.path["id"])
    if found is None or not call.owns(found[owner]):
        raise not_found()
    return 200, {"data": show(call.path["id"], found)}
