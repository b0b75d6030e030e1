"""The HTTP API: keys, pages, filters, and which path does what."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from innsync.channels.channex.simulator import ari, bookings, catalogue, webhooks
from innsync.channels.channex.simulator.state import (
    ApiError,
    Json,
    bad_request,
    belongs_to,
    new_id,
    not_found,
)

if TYPE_CHECKING:
    from innsync.channels.channex.simulator.world import ChannexWorld

PREFIX = "/api/v1"
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


def routes(world: ChannexWorld) -> list[BaseRoute]:
    def route(path: str, methods: str, handler: Handler) -> Route:
        async def endpoint(request: Request) -> Response:
            return answer(world, request, await request.body(), handler)

        return Route(PREFIX + path, endpoint, methods=methods.split())

    return [
        route("/properties", "GET", list_properties),
        route("/properties/options", "GET", property_options),
        route("/properties/{id}", "GET", get_property),
        route("/room_types", "GET", list_room_types),
        route("/room_types/options", "GET", room_type_options),
        route("/room_types/{id}", "GET", get_room_type),
        route("/rate_plans", "GET", list_rate_plans),
        route("/rate_plans/options", "GET", rate_plan_options),
        route("/rate_plans/{id}", "GET", get_rate_plan),
        route("/availability", "GET", get_availability),
        route("/availability", "POST", post_availability),
        route("/restrictions", "GET", get_restrictions),
        route("/restrictions", "POST", post_restrictions),
        route("/tasks/{id}", "GET", get_task),
        route("/bookings", "GET", list_bookings),
        route("/bookings/{id}", "GET", get_booking),
        route("/booking_revisions", "GET", list_revisions),
        route("/booking_revisions/feed", "GET", feed),
        route("/booking_revisions/{id}", "GET", get_revision),
        route("/booking_revisions/{id}/ack", "POST", acknowledge),
        route("/webhooks", "GET", list_webhooks),
        route("/webhooks", "POST", create_webhook),
        route("/webhooks/test", "POST", test_webhook),
        route("/webhooks/{id}", "GET", get_webhook),
        route("/webhooks/{id}", "PUT", update_webhook),
        route("/webhooks/{id}", "DELETE", delete_webhook),
        route("/{path:path}", "GET POST PUT PATCH DELETE", unknown),
    ]


def answer(world: ChannexWorld, request: Request, body: bytes, handler: Handler) -> Response:
    request.state.operation = f"{request.method} {request.url.path.rpartition(PREFIX)[2]}"
    try:
        user_id = world.state["keys"].get(request.headers.get("user-api-key", ""))
        if user_id is None:
            raise ApiError(401, "unauthorized", "Unauthorized")
        if len(body) > ari.MAX_BODY_BYTES:
            raise ApiError(413, "request_entity_too_large", "Request Entity Too Large")
        status, found = handler(Call(world, request, body, user_id))
    except ApiError as error:
        status, found = error.status, error.answer
        request.state.verdict = error.answer["errors"]["code"]
    else:
        warnings = found.get("meta", {}).get("warnings", ())
        request.state.verdict = f"{len(warnings)} entries refused" if warnings else "ok"
    text = orjson.dumps(found)
    if world.faults.get("bad_schema"):
        text = text[: len(text) // 2]
    return Response(text, status, media_type="application/json")


def unknown(call: Call) -> tuple[int, Json]:
    raise ApiError(404, "not_found", "Not Found")


def one(call: Call, kind: str, show: Callable[[str, Json], Json], owner: str = "property_id") -> tuple[int, Json]:
    found = call.state[kind].get(call.path["id"])
    if found is None or not call.owns(found[owner]):
        raise not_found()
    return 200, {"data": show(call.path["id"], found)}


# --- catalogue


def list_properties(call: Call) -> tuple[int, Json]:
    return call.page(
        catalogue.show_property(property_id, prop)
        for property_id, prop in call.state["properties"].items()
        if call.owns(property_id) and call.matches("id", property_id)
    )


def property_options(call: Call) -> tuple[int, Json]:
    own = ((found, prop) for found, prop in call.state["properties"].items() if call.owns(found))
    return 200, {"data": [_option("property", found, {"title": prop["title"]}) for found, prop in own]}


def get_property(call: Call) -> tuple[int, Json]:
    property_id = call.path["id"]
    if not call.owns(property_id):
        raise not_found()
    return 200, {"data": catalogue.show_property(property_id, call.state["properties"][property_id])}


def _rooms(call: Call) -> Iterable[tuple[str, Json]]:
    for room_id, room in call.state["rooms"].items():
        if call.owns(room["property_id"]) and call.matches("property_id", room["property_id"]):
            yield room_id, room


def _plans(call: Call) -> Iterable[tuple[str, Json]]:
    for plan_id, plan in call.state["plans"].items():
        if call.owns(plan["property_id"]) and call.matches("property_id", plan["property_id"]):
            yield plan_id, plan


def _option(kind: str, found: str, attributes: Json) -> Json:
    return {"type": kind, "id": found, "attributes": {"id": found, **attributes}}


def list_room_types(call: Call) -> tuple[int, Json]:
    return call.page(catalogue.show_room(room_id, room) for room_id, room in _rooms(call))


def room_type_options(call: Call) -> tuple[int, Json]:
    return 200, {
        "data": [
            _option("room_type", found, {"title": room["title"], "property_id": room["property_id"]})
            for found, room in _rooms(call)
        ]
    }


def get_room_type(call: Call) -> tuple[int, Json]:
    return one(call, "rooms", catalogue.show_room)


def list_rate_plans(call: Call) -> tuple[int, Json]:
    return call.page(catalogue.show_plan(plan_id, plan) for plan_id, plan in _plans(call))


def rate_plan_options(call: Call) -> tuple[int, Json]:
    return 200, {
        "data": [
            _option(
                "rate_plan",
                found,
                {
                    "title": plan["title"],
                    "property_id": plan["property_id"],
                    "room_type_id": plan["room_type_id"],
                    "parent_rate_plan_id": plan["parent"],
                    "sell_mode": plan["sell_mode"],
                    "occupancy": plan["options"][0]["occupancy"],
                },
            )
            for found, plan in _plans(call)
        ]
    }


def get_rate_plan(call: Call) -> tuple[int, Json]:
    return one(call, "plans", catalogue.show_plan)


# --- availability, prices, restrictions


def _count(call: Call, kind: str, property_ids: set[str]) -> None:
    ari.count_call(call.state, kind, property_ids, call.world.limits_per_min.get(kind), call.now)


def get_availability(call: Call) -> tuple[int, Json]:
    property_id, (first, last) = call.property_id(), call.dates()
    _count(call, "availability", {property_id})
    return 200, {"data": ari.read_availability(call.state, property_id, first, last, call.now)}


def get_restrictions(call: Call) -> tuple[int, Json]:
    property_id, (first, last) = call.property_id(), call.dates()
    fields = call.query.get("filter[restrictions]")
    if not fields:
        raise bad_request("restrictions is required")
    _count(call, "restrictions", {property_id})
    wanted = fields.split(",")
    return 200, {"data": ari.read_restrictions(call.state, property_id, first, last, wanted, call.now)}


def post_availability(call: Call) -> tuple[int, Json]:
    return _write(call, "availability")


def post_restrictions(call: Call) -> tuple[int, Json]:
    return _write(call, "restrictions")


def _write(call: Call, kind: str) -> tuple[int, Json]:
    entries = ari.entries_of(call.json())
    _count(call, kind, {str(entry.get("property_id")) for entry in entries if call.owns(entry.get("property_id"))})
    return 200, ari.write(call.state, kind, call.user_id, entries, call.now)


def get_task(call: Call) -> tuple[int, Json]:
    task = call.state["tasks"].get(call.path["id"])
    if task is None:
        raise not_found()
    return 200, {"data": ari.show_task(call.path["id"], task)}


# --- bookings


def _ordered(call: Call, entries: Iterable[Json], *, oldest_first: bool = False) -> list[Json]:
    order = call.query.get("order[inserted_at]", "asc" if oldest_first else "desc")
    if order not in ("asc", "desc"):
        raise bad_request("order[inserted_at] is invalid")
    return sorted(entries, key=lambda entry: str(entry["attributes"]["inserted_at"]), reverse=order == "desc")


def _filtered(call: Call, revisions: Json) -> Iterable[tuple[str, Json]]:
    for revision_id, revision in revisions.items():
        attributes = revision["attributes"]
        if (
            call.owns(attributes["property_id"])
            and call.matches("property_id", attributes["property_id"])
            and call.matches("inserted_at", attributes["inserted_at"])
        ):
            yield revision_id, revision


def list_revisions(call: Call) -> tuple[int, Json]:
    return call.page(
        _ordered(call, (bookings.show_revision(*found) for found in _filtered(call, call.state["revisions"])))
    )


def feed(call: Call) -> tuple[int, Json]:
    waiting = {revision_id: call.state["revisions"][revision_id] for revision_id in call.state["waiting"]}
    entries = _ordered(call, (bookings.show_revision(*found) for found in _filtered(call, waiting)))
    if call.world.faults.get("reorder"):
        call.state["random"].shuffle(entries)
    return call.page(entries)


def get_revision(call: Call) -> tuple[int, Json]:
    revision = call.state["revisions"].get(call.path["id"])
    if revision is None or not call.owns(revision["attributes"]["property_id"]):
        raise not_found()
    return 200, {"data": bookings.show_revision(call.path["id"], revision)}


def acknowledge(call: Call) -> tuple[int, Json]:
    revision = call.state["revisions"].get(call.path["id"])
    if revision is None or not call.owns(revision["attributes"]["property_id"]):
        raise not_found()
    # The fault: an acknowledged revision is served once more, until it is acknowledged again.
    served_again = bool(call.world.faults.get("duplicate")) and not revision["acked"]
    revision["acked"] = True
    if not served_again:
        call.state["waiting"].pop(call.path["id"], None)
    return 200, {"meta": {"message": "Success"}}


def list_bookings(call: Call) -> tuple[int, Json]:
    shown = (
        bookings.show_booking(call.state, booking)
        for booking in call.state["bookings"].values()
        if call.owns(booking["property_id"])
    )
    fields = ("property_id", "arrival_date", "departure_date", "inserted_at")
    kept = (entry for entry in shown if all(call.matches(name, entry["attributes"][name]) for name in fields))
    return call.page(_ordered(call, kept))


def get_booking(call: Call) -> tuple[int, Json]:
    return one(call, "bookings", lambda _, booking: bookings.show_booking(call.state, booking))


# --- webhooks


def _webhook(call: Call) -> tuple[str, Json]:
    webhook = call.state["webhooks"].get(call.path["id"])
    if webhook is None or webhook["owner"] != call.user_id:
        raise not_found()
    return call.path["id"], webhook


def list_webhooks(call: Call) -> tuple[int, Json]:
    own = (found for found in call.state["webhooks"].items() if found[1]["owner"] == call.user_id)
    return call.page(webhooks.show(*found) for found in own)


def get_webhook(call: Call) -> tuple[int, Json]:
    return 200, {"data": webhooks.show(*_webhook(call))}


def create_webhook(call: Call) -> tuple[int, Json]:
    webhook_id = webhooks.save(call.state, call.user_id, None, call.json())
    return 201, {"data": webhooks.show(webhook_id, call.state["webhooks"][webhook_id])}


def update_webhook(call: Call) -> tuple[int, Json]:
    webhook_id, _ = _webhook(call)
    webhooks.save(call.state, call.user_id, webhook_id, call.json())
    return 200, {"data": webhooks.show(webhook_id, call.state["webhooks"][webhook_id])}


def delete_webhook(call: Call) -> tuple[int, Json]:
    webhook_id, _ = _webhook(call)
    del call.state["webhooks"][webhook_id]
    return 200, {"meta": {"message": "Success"}}


def test_webhook(call: Call) -> tuple[int, Json]:
    """Sends a stub without a real booking. Unlike Channex's, this answer does not wait for the callback's."""
    body = call.json()
    given = body.get("webhook", body) if isinstance(body, dict) else {}
    if not isinstance(given, dict) or not given.get("callback_url"):
        raise bad_request("callback_url is required")
    stub: Json = {
        "event": "booking",
        "payload": {"booking_id": "", "revision_id": "", "property_id": ""},
        "property_id": given.get("property_id"),
        "user_id": call.user_id,
        "timestamp": call.now.isoformat(),
    }
    hook = {"callback_url": given["callback_url"], "headers": given.get("headers"), "request_params": None}
    webhooks.queue(call.state, hook, stub, call.now)
    return 200, {"status": None, "body": None, "headers": {}, "id": new_id(call.state, "test")}
