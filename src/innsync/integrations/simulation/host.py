"""One vendor's world with everything that surrounds it: faults, the logs, the pace it began with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp

from innsync.integrations.simulation.faults import FaultMiddleware, Faults, Trouble
from innsync.integrations.simulation.problems import Problem
from innsync.integrations.simulation.requests import RecordingMiddleware, RequestLog
from innsync.integrations.simulation.world import Clock, VendorWorld


class Host:
    """A world in the sandbox. `revision` grows with whatever may have changed the world's state."""

    def __init__(self, world: VendorWorld) -> None:
        self.world = world
        self.trouble = Trouble()
        self.requests = RequestLog()
        self.calls = RequestLog()
        self.revision = 0
        self.limits = dict(world.limits_per_min)
        self._first_limits = dict(world.limits_per_min)
        self._first_pace = dict(world.pace)
        self._known: dict[str, set[tuple[str, str]]] = {}

    @property
    def key(self) -> str:
        return self.world.key

    def app(self) -> ASGIApp:
        """The vendor's routes, inside its faults, inside the log."""
        routes = Starlette(routes=self.world.routes())
        return RecordingMiddleware(
            FaultMiddleware(routes, self.trouble),
            seen=self.requests,
            clock=self.world.clock,
            on_request=self.changed,
        )

    def changed(self) -> None:
        self.revision += 1

    def set_faults(self, faults: Faults) -> None:
        """Put these faults in place of any others."""
        self.trouble.set(faults)
        self._pass_on()

    def _pass_on(self) -> None:
        """Give the world its own faults and the limits that they leave it."""
        self.world.faults.clear()
        self.world.faults.update(self.trouble.faults.passed_on())
        limit = self.trouble.faults.rate_limit_per_min
        wanted = self.limits if limit is None else dict.fromkeys(self.limits, limit)
        self.world.limits_per_min.clear()
        self.world.limits_per_min.update(wanted)

    def set_pace(self, limits: Mapping[str, int], pace: Mapping[str, float]) -> None:
        """Change some of the vendor's limits and waits. Raises Problem for a name that this vendor does not have."""
        errors = [(f"/limits_per_min/{name}", "no such limit here") for name in limits if name not in self.limits]
        errors += [(f"/pace/{name}", "no such wait here") for name in pace if name not in self.world.pace]
        if errors:
            raise Problem(422, f"{self.world.name} does not know {', '.join(at for at, _ in errors)}", errors)
        self.limits.update(limits)
        self.world.pace.update(pace)
        self._pass_on()

    def reset(self) -> None:
        """The world as new, at the vendor's own pace, without faults; the logs are emptied."""
        self.trouble.clear()
        self.limits = dict(self._first_limits)
        self.world.pace.clear()
        self.world.pace.update(self._first_pace)
        self._pass_on()
        self.world.reset()
        self.requests.clear()
        self.calls.clear()
        self._known.clear()
        self.changed()

    def require_property(self, code: str) -> set[tuple[str, str]]:
        """The products (room, rate) of the property. Raises Problem 404 when this vendor does not have it."""
        if code not in self._known:
            self._known = {
                found["property"]: {(product["room"], product["rate"]) for product in found["products"]}
                for found in self.world.properties()
            }
        if code not in self._known:
            raise _not_here("/property", f"{self.world.name} has no property {code!r}")
        return self._known[code]

    def require_product(self, code: str, room: str, rate: str) -> None:
        """Raises Problem 404 when this vendor does not have the property, or the room at that rate."""
        if (room, rate) not in self.require_property(code):
            self._known.clear()  # the property may have grown since
            if (room, rate) not in self.require_property(code):
                known_room = any(room == one for one, _ in self.require_property(code))
                field = "/rate" if known_room else "/room"
                raise _not_here(field, f"{self.world.name} has no {room!r} at {rate!r} in {code!r}")

    def require_change(self, reference: str, room: str | None, rate: str | None) -> None:
        """Raises Problem 404 when the booking's property lacks what it is changed to; None: stays as it is.

        A booking that does not exist is for the world to refuse.
        """
        if room is None and rate is None:
            return
        for found in self.world.properties():
            for booking in self.world.bookings(found["property"]):
                if booking["reference"] == reference:
                    self.require_product(found["property"], room or booking["room"], rate or booking["rate"])
                    return

    def snapshot(self) -> dict[str, Any]:
        """What has to outlive the process, as picklable values."""
        return {
            "state": self.world.state,
            "limits": self.limits,
            "pace": self.world.pace,
            "faults": self.trouble.describe(),
            "shift_s": self.world.clock.shift_s,
            "last_request": self.requests.last_id,
            "last_call": self.calls.last_id,
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        self.world.state = snapshot["state"]
        self.limits = dict(snapshot["limits"])
        self.world.pace.update(snapshot["pace"])
        self.world.clock.shift_s = snapshot["shift_s"]
        self.requests.last_id = snapshot["last_request"]
        self.calls.last_id = snapshot["last_call"]
        self.set_faults(Faults.model_validate(snapshot["faults"]))


def _not_here(pointer: str, detail: str) -> Problem:
    return Problem(404, detail, [(pointer, detail)])


class Sandbox:
    """All vendors' worlds, by key."""

    def __init__(self, worlds: Iterable[VendorWorld]) -> None:
        self.hosts = {world.key: Host(world) for world in worlds}

    def __iter__(self) -> Iterator[Host]:
        return iter(self.hosts.values())

    def host(self, key: str) -> Host:
        """Raises Problem 404 for a vendor that is not here."""
        if key not in self.hosts:
            raise Problem(404, f"no vendor {key!r} here")
        return self.hosts[key]

    def clocks(self) -> list[Clock]:
        """The worlds' clocks, each once; worlds started together share one."""
        return list({id(host.world.clock): host.world.clock for host in self}.values())

    def set_clock(self, shift_s: float) -> None:
        for clock in self.clocks():
            clock.shift_s = shift_s
        for host in self:
            host.changed()

    def reset(self) -> None:
        for host in self:
            host.reset()
        self.set_clock(0.0)
