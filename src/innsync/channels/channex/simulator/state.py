"""The state of the world: plain values, so that it can be stored; and the small things all parts need."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

Json = dict[str, Any]
State = dict[str, Any]

ACCOUNTS = {
    "channex-sandbox-key": "5c1f8a34-0000-4000-8000-000000000001",
    "channex-sandbox-key-2": "5c1f8a34-0000-4000-8000-000000000002",
}
SETTINGS: Json = {
    "allow_availability_autoupdate_on_confirmation": True,
    "allow_availability_autoupdate_on_modification": False,
    "allow_availability_autoupdate_on_cancellation": False,
    "min_stay_type": "both",
    "state_length": 500,
    "cut_off_time": None,
    "cut_off_days": 0,
    "max_day_advance": None,
    "min_price": None,
    "max_price": None,
}
_NO_DECIMALS = frozenset({"CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"})
_THREE_DECIMALS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


class ApiError(Exception):
    """An answer that is no success: Channex's status, code and title."""

    def __init__(self, status: int, code: str, title: str, details: object = None) -> None:
        super().__init__(title)
        self.status = status
        self.answer: Json = {"errors": {"code": code, "title": title}}
        if details is not None:
            self.answer["errors"]["details"] = details


def not_found() -> ApiError:
    return ApiError(404, "resource_not_found", "Resource Not Found")


def bad_request(*details: str) -> ApiError:
    return ApiError(400, "bad_request", "Bad Request", list(details))


def invalid(details: Json) -> ApiError:
    return ApiError(422, "validation_error", "Validation Error", details)


def new_state() -> State:
    return {
        "keys": dict(ACCOUNTS),
        "properties": {},
        "codes": {},
        "rooms": {},
        "plans": {},
        "options": {},
        "availability": {},
        "rates": {},
        "restrictions": {},
        "tasks": {},
        "bookings": {},
        "revisions": {},
        "waiting": {},  # the revisions that the feed serves, oldest first
        "webhooks": {},
        "outbox": [],
        "in_flight": {},
        "deliveries": [],
        "mails": [],
        "calls": {},
        "last_instant": "",
        "counter": 0,
        "random": random.Random(1),  # noqa: S311  a world that repeats itself, no secrets
    }


def new_id(state: State, kind: str) -> str:
    """An id that is the same in each run."""
    state["counter"] += 1
    return str(uuid5(NAMESPACE_URL, f"channex/{kind}/{state['counter']}"))


def fixed_id(*names: str) -> str:
    return str(uuid5(NAMESPACE_URL, "channex/" + "/".join(names)))


def instant(state: State, now: datetime) -> str:
    """The present as a naive timestamp, later than any given before."""
    moment = now.replace(tzinfo=None)
    if state["last_instant"]:
        moment = max(moment, datetime.fromisoformat(state["last_instant"]) + timedelta(microseconds=1))
    state["last_instant"] = moment.isoformat(timespec="microseconds")
    return str(state["last_instant"])


def today_at(prop: Json, now: datetime) -> date:
    return now.astimezone(ZoneInfo(prop["timezone"])).date()


def horizon(prop: Json, now: datetime) -> date:
    """The last day that can be written or read."""
    return today_at(prop, now) + timedelta(days=prop["settings"]["state_length"])


def digits(currency: str) -> int:
    return 0 if currency in _NO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2


def money(amount: Decimal, currency: str) -> str:
    return f"{amount:.{digits(currency)}f}"


def nights(first: date, last: date) -> list[str]:
    return [(first + timedelta(days=offset)).isoformat() for offset in range((last - first).days + 1)]


def belongs_to(state: State, user_id: str, property_id: object) -> bool:
    prop = state["properties"].get(property_id)
    return prop is not None and prop["owner"] == user_id
