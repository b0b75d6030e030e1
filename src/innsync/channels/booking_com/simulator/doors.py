"""Who may call, and how often: tokens, calls a minute, the pace of polling."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import math
from collections import deque
from datetime import datetime, timedelta

import orjson

from innsync.channels.booking_com.simulator.state import Hotel, State
from innsync.channels.booking_com.simulator.wire import Fault, ruid

CLIENT_ID = "1A2B3C4D-0000-11F0-A000-ABCDEF012345"
CLIENT_SECRET = "booking-demo-secret"  # noqa: S105 - the simulated world's own
_SIGNING_KEY = b"booking-com-simulator"
TOKEN_LIFE = timedelta(hours=1)


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unsegment(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _signature(text: str) -> str:
    return _segment(hmac.new(_SIGNING_KEY, text.encode(), hashlib.sha256).digest())


def exchange(state: State, body: bytes, now: datetime, tokens_per_hour: float) -> dict[str, str]:
    """A token for the machine account. Raises Fault."""
    try:
        asked = orjson.loads(body)
        given = (asked["client_id"], asked["client_secret"])
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise Fault(400, "BAD_REQUEST", "client_id and client_secret are needed") from error
    if given != (CLIENT_ID, CLIENT_SECRET):
        raise Fault(401, "UNAUTHORIZED", "Unknown client_id or client_secret")
    spend(state, "token", now, calls=tokens_per_hour, per_s=3600)
    return {"jwt": _jwt(state, now), "ruid": ruid(state.calls_made)}


def _jwt(state: State, now: datetime) -> str:
    claims = {
        "sub": CLIENT_ID,
        "aud": "connectivity",
        "iss": "urn://connectivity-modern-auth/v1",
        "iat": int(now.timestamp()),
        "exp": int((now + TOKEN_LIFE).timestamp()),
        "jti": f"{state.token_generation}-{state.calls_made}",
        "test": True,
        "machine_account_id": 1,
        "provider_id": 1,
        "client_id": CLIENT_ID,
    }
    signed = f"{_segment(orjson.dumps({'alg': 'HS256', 'typ': 'JWT'}))}.{_segment(orjson.dumps(claims))}"
    return f"{signed}.{_signature(signed)}"


def check_token(state: State, authorization: str, now: datetime) -> None:
    """Raises Fault(401) for a missing, foreign, expired or withdrawn token."""
    refusal = Fault(401, "UNAUTHORIZED", "Authorization Required")
    scheme, _, token = authorization.partition(" ")
    signed, _, signature = token.rpartition(".")
    if scheme != "Bearer" or not hmac.compare_digest(signature.encode(), _signature(signed).encode()):
        raise refusal
    try:
        claims = orjson.loads(_unsegment(signed.split(".")[1]))
    except (IndexError, binascii.Error, orjson.JSONDecodeError) as error:
        raise refusal from error
    if claims["exp"] <= now.timestamp() or not claims["jti"].startswith(f"{state.token_generation}-"):
        raise refusal


def spend(state: State, name: str, now: datetime, *, calls: float, per_s: float = 60) -> None:
    """Count a call against a sliding window. Raises Fault(429) with the wait."""
    made = state.calls.setdefault(name, deque())
    moment = now.timestamp()
    while made and made[0] <= moment - per_s:
        made.popleft()
    if len(made) >= calls:
        raise too_many(made[0] + per_s - moment if made else per_s)
    made.append(moment)


def too_many(wait_s: float) -> Fault:
    return Fault(429, "TOO_MANY_REQUESTS", "Too many requests", retry_after_s=max(1, math.ceil(wait_s)))


def may_poll(state: State, queue: str, now: datetime, pace: dict[str, float]) -> None:
    """One poll of a queue in 20 s, which also keeps polls from overlapping, and 5 s after an acknowledgement.

    Raises Fault(429); a refused poll does not count.
    """
    for last, wait_s in (
        (state.last_poll.get(queue), pace.get("poll_min_s", 0)),
        (state.last_acknowledgement.get(queue), pace.get("poll_after_ack_s", 0)),
    ):
        passed_s = (now - last).total_seconds() if last else math.inf
        if passed_s < wait_s:
            raise too_many(wait_s - passed_s)
    state.last_poll[queue] = now


def reach(state: State, hotel_id: str) -> Hotel:
    """The hotel, if the machine account is linked to it. Raises Fault(403) alike for a foreign and an unknown one."""
    hotel = state.hotels.get(hotel_id)
    if hotel is None or not hotel.linked:
        raise Fault(403, "ACCESS_DENIED", f"Access denied for hotel {hotel_id}")
    return hotel
