"""The state of the world: plain values, so that it can be stored; and the small things all parts need."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

Json = dict[str, Any]
State = dict[str, Any]

KEY = "engine-sandbox-key"
HORIZON_DAYS = 731


class EngineError(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, code: str, detail: str, **more: object) -> None:
        super().__init__(detail)
        self.status = status
        self.answer: Json = {"code": code, "detail": detail, **more}


def new_state() -> State:
    return {
        "keys": [KEY],
        "hotels": {},
        "codes": {},
        "available": {},
        "terms": {},
        "bookings": {},
        "by_innsync": {},
        "waiting": {},
        "outbox": [],
        "in_flight": {},
        "counter": 1000,
    }


def fixed_id(*parts: str) -> str:
    """The same whenever the same is made again."""
    return uuid5(NAMESPACE_URL, "booking-engine/" + "/".join(parts)).hex[:16]


def instant(now: datetime) -> str:
    return now.isoformat(timespec="microseconds").replace("+00:00", "Z")


def nights(check_in: str, check_out: str) -> list[str]:
    first, end = date.fromisoformat(check_in), date.fromisoformat(check_out)
    return [(first + timedelta(days=offset)).isoformat() for offset in range((end - first).days)]


def terms_on(state: State, rate_id: str, night: str) -> Json:
    """What was told of a rate on a night; open rules and no price where nothing was."""
    untold: Json = {
        "prices": {},
        "min_stay_arrival": 1,
        "min_stay_through": 1,
        "max_stay": 0,
        "closed_to_arrival": False,
        "closed_to_departure": False,
        "stop_sell": False,
    }
    return {**untold, **state["terms"].get(rate_id, {}).get(night, {})}
