"""The control interface: what tests and demos do to the vendors' worlds, the same for every vendor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from innsync.integrations.simulation.faults import Faults
from innsync.integrations.simulation.host import Host, Sandbox
from innsync.integrations.simulation.problems import (
    Problem,
    json,
    query_day,
    query_flag,
    query_number,
    read_model,
    read_object,
)
from innsync.integrations.simulation.requests import RequestLog
from innsync.integrations.simulation.world import PropertySpec, RateSpec, RoomSpec, Stay

LONGEST_CALENDAR_DAYS = 1_000
Code = Annotated[str, Field(min_length=1, max_length=100)]
Adults = Annotated[int, Field(ge=1, le=99)]
ChildAges = tuple[Annotated[int, Field(ge=0, le=17)], ...]
Handler = Callable[[Request], Awaitable[Response]]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BookingBody(Body):
    property: Code
    room: Code
    rate: Code
    check_in: date
    check_out: date
    adults: Adults = 2
    child_ages: ChildAges = ()
    guest: dict[str, str] = {}
    special_requests: Annotated[str, Field(max_length=5_000)] = ""
    rooms: Annotated[int, Field(ge=1, le=50)] = 1
    card: bool = True
    notify: bool = True
    force: bool = False

    def stay(self) -> Stay:
        return Stay(**self.model_dump(exclude={"notify", "force"}))


class ChangeBody(Body):
    """rebook: the vendor cancels and books anew under another id, where it does so; new_first: and tells it in that order."""

    room: Code | None = None
    rate: Code | None = None
    check_in: date | None = None
    check_out: date | None = None
    adults: Adults | None = None
    child_ages: ChildAges | None = None
    guest: dict[str, str] | None = None
    special_requests: Annotated[str, Field(max_length=5_000)] | None = None
    rebook: bool | None = None
    new_first: bool | None = None
    notify: bool = True

    def changes(self) -> dict[str, Any]:
        """What is to change. Raises Problem when that is nothing, or an order of telling without anything told twice."""
        found = {name: value for name, value in self.model_dump(exclude={"notify"}).items() if value is not None}
        if not found:
            raise Problem(422, "nothing to change is given")
        if self.new_first and not self.rebook:
            raise Problem.at("/new_first", "only a booking that is rebooked is told as two")
        return found


class CancelBody(Body):
    notify: bool | None = None


class RateBody(Body):
    code: Code
    name: str
    occupancies: tuple[Adults, ...] = ()
    read_only: bool = False
    currency: Annotated[str, Field(pattern=r"^([A-Z]{3})?$")] = ""


class RoomBody(Body):
    code: Code
    name: str
    count: Annotated[int, Field(ge=0, le=10_000)]
    max_adults: Adults = 2
    max_children: Annotated[int, Field(ge=0, le=99)] = 0
    rates: Annotated[tuple[RateBody, ...], Field(min_length=1)]


class PropertyBody(Body):
    code: Code
    name: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    time_zone: Code
    rooms: Annotated[tuple[RoomBody, ...], Field(min_length=1)]
    settings: dict[str, Any] = {}

    def spec(self) -> PropertySpec:
        rooms = tuple(
            RoomSpec(
                **room.model_dump(exclude={"rates"}), rates=tuple(RateSpec(**rate.model_dump()) for rate in room.rates)
            )
            for room in self.rooms
        )
        return PropertySpec(**self.model_dump(exclude={"rooms"}), rooms=rooms)


class PaceBody(Body):
    limits_per_min: dict[str, Annotated[int, Field(ge=0, le=1_000_000)]] = {}
    pace: dict[str, Annotated[float, Field(ge=0, le=86_400)]] = {}


class ClockBody(Body):
    shift_s: Annotated[float, Field(ge=-315_360_000, le=315_360_000)]


def check_order(check_in: date | None, check_out: date | None) -> None:
    if check_in is not None and check_out is not None and check_out <= check_in:
        raise Problem.at("/check_out", "check_out must be after check_in")


def describe(host: Host) -> dict[str, Any]:
    world = host.world
    return {
        "vendor": host.key,
        "name": world.name,
        "revision": host.revision,
        "now": instant(host),
        "faults": host.trouble.describe(),
        "limits_per_min": dict(world.limits_per_min),
        "pace": dict(world.pace),
    }


def instant(host: Host) -> str:
    return host.world.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def own_site_only(request: Request) -> None:
    """Raises Problem when another site's page makes this request: a browser that visits it could reach this port."""
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise Problem(403, "requests from other sites are not taken")


class Control:
    """The handlers, all about one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def routes(self) -> list[Route]:
        vendor = "/_control/{vendor}"
        found: list[tuple[str, str, Handler]] = [
            ("GET", "/_control/vendors", self.vendors),
            ("POST", "/_control/reset", self.reset),
            ("GET", "/_control/clock", self.clock),
            ("POST", "/_control/clock", self.set_clock),
            ("GET", vendor, self.vendor),
            ("GET", f"{vendor}/accounts", self.accounts),
            ("GET", f"{vendor}/calendar", self.calendar),
            ("POST", f"{vendor}/properties", self.add_property),
            ("GET", f"{vendor}/bookings", self.bookings),
            ("POST", f"{vendor}/bookings", self.book),
            ("PATCH", f"{vendor}/bookings/{{reference}}", self.change),
            ("DELETE", f"{vendor}/bookings/{{reference}}", self.cancel),
            ("POST", f"{vendor}/messages", self.message),
            ("POST", f"{vendor}/reviews", self.review),
            ("GET", f"{vendor}/faults", self.faults),
            ("POST", f"{vendor}/faults", self.set_faults),
            ("DELETE", f"{vendor}/faults", self.clear_faults),
            ("PATCH", f"{vendor}/pace", self.set_pace),
            ("GET", f"{vendor}/requests", self.requests),
            ("GET", f"{vendor}/calls", self.calls),
        ]
        return [Route(path, guarded(method, handler), methods=[method]) for method, path, handler in found]

    def _host(self, request: Request) -> Host:
        return self.sandbox.host(request.path_params["vendor"])

    async def vendors(self, request: Request) -> Response:
        items = [
            {
                "vendor": host.key,
                "name": host.world.name,
                "revision": host.revision,
                "properties": host.world.properties(),
            }
            for host in self.sandbox
        ]
        return json({"items": items})

    async def reset(self, request: Request) -> Response:
        self.sandbox.reset()
        return json({"reset": True})

    async def clock(self, request: Request) -> Response:
        clocks = self.sandbox.clocks()
        return json({"shift_s": clocks[0].shift_s, "now": clocks[0].now()} if clocks else {})

    async def set_clock(self, request: Request) -> Response:
        self.sandbox.set_clock(read_model(ClockBody, await request.body()).shift_s)
        return await self.clock(request)

    async def vendor(self, request: Request) -> Response:
        return json(describe(self._host(request)))

    async def accounts(self, request: Request) -> Response:
        return json({"items": self._host(request).world.accounts()})

    async def calendar(self, request: Request) -> Response:
        host = self._host(request)
        code = request.query_params.get("property", "")
        first = query_day(request, "from")
        last = query_day(request, "to")
        if last < first:
            raise Problem.at("/to", "to must not be before from")
        if last - first > timedelta(days=LONGEST_CALENDAR_DAYS):
            raise Problem.at("/to", f"at most {LONGEST_CALENDAR_DAYS} days at a time")
        host.require_property(code)
        return json({"days": host.world.calendar(code, first, last)})

    async def add_property(self, request: Request) -> Response:
        host = self._host(request)
        spec = read_model(PropertyBody, await request.body()).spec()
        ids = host.world.add_property(spec)
        host.changed()
        return json({"property": spec.code, **ids, "accounts": host.world.accounts()}, 201)

    async def bookings(self, request: Request) -> Response:
        host = self._host(request)
        code = request.query_params.get("property", "")
        host.require_property(code)
        return json({"items": host.world.bookings(code)})

    async def book(self, request: Request) -> Response:
        host = self._host(request)
        body = read_model(BookingBody, await request.body())
        check_order(body.check_in, body.check_out)
        host.require_product(body.property, body.room, body.rate)
        reference = host.world.book(body.stay(), force=body.force, notify=body.notify)
        host.changed()
        told = body.model_dump(include={"property", "room", "rate", "check_in", "check_out", "notify"})
        return json({"reference": reference, "vendor": host.key, **told}, 201)

    async def change(self, request: Request) -> Response:
        host = self._host(request)
        reference = request.path_params["reference"]
        body = read_model(ChangeBody, await request.body())
        check_order(body.check_in, body.check_out)
        host.require_change(reference, body.room, body.rate)
        host.world.change(reference, body.changes(), notify=body.notify)
        host.changed()
        return json({"reference": reference, "vendor": host.key})

    async def cancel(self, request: Request) -> Response:
        host = self._host(request)
        reference = request.path_params["reference"]
        told = read_model(CancelBody, await request.body()).notify
        notify = query_flag(request, "notify", default=True) if told is None else told
        host.world.cancel(reference, notify=notify)
        host.changed()
        return json({"reference": reference, "vendor": host.key})

    async def message(self, request: Request) -> Response:
        host = self._host(request)
        answer = host.world.message(read_object(await request.body()))
        host.changed()
        return json(answer, 201)

    async def review(self, request: Request) -> Response:
        host = self._host(request)
        answer = host.world.review(read_object(await request.body()))
        host.changed()
        return json(answer, 201)

    async def faults(self, request: Request) -> Response:
        return json({"faults": self._host(request).trouble.describe()})

    async def set_faults(self, request: Request) -> Response:
        host = self._host(request)
        host.set_faults(read_model(Faults, await request.body()))
        host.changed()
        return json({"faults": host.trouble.describe()})

    async def clear_faults(self, request: Request) -> Response:
        host = self._host(request)
        host.set_faults(Faults())
        host.changed()
        return Response(status_code=204)

    async def set_pace(self, request: Request) -> Response:
        host = self._host(request)
        body = read_model(PaceBody, await request.body())
        host.set_pace(body.limits_per_min, body.pace)
        host.changed()
        return json({"limits_per_min": host.world.limits_per_min, "pace": host.world.pace})

    async def requests(self, request: Request) -> Response:
        return json(logged(self._host(request).requests, request))

    async def calls(self, request: Request) -> Response:
        return json(logged(self._host(request).calls, request))


def logged(log: RequestLog, request: Request) -> dict[str, Any]:
    after = query_number(request, "after", 0)
    limit = query_number(request, "limit", 1_000, at_least=1, at_most=20_000)
    body = query_flag(request, "body", default=False)
    return {"items": [seen.describe(body=body) for seen in log.after(after, limit)], "last": log.last_id}


def guarded(method: str, handler: Handler) -> Handler:
    """Anything that changes a world is refused to other sites' pages."""
    if method == "GET":
        return handler

    async def checked(request: Request) -> Response:
        own_site_only(request)
        return await handler(request)

    return checked
