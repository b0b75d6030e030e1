"""The engine's own interface, as docs/reference/booking-engine.md publishes it."""

from __future__ import annotations

import hmac
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from innsync.channels.booking_engine.simulator import ari, bookings, webhooks
from innsync.channels.booking_engine.simulator.state import EngineError, Json

if TYPE_CHECKING:
    from innsync.channels.booking_engine.simulator.world import BookingEngineWorld

LARGEST_PAGE = 100
Handler = Callable[[Request], Awaitable[tuple[int, Json]]]


def routes(world: BookingEngineWorld) -> list[BaseRoute]:
    api = _Api(world)
    hotel = "/hotels/{hotel}"
    found: list[tuple[str, str, Handler]] = [
        ("GET", hotel, api.hotel),
        ("PUT", f"{hotel}/ari", api.write_ari),
        ("GET", f"{hotel}/ari", api.read_ari),
        ("GET", f"{hotel}/bookings", api.changed),
        ("PUT", f"{hotel}/bookings/{{innsync_id}}", api.put_booking),
        ("PUT", f"{hotel}/webhook", api.register),
        ("GET", "/bookings/waiting", api.waiting),
        ("POST", "/bookings/acknowledge", api.acknowledge),
    ]
    return [Route(path, api.guarded(handler), methods=[method]) for method, path, handler in found]


class _Api:
    def __init__(self, world: BookingEngineWorld) -> None:
        self.world = world
        self.calls: deque[float] = deque()

    def guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Known key, within the limit, and every refusal in the engine's own words."""

        async def answer(request: Request) -> Response:
            try:
                self._count()
                self._authenticate(request)
                status, body = await handler(request)
            except EngineError as error:
                request.state.verdict = error.answer["code"]
                return _json(error.status, error.answer, {"Retry-After": "5"} if error.status == 429 else {})
            if self.world.faults.get("bad_schema"):
                body = {"unexpected": True}
            return _json(status, body, {})

        return answer

    def _count(self) -> None:
        now = time.monotonic()
        while self.calls and self.calls[0] < now - 60:
            self.calls.popleft()
        if len(self.calls) >= self.world.limits_per_min["calls"]:
            raise EngineError(429, "too_many_requests", "slower, please")
        self.calls.append(now)

    def _authenticate(self, request: Request) -> None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ").encode()
        if not any(hmac.compare_digest(given, key.encode()) for key in self.world.state["keys"]):
            raise EngineError(401, "unauthorised", "the key is not known")

    def _hotel_id(self, request: Request) -> str:
        hotel_id: str = request.path_params["hotel"]
        if hotel_id not in self.world.state["hotels"]:
            raise EngineError(404, "unknown_hotel", "there is no such hotel")
        return hotel_id

    async def hotel(self, request: Request) -> tuple[int, Json]:
        hotel_id = self._hotel_id(request)
        hotel = self.world.state["hotels"][hotel_id]
        return 200, {
            "id": hotel_id,
            "name": hotel["name"],
            "currency": hotel["currency"],
            "time_zone": hotel["time_zone"],
            "room_types": [
                {
                    "id": room_id,
                    "name": room["name"],
                    "max_adults": room["max_adults"],
                    "rate_plans": [
                        {
                            "id": rate_id,
                            **{name: rate[name] for name in ("name", "occupancies", "currency", "read_only")},
                        }
                        for rate_id, rate in room["rates"].items()
                    ],
                }
                for room_id, room in hotel["rooms"].items()
            ],
        }

    async def write_ari(self, request: Request) -> tuple[int, Json]:
        return 200, ari.write(self.world.state, self._hotel_id(request), await _body(request), self.world.clock.now())

    async def read_ari(self, request: Request) -> tuple[int, Json]:
        query = request.query_params
        days = ari.read(self.world.state, self._hotel_id(request), query.get("from", ""), query.get("to", ""))
        return 200, {"days": days}

    async def waiting(self, request: Request) -> tuple[int, Json]:
        state = self.world.state
        limit = _limit(request)
        found = [state["bookings"][reference] for reference in state["waiting"]]
        if self.world.faults.get("reorder"):
            found.reverse()
        return 200, {"bookings": [bookings.show(state, one) for one in found[:limit]], "more": len(found) > limit}

    async def acknowledge(self, request: Request) -> tuple[int, Json]:
        body = await _body(request)
        items = body.get("items") if isinstance(body, dict) else None
        if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
            raise EngineError(422, "invalid", "items must be a list of objects")
        unknown = [one for one in items if not self._acknowledge(one)]
        return 200, {"unknown": unknown}

    def _acknowledge(self, item: Json) -> bool:
        state = self.world.state
        reference, version = item.get("booking_id"), item.get("version")
        booking = state["bookings"].get(reference) if isinstance(reference, str) else None
        if booking is None or not isinstance(version, int) or not 0 < version <= booking["version"]:
            return False
        booking["acknowledged"] = max(booking["acknowledged"], version)
        booking["confirmation"] = item.get("confirmation")
        if booking["acknowledged"] == booking["version"]:
            state["waiting"].pop(reference, None)
        return True

    async def changed(self, request: Request) -> tuple[int, Json]:
        state, hotel_id, limit = self.world.state, self._hotel_id(request), _limit(request)
        try:
            since = datetime.fromisoformat(request.query_params.get("changed_since", ""))
        except ValueError:
            raise EngineError(422, "invalid", "changed_since must be a moment") from None
        since = since if since.tzinfo else since.replace(tzinfo=UTC)
        found = sorted(
            (one["updated_at"], one["id"])
            for one in state["bookings"].values()
            if one["hotel"] == hotel_id and datetime.fromisoformat(one["updated_at"]) >= since
        )
        after = request.query_params.get("after", "")
        left = [one for one in found if "|".join(one) > after]
        shown = [bookings.show(state, state["bookings"][reference]) for _, reference in left[:limit]]
        return 200, {"bookings": shown, "next": "|".join(left[limit - 1]) if len(left) > limit else ""}

    async def put_booking(self, request: Request) -> tuple[int, Json]:
        hotel_id = self._hotel_id(request)
        status, answer, booking = bookings.put(
            self.world.state,
            hotel_id,
            request.path_params["innsync_id"],
            await _body(request),
            self.world.clock.now(),
        )
        if self.world.state["hotels"][hotel_id]["echoes"]:
            event = "booking-created" if status == 201 else "booking-updated"
            webhooks.announce(self.world.state, booking, event, self.world.clock.now())
        return status, answer

    async def register(self, request: Request) -> tuple[int, Json]:
        hotel_id = self._hotel_id(request)
        hook = webhooks.hook_of(await _body(request))
        if hook is None:
            raise EngineError(422, "invalid", "url and secret must be given")
        self.world.state["hotels"][hotel_id]["webhook"] = hook
        return 200, {"id": f"hook-{hotel_id}"}


async def _body(request: Request) -> object:
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise EngineError(400, "malformed", "the body is no JSON") from None


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(LARGEST_PAGE))
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 4 and int(text) > 0):
        raise EngineError(422, "invalid", "limit must be a number")
    return min(int(text), LARGEST_PAGE)


def _json(status: int, body: Json, headers: dict[str, str]) -> Response:
    return Response(orjson.dumps(body), status, headers, media_type="application/json")
