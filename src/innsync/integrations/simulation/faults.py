"""What goes wrong between a partner and a vendor, on demand."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import deque
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOLD_LIMIT_S = 60.0
PASSED_ON = ("duplicate", "reorder", "drop_webhooks", "bad_schema")
Probability = Annotated[float, Field(ge=0, le=1)]


class Faults(BaseModel):
    """The faults of one vendor, as the control interface takes them.

    latency_ms: added before each request is looked at. error_rate: share of requests answered with `status` and not
    applied; a status alone means every request. timeout_after_apply: share of requests that are applied but never
    answered; true means all. rate_limit_per_min: in place of all limits of the vendor's own. down_for_s: nothing but
    503 for that long from now. The others are the vendor's own misbehaviour. seed: makes the shares repeatable.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    latency_ms: Annotated[float, Field(ge=0, le=60_000)] = 0
    error_rate: Probability | None = None
    status: Annotated[int, Field(ge=400, le=599)] = 500
    timeout_after_apply: bool | Probability = 0
    rate_limit_per_min: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    down_for_s: Annotated[float, Field(ge=0, le=86_400)] = 0
    duplicate: bool = False
    reorder: bool = False
    drop_webhooks: bool = False
    bad_schema: bool = False
    seed: int = 0

    @property
    def error_share(self) -> float:
        if self.error_rate is None:
            return 1.0 if "status" in self.model_fields_set else 0.0
        return self.error_rate

    def passed_on(self) -> dict[str, object]:
        """The faults that the world itself honours."""
        return {name: True for name in PASSED_ON if getattr(self, name)}


class Trouble:
    """The faults in force at one vendor, with what they need to remember."""

    def __init__(self) -> None:
        self.clear()

    def set(self, faults: Faults) -> None:
        self.faults = faults
        self.down_until = time.time() + faults.down_for_s
        self.random = random.Random(faults.seed)  # noqa: S311 - chance, not a secret
        self.calls: deque[float] = deque()

    def clear(self) -> None:
        self.set(Faults())

    def describe(self) -> dict[str, object]:
        """The faults that are set, `down_for_s` as what is left of it."""
        found: dict[str, object] = self.faults.model_dump(exclude_unset=True)
        if "down_for_s" in found:
            found["down_for_s"] = round(max(0.0, self.down_until - time.time()), 3)
        return found

    def chance(self, share: float) -> bool:
        return share > 0 and self.random.random() < share

    def over_limit(self, now: float) -> int | None:
        """Counts a call; the seconds to wait (1 at least) when the minute's calls are used up, and then it counts nothing."""
        limit = self.faults.rate_limit_per_min
        if limit is None:
            return None
        while self.calls and self.calls[0] <= now - 60:
            self.calls.popleft()
        if len(self.calls) >= limit:
            oldest = self.calls[0] if self.calls else now
            return max(1, math.ceil(oldest + 60 - now))
        self.calls.append(now)
        return None


class FaultMiddleware:
    """Stands around a vendor's routes and makes its trouble. Says which fault struck in `state["verdict"]`."""

    def __init__(self, app: ASGIApp, trouble: Trouble) -> None:
        self.app = app
        self.trouble = trouble

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        trouble, faults = self.trouble, self.trouble.faults
        if faults.latency_ms:
            await asyncio.sleep(faults.latency_ms / 1000)
        answer = self._refusal(scope)
        if answer is not None:
            await answer(scope, receive, send)
        elif trouble.chance(float(faults.timeout_after_apply)):
            await self._apply_and_stay_silent(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        """The answer in place of the vendor's, when this request is not to reach it."""
        trouble = self.trouble
        left = trouble.down_until - time.time()
        if trouble.faults.down_for_s and left > 0:
            scope["state"]["verdict"] = "fault:down"
            return PlainTextResponse("down", 503, {"retry-after": str(math.ceil(left))})
        wait = trouble.over_limit(time.monotonic())
        if wait is not None:
            scope["state"]["verdict"] = "fault:rate_limit"
            return PlainTextResponse("too many requests", 429, {"retry-after": str(wait)})
        if trouble.chance(trouble.faults.error_share):
            scope["state"]["verdict"] = "fault:error"
            return PlainTextResponse("an error on demand", trouble.faults.status)
        return None

    async def _apply_and_stay_silent(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The vendor does what it was asked and the caller never learns of it."""

        async def swallow(message: Message) -> None:
            return None

        await self.app(scope, receive, swallow)
        scope["state"]["verdict"] = "fault:timeout_after_apply"
        scope["state"]["unanswered"]()
        try:
            async with asyncio.timeout(HOLD_LIMIT_S):
                while (await receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            await PlainTextResponse("gateway time-out", 504)(scope, receive, send)
