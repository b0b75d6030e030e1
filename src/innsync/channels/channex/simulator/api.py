"""The HTTP API: keys, which path does what, the catalogue, availability and restrictions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from innsync.channels.channex.simulator import api_bookings, api_messages, ari, catalogue
from innsync.channels.channex.simulator.call import Call, Handler, one
from innsync.channels.channex.simulator.state import (
    ApiError,
    Json,
    bad_request,
    not_found,
)

if TYPE_CHECKING:
    from innsync.channels.channex.simulator.world import ChannexWorld

PREFIX = "/api/v1"


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
        route("/bookings", "GET", api_bookings.list_bookings),
        route("/bookings/{id}", "GET", api_bookings.get_booking),
        route("/bookings/{id}/messages", "GET", api_messages.list_messages_of_booking),
        route("/bookings/{id}/messages", "POST", api_messages.say_about_booking),
        route("/message_threads", "GET", api_messages.list_threads),
        route("/message_threads/{id}", "GET", api_messages.get_thread),
        route("/message_threads/{id}/messages", "GET", api_messages.list_messages),
        route("/message_threads/{id}/messages", "POST", api_messages.say),
        route("/message_threads/{id}/close", "POST", api_messages.close),
        route("/booking_revisions", "GET", api_bookings.list_revisions),
        route("/booking_revisions/feed", "GET", api_bookings.feed),
        route("/booking_revisions/{id}", "GET", api_bookings.get_revision),
        route("/booking_revisions/{id}/ack", "POST", api_bookings.acknowledge),
        route("/webhooks", "GET", api_bookings.list_webhooks),
        route("/webhooks", "POST", api_bookings.create_webhook),
        route("/webhooks/test", "POST", api_bookings.test_webhook),
        route("/webhooks/{id}", "GET", api_bookings.get_webhook),
        route("/webhooks/{id}", "PUT", api_bookings.update_webhook),
        route("/webhooks/{id}", "DELETE", api_bookings.delete_webhook),
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
