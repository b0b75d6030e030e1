"""What clients of benchmarks send. Without Django, which they need not wait for."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, cast
from uuid import uuid4

import orjson

from innsync.ops.bench.announcing.adapter import SIGNATURE, sign
from innsync.ops.bench.http_load import get
from innsync.ops.bench.posting import post

ENGINE = "/api/booking-engine"
BOOKINGS = f"{ENGINE}/bookings"
VENDOR = "announcing"
SHORTEST, LONGEST = 2, 7
"""Nights that are booked."""


def bookings(
    *,
    url: str,
    secret: str,
    hotel: str,
    first: date,
    days: int,
    types: list[str],
    plans: int,
    crowd: int,
) -> Callable[[], bytes]:
    """Bookings as they are sent, each with its own guest and key. crowd: so many in turn want the same nights; 0: any."""
    chance, mark, number = random.Random(), uuid4().hex[:8], itertools.count()  # noqa: S311  # spreads the load

    def request() -> bytes:
        at = next(number)
        arrive, nights = chance.randint(1, days), chance.randint(SHORTEST, LONGEST)
        if crowd:
            arrive, nights = _race_of(at // crowd, days), SHORTEST
        check_in = first + timedelta(days=arrive)
        body = {
            "hotel_id": hotel,
            "check_in": check_in.isoformat(),
            "check_out": (check_in + timedelta(days=nights)).isoformat(),
            "rooms": [
                {
                    "room_type_code": chance.choice(types),
                    "rate_plan_code": f"plan-{chance.randint(1, plans)}",
                    "adults": 2,
                }
            ],
            "guest": {"name": "Ada Example", "email": f"guest-{mark}-{at}@example.org", "country": "PT"},
        }
        headers = {"X-API-Key": secret, "Idempotency-Key": f"{mark}-{at}"}
        return post(url, BOOKINGS, orjson.dumps(body), headers)

    return request


def _race_of(number: int, days: int) -> int:
    """On which day of the calendar a race's stay begins: no two races share a night."""
    return days - SHORTEST * (number + 1)


def calls(*, url: str, account: str, secret: str) -> Callable[[], bytes]:
    """Calls as the channel sends them, no two alike."""
    mark, number = uuid4().hex[:8], itertools.count()

    def call() -> bytes:
        body = call_body(next(number), mark)
        return post(url, f"/api/webhooks/{VENDOR}/{account}", body, {SIGNATURE: sign(body, secret)})

    return call


def call_body(number: int, mark: str) -> bytes:
    """A booking as channel managers tell it: a room of seven nights, the guest, a card of which the last digits are told."""
    days = [f"2027-03-{day:02}" for day in range(1, 8)]
    return orjson.dumps(
        {
            "event": "booking",
            "id": f"{mark}-{number}",
            "property_id": "716305c4-561a-4561-a187-7f5b8aeb5920",
            "booking": {
                "unique_id": f"ANN-{mark}-{number}",
                "status": "new",
                "ota_name": "Announcing",
                "ota_reservation_code": f"{mark}{number}",
                "currency": "EUR",
                "amount": "777.00",
                "arrival_date": "2027-03-01",
                "departure_date": "2027-03-08",
                "arrival_hour": "18:00",
                "customer": {
                    "name": "Ada",
                    "surname": "Example",
                    "mail": f"ada-{number}@example.org",
                    "phone": "+351 900 000 000",
                    "address": "1 Example Street",
                    "city": "Faro",
                    "zip": "8000-000",
                    "country": "PT",
                    "language": "pt",
                },
                "guarantee": {
                    "card_type": "visa",
                    "card_number": "************0000",
                    "cardholder_name": "Ada Example",
                    "expiration_date": "12/2030",
                    "cvv": "",
                },
                "rooms": [
                    {
                        "room_type_id": "994d1375-dbbd-4072-8724-b2ab32ce781b",
                        "rate_plan_id": "bab451e7-9ab1-4cc4-aa16-107bf7bbabb2",
                        "checkin_date": days[0],
                        "checkout_date": "2027-03-08",
                        "amount": "777.00",
                        "days": dict.fromkeys(days, "111.00"),
                        "occupancy": {"adults": 2, "children": 0, "infants": 0},
                        "guests": [{"name": "Ada", "surname": "Example"}],
                    }
                ],
                "services": [],
                "notes": "A quiet room, and a bed for a child if there is one.",
                "inserted_at": "2026-11-21T10:00:00.000000",
            },
        }
    )


def searches(*, url: str, secret: str, hotel: str, first: date, days: int) -> Callable[[], bytes]:
    """A week for two, at any date."""
    chance = random.Random()  # noqa: S311  # spreads the load

    def request() -> bytes:
        check_in = first + timedelta(days=chance.randint(1, days))
        query = f"check_in={check_in}&check_out={check_in + timedelta(days=LONGEST)}&adults=2"
        return get(url, f"{ENGINE}/availability/{hotel}?{query}", headers={"X-API-Key": secret})

    return request


def information(*, url: str, secret: str, hotel: str) -> Callable[[], bytes]:
    """What a website shows of a hotel: its facts, pictures, room types, amenities."""
    pages = itertools.cycle(
        f"{ENGINE}/{page}" for page in ("hotels/{}", "hotels/{}/images", "room-types/{}", "amenities/{}")
    )
    return lambda: get(url, next(pages).format(hotel), headers={"X-API-Key": secret})


def changes(*, url: str, secret: str, booking_ids: Sequence[str], first: date, days: int) -> Callable[[], bytes]:
    """One booking after the other moves to other dates, and is priced anew."""
    chance, ids = random.Random(), itertools.cycle(booking_ids)  # noqa: S311  # spreads the load

    def request() -> bytes:
        check_in = first + timedelta(days=chance.randint(1, days))
        check_out = check_in + timedelta(days=chance.randint(SHORTEST, LONGEST))
        body = orjson.dumps({"check_in": check_in.isoformat(), "check_out": check_out.isoformat()})
        return post(url, f"{BOOKINGS}/{next(ids)}", body, {"X-API-Key": secret}, method="PUT")

    return request


def mixed(*, parts: Sequence[tuple[float, str, Mapping[str, Any]]]) -> Callable[[], bytes]:
    """parts: of each its share of all calls, the function here that makes its calls, and that one's arguments."""
    chance = random.Random()  # noqa: S311  # spreads the load
    makers = [globals()[name](**arguments) for _, name, arguments in parts]
    shares = [share for share, _, _ in parts]
    return lambda: cast(bytes, chance.choices(makers, shares)[0]())
