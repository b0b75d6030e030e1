"""One small hotel on two noticeboards, and what it is asked to do and to show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from innsync.apps.accounts.models import Organization
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution.reconcile import Outcome, reconcile
from innsync.apps.distribution.services import RateLink, RoomLink
from innsync.apps.events import relay
from innsync.apps.inbox import pulling
from innsync.apps.rates import services as rates
from innsync.apps.rates.selectors import House, get_house
from innsync.domain.stay import StayDates
from innsync.ops.portfolio import Built, PropertyPlan, RatePlanPlan, RoomTypePlan, build
from tests.laws.noticeboard.adapter import BOARDS, Board

NIGHTS = 8
ROOMS = {"single": 1, "double": 2}
HORIZON_DAYS = 12


@dataclass
class World:
    organization_id: UUID
    built: Built
    first: date
    boards: dict[str, Board]
    connections: dict[str, UUID]
    accounts: dict[str, UUID]

    @property
    def house(self) -> House:
        return get_house(organization_id=self.organization_id, key=self.built.property.id)

    def night(self, offset: int) -> date:
        return self.first + timedelta(days=offset)

    def stay(self, offset: int, nights: int) -> StayDates:
        return StayDates(self.night(offset), self.night(offset + nights))

    def type_id(self, room: str) -> UUID:
        return self.built.room_types[room].id

    def rule(self, room: str, offset: int, nights: int, values: dict[str, int | None]) -> None:
        product = self.built.products[room, "bar"]
        with tenant(self.organization_id):
            rates.set_rates(
                organization_id=self.organization_id,
                property_id=self.built.property.id,
                edits=[rates.RateEdit(product.id, self.night(offset), self.night(offset + nights - 1), values)],
                now=datetime.now(UTC),
                actor="desk",
            )

    def relay(self) -> None:
        while relay.relay_once():
            pass

    def reconcile(self, board: str, *, full: bool = False) -> Outcome:
        return reconcile(organization_id=self.organization_id, connection_id=self.connections[board], full=full)

    def pull(self, board: str) -> None:
        pulling.pull(organization_id=self.organization_id, account_id=self.accounts[board])

    def rows(self, statement: str, *values: Any) -> list[Any]:
        with tenant(self.organization_id), sql() as cursor:
            return cursor.execute(statement, values).fetchall()

    def retries_are_due(self) -> None:
        with tenant(self.organization_id), sql() as cursor:
            cursor.execute("UPDATE distribution_connection SET retry_at = NULL, failures = 0")


def open_world() -> World:
    organization = Organization.objects.create(name=f"Laws {uuid4().hex[:8]}")
    now = datetime.now(UTC)
    plan = PropertyPlan(
        code=f"laws-{uuid4().hex[:8]}",
        name="Laws",
        time_zone="Europe/Lisbon",
        currency="EUR",
        room_types=tuple(
            RoomTypePlan(kind, kind.title(), tuple(f"{kind}-{n}" for n in range(count)), 10_000)
            for kind, count in ROOMS.items()
        ),
        rate_plans=(RatePlanPlan("bar", "Best available rate"),),
    )
    with tenant(organization.id):
        built = build(
            organization_id=organization.id,
            plan=plan,
            first=now.date() - timedelta(days=1),
            last=now.date() + timedelta(days=HORIZON_DAYS + 3),
            now=now,
        )
        house = get_house(organization_id=organization.id, key=built.property.id)
        world = World(organization.id, built, house.today(now) + timedelta(days=1), {}, {}, {})
        for name in ("north", "south"):
            _hang_up(world, name, now)
    return world


def _hang_up(world: World, name: str, now: datetime) -> None:
    board = Board(f"{name}-{world.built.property.code}")
    BOARDS[board.id] = board
    account = distribution.add_account(
        organization_id=world.organization_id,
        vendor="noticeboard",
        name=name,
        credentials={"board": board.id},
        now=now,
    )
    built = world.built
    connection = distribution.connect(
        account=account,
        prop=built.property,
        external_id=board.id,
        rooms=[RoomLink(one.id, code) for code, one in built.room_types.items()],
        rates=[RateLink(product.id, room, rate, ()) for (room, rate), product in built.products.items()],
        now=now,
        horizon_days=HORIZON_DAYS,
    )
    world.boards[name] = board
    world.connections[name] = connection.id
    world.accounts[name] = account.id
