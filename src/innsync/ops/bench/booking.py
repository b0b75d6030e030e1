"""Booking directly: over HTTP as a hotel's website does, through the service behind it, and many at once for few rooms."""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import orjson

from innsync.ops.bench import bare_booking, bodies, load, posting
from innsync.ops.bench.costs import counted_statements, log_position
from innsync.ops.bench.posting import Posted, Posting
from innsync.ops.bench.result import Result, at_least, at_most, quantile
from innsync.ops.bench.scene import NIGHTS, Stage
from innsync.ops.bench.world import free_url, running_hub

CLIENTS, CROWD = 8, 32
UNLIMITED = 1_000_000_000  # calls a minute
ROUNDS = 10
REFUSALS = 50
_BOOKED, _REFUSED = 201, 409


@dataclass(frozen=True, slots=True)
class Shop:
    """A website that books at the stage's property."""

    stage: Stage
    url: str
    secret: str

    def post(self, *, connections: int, types: list[str], seconds: float = 0.0, rounds: int = 0) -> Posted:
        """types: the room types that are asked for. rounds: for one and the same room each, the last of its type."""
        size = self.stage.size
        arguments: dict[str, object] = {
            "url": self.url,
            "secret": self.secret,
            "hotel": self.stage.built.property.code,
            "first": self.stage.first,
            "days": size.days - NIGHTS,
            "types": types,
            "plans": size.plans,
            "crowd": connections if rounds else 0,
        }
        return posting.run(
            Posting(self.url, f"{bodies.__name__}:bookings", arguments, connections, seconds, rounds=rounds),
            allowed=frozenset({_BOOKED, _REFUSED} if rounds else {_BOOKED}),
        )


def booking(stage: Stage) -> Result:
    """Two to seven nights in one room of any type at any date, each call with a key of its own."""
    seconds, types = stage.size.seconds, list(stage.built.room_types)
    with _shop(stage) as shop:
        before = log_position()
        many = shop.post(connections=CLIENTS, types=types, seconds=seconds)
        written = (log_position() - before) / max(1, len(many.latencies_ms))
        written_by_refusals = _refuse(shop, types[-1])
    result = Result(
        "booking",
        "bookings/s",
        many.per_second,
        bare_booking.rate(stage, clients=CLIENTS),
        quantile(many.latencies_ms, 0.5),
        quantile(many.latencies_ms, 0.99),
    )
    result.statements, result.bytes = _statements(shop), written
    result.targets = [
        at_least("share of the bare transaction", 0.15, result.ratio),
        at_most("p50", 12, result.p50_ms, "ms"),
        at_most("rows that refusals write", 0, written_by_refusals),
        at_most("statements", 12, result.statements),
    ]
    result.detail = {
        **_sizes(stage),
        "clients": CLIENTS,
        "bytes_are": "written into the database's log, with what the relay does about them",
        "limit_is": bare_booking.LIMIT_IS,
    }
    return result


def booking_hot(stage: Stage) -> Result:
    """A crowd that books one room type at any date, beside a single client that does."""
    types = list(stage.built.room_types)[:1]
    with _shop(stage) as shop:
        alone = shop.post(connections=1, types=types, seconds=stage.size.seconds)
        crowd = shop.post(connections=CROWD, types=types, seconds=stage.size.seconds)
    result = Result(
        "booking-hot",
        "bookings/s",
        crowd.per_second,
        alone.per_second,
        quantile(crowd.latencies_ms, 0.5),
        quantile(crowd.latencies_ms, 0.99),
    )
    result.targets = [at_least("of one client's rate", 0.85, result.ratio)]
    result.detail = {**_sizes(stage), "clients": CROWD, "limit_is": "the rate of one client, for the same room type"}
    return result


def race(stage: Stage) -> Result:
    """A crowd that wants the last room of a type, all at one moment: how long until everybody is answered."""
    with _shop(stage) as shop:
        raced = _race(shop, list(stage.built.room_types)[-1])
    slowest = max(raced.latencies_ms)
    result = Result(
        "race",
        "ms, slowest",
        slowest,
        1000 / bare_booking.rate(stage, clients=1),
        quantile(raced.latencies_ms, 0.5),
        quantile(raced.latencies_ms, 0.99),
        less_is_better=True,
    )
    result.targets = [
        at_most("last of a crowd for the last room answered", 300, slowest, "ms"),
        at_most("sold of each last room", 1, raced.statuses[_BOOKED] / ROUNDS),
    ]
    result.detail = {
        "guests": CROWD,
        "rounds": ROUNDS,
        "sold": raced.statuses[_BOOKED],
        "refused": raced.statuses[_REFUSED],
        "latency_is": "of a round, until the last guest is answered",
        "limit_is": "one bare transaction, by pgbench with one client: the booking that is made",
    }
    return result


def booking_service(stage: Stage) -> Result:
    """The same by the service behind the API, without HTTP and keys. Each client is a process."""
    measured = load.run_clients(
        f"{__name__}:booker",
        clients=CLIENTS,
        seconds=stage.size.seconds,
        arguments={
            "organization_id": stage.organization_id,
            "property_id": stage.property_id,
            "first": stage.first,
            "days": stage.size.days - NIGHTS,
        },
    )
    before = log_position()
    book = booker(
        seed=CLIENTS,
        organization_id=stage.organization_id,
        property_id=stage.property_id,
        first=stage.first,
        days=stage.size.days - NIGHTS,
    )
    with counted_statements() as count:
        for _ in range(10):
            book()
    written = (log_position() - before) / 10
    result = Result(
        "booking-service",
        "bookings/s",
        measured.per_second,
        bare_booking.rate(stage, clients=CLIENTS),
        quantile(measured.latencies_ms, 0.5),
        quantile(measured.latencies_ms, 0.99),
    )
    result.statements, result.bytes = count.statements / 10, written
    result.targets = [at_least("share of the bare transaction", 0.6, result.ratio)]
    result.detail = {
        **_sizes(stage),
        "clients": CLIENTS,
        "bytes_are": "written into the database's log",
        "limit_is": bare_booking.LIMIT_IS,
    }
    return result


def _sizes(stage: Stage) -> dict[str, Any]:
    size = stage.size
    return {
        "room_types": size.room_types,
        "plans": size.plans,
        "days": size.days,
        "nights": f"{bodies.SHORTEST} to {NIGHTS}",
        "seconds": size.seconds,
        "past_bookings": stage.past_bookings,
    }


# --- what clients do ------------------------------------------------------------------------------------------


def booker(*, seed: int, organization_id: UUID, property_id: UUID, first: date, days: int) -> Callable[[], None]:
    """One client's booking."""
    from innsync.apps.accounts.tenancy import swiftly
    from innsync.apps.rates.selectors import get_house
    from innsync.apps.reservations import services as reservations
    from innsync.domain.channel import GuestDetails
    from innsync.domain.occupancy import Occupancy
    from innsync.domain.stay import StayDates

    chance, number = random.Random(seed), itertools.count()  # noqa: S311  # spreads the load

    def operation() -> None:
        check_in = first + timedelta(days=chance.randint(1, days))
        guest = GuestDetails("Ada Example", f"guest-{seed}-{next(number)}@example.org")
        with swiftly(organization_id):
            house = get_house(organization_id=organization_id, key=property_id)
            product = chance.choice(house.facts.products)
            room = reservations.RoomRequest(
                cast(UUID, product.room_type_id), cast(UUID, product.rate_plan_id), Occupancy(2), guest.name
            )
            reservations.book(
                house=house,
                stay=StayDates(check_in, check_in + timedelta(days=chance.randint(bodies.SHORTEST, NIGHTS))),
                rooms=[room],
                guest=guest,
                now=datetime.now(UTC),
                actor="bench",
            )

    return operation


# --- few rooms ------------------------------------------------------------------------------------------------


def _race(shop: Shop, room_type: str) -> Posted:
    _leave(shop.stage, room_type, rooms=1)
    return shop.post(connections=CROWD, types=[room_type], rounds=ROUNDS)


def _leave(stage: Stage, room_type: str, *, rooms: int) -> None:
    """So many rooms of the type on every night beside those that are sold."""
    from innsync.apps.accounts.tenancy import sql, tenant

    with tenant(stage.organization_id), sql() as cursor:
        cursor.execute(
            "UPDATE inventory_stockday SET rooms = sold + held + out_of_order + %s"
            " WHERE property_id = %s AND room_type_id = %s",
            (rooms, stage.property_id, stage.built.room_types[room_type].id),
        )


def _refuse(shop: Shop, room_type: str) -> int:
    """How many rows calls that are refused, without a key, leave or change."""
    from django.test import Client

    _leave(shop.stage, room_type, rooms=0)
    body = orjson.loads(_body_of(shop, room_type))
    client = Client(headers={"X-API-Key": shop.secret, "Host": "localhost"})
    before = _rows(shop.stage)
    for _ in range(REFUSALS):
        answer = client.post(bodies.BOOKINGS, data=body, content_type="application/json")
        if answer.status_code != _REFUSED:
            raise RuntimeError(f"a stay without a room was answered {answer.status_code}")
    return sum(abs(after - former) for after, former in zip(_rows(shop.stage), before, strict=True))


def _body_of(shop: Shop, room_type: str) -> bytes:
    stage = shop.stage
    request = bodies.bookings(
        url=shop.url,
        secret=shop.secret,
        hotel=stage.built.property.code,
        first=stage.first,
        days=stage.size.days - NIGHTS,
        types=[room_type],
        plans=stage.size.plans,
        crowd=1,
    )()
    return request.partition(b"\r\n\r\n")[2]


_TABLES = (
    *("reservations_booking", "reservations_roomstay", "reservations_revision", "guests_guest", "events_event"),
    *("accounts_idempotencyrecord",),
)


def _rows(stage: Stage) -> list[int]:
    """How many rows there are of each kind that a booking writes, and how many rooms are sold."""
    from innsync.apps.accounts.tenancy import sql, tenant

    counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in _TABLES)  # noqa: S608
    with tenant(stage.organization_id), sql() as cursor:
        row = cursor.execute(
            f"SELECT {counts}, (SELECT sum(sold + held) FROM inventory_stockday WHERE property_id = %s)",  # noqa: S608
            (stage.property_id,),
        ).fetchone()
    return [int(one) for one in row or ()]


def _statements(shop: Shop) -> float:
    """Of one booking as the web server does it, by a key that is known."""
    from django.test import Client

    _leave(shop.stage, next(iter(shop.stage.built.room_types)), rooms=50)
    client = Client(headers={"X-API-Key": shop.secret, "Host": "localhost"})
    asked = [_body_of(shop, next(iter(shop.stage.built.room_types))) for _ in range(2)]
    for body in asked:
        with counted_statements() as count:
            answer = client.post(
                bodies.BOOKINGS, data=body, content_type="application/json", headers={"Idempotency-Key": uuid4().hex}
            )
        if answer.status_code != _BOOKED:
            raise RuntimeError(f"a booking was answered {answer.status_code}")
    return count.statements


@contextlib.contextmanager
def _shop(stage: Stage) -> Iterator[Shop]:
    """The hub as `innsync up` runs it, and a key to the property."""
    from innsync.apps.accounts.models import Scope
    from innsync.apps.accounts.services import create_api_key
    from innsync.apps.accounts.tenancy import tenant

    with tenant(stage.organization_id):
        _, secret = create_api_key(
            organization_id=stage.organization_id,
            name="Benchmark",
            scopes=[Scope.BOOKINGS_WRITE.value],
            calls_per_minute=UNLIMITED,
        )
    url = free_url()
    with running_hub(url):
        yield Shop(stage, url, secret)
