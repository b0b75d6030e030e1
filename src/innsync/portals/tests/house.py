"""A hotel of a new organization with its connections, people and bookings: what the portal's tests look at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from innsync.apps.accounts.models import Membership, Organization, User
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution import handlers  # noqa: F401  # registers what the relay calls
from innsync.apps.distribution import services as distribution
from innsync.apps.distribution.models import (
    Account,
    Conflict,
    Connection,
    Divergence,
    PushLog,
    RefusedCell,
    RoomMapping,
)
from innsync.apps.distribution.services import RateLink, RoomLink
from innsync.apps.events import relay
from innsync.apps.inbox import services as inbox
from innsync.apps.inbox import tasks  # noqa: F401  # registers what the relay calls
from innsync.apps.inbox.models import Message
from innsync.apps.inventory.models import OutOfOrder
from innsync.apps.inventory.services import open_stock
from innsync.apps.messaging import reading
from innsync.apps.messaging import tasks as messaging  # noqa: F401
from innsync.apps.messaging.models import GuestMessage
from innsync.apps.properties.models import Property, RoomType
from innsync.apps.properties.services import add_room_type, create_property
from innsync.apps.rates.selectors import get_house
from innsync.apps.rates.services import RateEdit, add_rate_plan, sell, set_rates
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.records import Record
from innsync.apps.reservations.services.rooms import put_out_of_order
from innsync.channels import channex
from innsync.domain.channel import GuestDetails
from innsync.domain.occupancy import Occupancy
from innsync.domain.stay import StayDates
from innsync.integrations import ports
from innsync.integrations.manifest import manifests
from innsync.integrations.ports import RawMessage

PASSWORD = "a long enough password"
ROOMS = {"double": 1, "suite": 1, "attic": 1}
NIGHTS_AHEAD = 60
_BOOKING = Path(channex.__file__).parent / "fixtures" / "booking_new.json"


@dataclass(slots=True)
class House:
    """The rows made. `double` and `suite` are mapped at every channel, `attic` at none."""

    organization: Organization
    property: Property
    types: dict[str, RoomType]
    products: dict[str, Any]
    plan_id: UUID
    connections: dict[str, Connection]

    @property
    def today(self) -> date:
        return datetime.now(ZoneInfo(self.property.time_zone)).date()

    @property
    def account(self) -> Account:
        return self.connections["channex"].account

    def person(self, role: str = "manager", properties: Sequence[UUID] = ()) -> User:
        user = User.objects.create_user(
            email=f"{uuid4().hex[:10]}@people.example", password=PASSWORD, name="Pat Person"
        )
        self.admit(user, role, properties)
        return user

    def admit(self, user: User, role: str, properties: Sequence[UUID] = ()) -> None:
        Membership.objects.create(organization=self.organization, user=user, role=role, property_ids=list(properties))

    def book(self, offset: int, nights: int = 2, *, room: str = "double", guest: str = "Ada Example") -> Record:
        """A direct booking."""
        with tenant(self.organization.id):
            return reservations.book(
                house=get_house(organization_id=self.organization.id, key=self.property.id),
                stay=self.stay(offset, nights),
                rooms=[reservations.RoomRequest(self.types[room].id, self.plan_id, Occupancy(2), guest)],
                guest=GuestDetails(guest, "ada@example.org"),
                now=datetime.now(UTC),
                actor="test",
            )

    def stay(self, offset: int, nights: int) -> StayDates:
        return StayDates(self.today + timedelta(days=offset), self.today + timedelta(days=offset + nights))

    def channel_sells(
        self, offset: int, nights: int = 2, *, room: str = "double", guest: str = "Zoë Müller", **changes: Any
    ) -> str:
        """A booking through Channex, as it comes in; answers the channel's reference. changes: of the message."""
        entry = json.loads(_BOOKING.read_text("utf-8"))
        attributes = entry["attributes"]
        entry["id"] = attributes["id"] = str(uuid4())
        stay = self.stay(offset, nights)
        attributes |= {
            "property_id": self.connections["channex"].external_id,
            "booking_id": str(uuid4()),
            "arrival_date": stay.check_in.isoformat(),
            "departure_date": stay.check_out.isoformat(),
            "amount": f"{100 * nights}.00",
            **changes,
        }
        name, _, surname = guest.partition(" ")
        attributes["customer"] |= {"name": name, "surname": surname}
        attributes["rooms"][0] |= {
            "checkin_date": attributes["arrival_date"],
            "checkout_date": attributes["departure_date"],
            "room_type_id": f"there-{room}",
            "rate_plan_id": f"rate-{room}",
            "amount": attributes["amount"],
            "days": {night.isoformat(): "100.00" for night in stay.nights()},
            "guests": [{"name": name, "surname": surname}],
        }
        self.receive(entry["id"], attributes["booking_id"], json.dumps(entry).encode())
        return str(attributes["booking_id"])

    def receive(self, message_id: str, reference: str, body: bytes, *, property_ref: str | None = None) -> None:
        """Any message of Channex: kept, then applied as far as it can be."""
        ref = self.connections["channex"].external_id if property_ref is None else property_ref
        raw = RawMessage(message_id, ref, reference, "application/json", body, {"revision": message_id})
        now = datetime.now(UTC)
        inbox.receive(organization_id=self.organization.id, account=self.account, messages=[raw], now=now)
        inbox.apply_pending(organization_id=self.organization.id, account_id=self.account.id)

    def guest_writes(
        self, text: str, reference: str = "", *, title: str = "Zoë Müller", ago_min: int = 5
    ) -> GuestMessage:
        """Through Channex, about the booking of that reference or before there is one; as if it had just been read there."""
        now = datetime.now(UTC)
        said = ports.GuestMessage(str(uuid4()), "guest", text, now - timedelta(minutes=ago_min))
        thread_id = f"thread-{reference}" if reference else str(uuid4())
        thread = ports.Thread(ports.ThreadRef(thread_id, reference), (said,), title, "Booking.com")
        with tenant(self.organization.id):
            link = Connection.objects.get(id=self.connections["channex"].id)
            reading.store(connection=link, threads=[thread], now=now)
            return GuestMessage.objects.select_related("conversation").get(connection=link, message_id=said.message_id)

    def relay(self) -> None:
        """Hand on what changed: conflicts are judged then."""
        while relay.relay_once():
            pass

    def map_attic(self) -> None:
        """What a person does about a room that is not mapped."""
        with tenant(self.organization.id):
            RoomMapping.objects.create(
                organization=self.organization,
                connection=self.connections["channex"],
                room_type=self.types["attic"],
                external_room="there-attic",
            )

    def oversell(self, offset: int = 5, nights: int = 2) -> Conflict:
        """Sold directly, and by the channel before it could hear of it."""
        self.book(offset, nights, guest="Ada Example")
        self.channel_sells(offset, nights, guest="Zoë Müller")
        self.relay()
        with tenant(self.organization.id):
            return Conflict.objects.get(state="open")

    def take_out_of_order(self, offset: int, nights: int = 2, room: str = "suite") -> OutOfOrder:
        stay = self.stay(offset, nights)
        with tenant(self.organization.id):
            return put_out_of_order(
                organization_id=self.organization.id,
                room_type_id=self.types[room].id,
                room_id=self.types[room].rooms.get().id,
                first=stay.check_in,
                last=stay.last_night,
                now=datetime.now(UTC),
                reason="new bathroom",
            )

    def message(self, **which: Any) -> Message:
        with tenant(self.organization.id):
            return Message.objects.get(**which)

    def link(self, vendor: str) -> Connection:
        with tenant(self.organization.id):
            return Connection.objects.get(id=self.connections[vendor].id)

    def jobs(self, name: str) -> list[dict[str, Any]]:
        """The arguments of the jobs of that name that wait."""
        with sql() as cursor:
            rows = cursor.execute(
                "SELECT args FROM procrastinate_jobs WHERE task_name = %s AND status = 'todo'"
                " AND args ->> 'organization_id' = %s",
                (name, str(self.organization.id)),
            ).fetchall()
        return [row[0] for row in rows]

    def in_step(self) -> None:
        """As if everything had been sent: nothing waits."""
        with tenant(self.organization.id), sql() as cursor:
            cursor.execute("DELETE FROM distribution_dirty WHERE organization_id = %s", (self.organization.id,))
            Connection.objects.update(last_push_at=datetime.now(UTC))

    def show_trouble(self) -> None:
        """One connection works, one fails, one had cells refused."""
        now = datetime.now(UTC)
        self.in_step()
        with tenant(self.organization.id):
            for minute, wait in enumerate((310, 190, 220, 870, 240, 205, 260, 1900, 230, 215)):
                Divergence.objects.create(
                    organization=self.organization,
                    connection=self.connections["channex"],
                    at=now - timedelta(minutes=2 + 5 * minute),
                    cells=4,
                    p50_ms=wait * 0.7,
                    p99_ms=wait,
                    max_ms=wait,
                )
            self._push("channex", now, "accepted", "")
            Connection.objects.filter(id=self.connections["channex"].id).update(last_inbound_at=now)
            failing = Connection.objects.get(id=self.connections["booking_com"].id)
            failing.failures, failing.retry_at, failing.retry_reason = 3, now + timedelta(seconds=40), "fault"
            failing.last_error = "503 Service Unavailable: <b>try later</b>"
            failing.last_error_at = now
            failing.save()
            self._push("booking_com", now, "unknown", failing.last_error)
            distribution.mark(
                connection=failing,
                spans=[(self.types["double"].id, self.today, self.today + timedelta(days=3))],
                since=now - timedelta(minutes=4),
                cause="booking ABCD2345",
            )
            for offset in (0, 1, 2, 9):
                RefusedCell.objects.create(
                    organization=self.organization,
                    connection=self.connections["expedia"],
                    room="there-suite",
                    rate="rate-suite",
                    day=self.today + timedelta(days=offset),
                    field="price_2",
                    value=900,
                    code="3126",
                    words="Rate is below the minimum of this product.",
                    at=now,
                )
            self._push("expedia", now, "partly refused", "Rate is below the minimum of this product.")

    def _push(self, vendor: str, now: datetime, outcome: str, words: str) -> None:
        PushLog.objects.create(
            organization=self.organization,
            connection=self.connections[vendor],
            at=now - timedelta(seconds=30),
            operation="push_availability",
            updates=1,
            cells=4,
            outcome=outcome,
            words=words,
            duration_ms=84.0,
            first=self.today,
            last=self.today + timedelta(days=3),
        )


def make_house(*, name: str = "Harbour Hotel", vendors: Sequence[str] = ("booking_com", "channex", "expedia")) -> House:
    """A hotel with three room types of one room each. What earlier tests left for the relay is gone."""
    with sql() as cursor:
        cursor.execute("DELETE FROM events_outbox")
        cursor.execute("DELETE FROM events_bucket")
    now = datetime.now(UTC)
    organization = Organization.objects.create(name=f"{name} Group {uuid4().hex[:12]}")
    with tenant(organization.id):
        return _build(organization, name, vendors, now)


def _build(organization: Organization, name: str, vendors: Sequence[str], now: datetime) -> House:
    prop = create_property(
        organization_id=organization.id,
        code=f"hotel-{uuid4().hex[:8]}",
        name=name,
        time_zone="Europe/Lisbon",
        currency="EUR",
    )
    plan = add_rate_plan(prop=prop, code="bar", name="Best available rate")
    types, products = {}, {}
    first, last = now.date() - timedelta(days=1), now.date() + timedelta(days=NIGHTS_AHEAD)
    for room, count in ROOMS.items():
        types[room] = add_room_type(
            prop=prop,
            code=room,
            name=room.title(),
            rooms=[f"{room}-{number}" for number in range(count)],
            details={"max_adults": 2, "max_children": 1, "max_occupancy": 3},
        )
        products[room] = sell(room_type=types[room], rate_plan=plan)
        open_stock(property_id=prop.id, room_type_id=types[room].id, first=first, last=last)
    set_rates(
        organization_id=organization.id,
        property_id=prop.id,
        edits=[RateEdit(product.id, first, last, {"price": 10_000}) for product in products.values()],
        now=now,
        actor="test",
    )
    connections = {
        vendor: distribution.connect(
            account=distribution.add_account(
                organization_id=organization.id,
                vendor=vendor,
                name="Test",
                credentials={secret.name: "secret" for secret in manifests()[vendor].secrets},
                now=now,
            ),
            prop=prop,
            external_id=f"{vendor}-{uuid4().hex[:6]}",
            rooms=[RoomLink(types[room].id, f"there-{room}") for room in ("double", "suite")],
            rates=[
                RateLink(products[room].id, f"there-{room}", f"rate-{room}", (1, 2)) for room in ("double", "suite")
            ],
            now=now,
            horizon_days=30,
        )
        for vendor in vendors
    }
    return House(organization, prop, types, products, plan.id, connections)
