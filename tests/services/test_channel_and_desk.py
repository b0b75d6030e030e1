"""A channel and the desk act on one booking in any order: stock counts what is held, and neither undoes the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution.handlers import ari_changed
from innsync.apps.distribution.models import Account, Conflict, Connection
from innsync.apps.events.relay import Entry
from innsync.apps.inbox.models import Message
from innsync.apps.inventory.services import SoldOut, open_stock
from innsync.apps.reservations import records
from innsync.apps.reservations import services as reservations
from innsync.domain.booking_state import BookingAction, BookingStatus
from innsync.domain.channel import BookingRevision, GuestDetails, RevisionKind
from innsync.domain.errors import IllegalTransition
from innsync.domain.money import Money
from innsync.domain.stay import StayDates
from tests.flows.checks import check_stock
from tests.races.house import House

TYPES = ("double", "suite", "studio")
Room = tuple[str, int, int]  # (type, arrival from the first day, nights)
ZOE = GuestDetails("Zoë Müller")


@dataclass
class Channel:
    """A channel that tells about one booking."""

    house: House
    connection_id: UUID
    told: int = 0
    rooms: tuple[Room, ...] = ()
    guest: GuestDetails = ZOE

    def tell(self, kind: RevisionKind, *rooms: Room) -> records.Record:
        """A full picture of the booking, with a wish that is new each time."""
        self.told, self.rooms = self.told + 1, rooms or self.rooms
        stays = [self.house.stay(arrival, nights) for _, arrival, nights in self.rooms]
        resolved = [
            reservations.ResolvedRoom(
                ref=str(index),
                room_type_id=self.house.built.room_types[room].id,
                rate_plan_id=None,
                stay=stay,
                adults=2,
                child_ages=(),
                guest_name="Zoë Müller",
                nightly_minor=(100,) * len(stay),
                total_minor=100 * len(stay),
            )
            for index, ((room, _, _), stay) in enumerate(zip(self.rooms, stays, strict=True))
        ]
        revision = BookingRevision(
            reference="A-1",
            property_ref="hotel",
            kind=kind,
            order=f"{self.told:04}",
            guest=self.guest,
            rooms=(),
            currency="EUR",
            total=Money(sum(room.total_minor for room in resolved), "EUR"),
            special_requests=f"wish {self.told}",
        )
        with tenant(self.house.organization_id):
            applied = reservations.apply_channel_revision(
                organization_id=self.house.organization_id,
                property_id=self.house.facts.id,
                connection_id=self.connection_id,
                channel="channex",
                revision=revision,
                rooms=resolved,
                code="ABCDEFGH",
                now=datetime.now(UTC),
            )
        assert applied.outcome == "applied"
        return self.booking()

    def booking(self) -> records.Record:
        with tenant(self.house.organization_id):
            found = records.load_by_channel_ref(connection_id=self.connection_id, channel_ref="A-1")
        assert found is not None
        return found

    def held(self) -> list[str]:
        codes = {one.id: code for code, one in self.house.built.room_types.items()}
        return [codes[stay.room_type_id] for stay in self.booking().stays]

    def act(self, do: Callable[..., Any], **how: Any) -> None:
        with tenant(self.house.organization_id):
            do(booking_id=self.booking().id, now=datetime.now(UTC), actor="desk", **how)

    def move(self, index: int, room: str) -> None:
        stay = self.booking().stays[index]
        self.act(
            reservations.move_room_stay,
            organization_id=self.house.organization_id,
            room_stay_id=stay.id,
            room_type_id=self.house.built.room_types[room].id,
        )

    def walk(self) -> None:
        self.act(reservations.cancel, house=self.house.facts, waive_fee=True, any_channel=True)

    def write_down(self, guest: GuestDetails, requests: str = "quiet room") -> None:
        self.act(
            reservations.change_details,
            organization_id=self.house.organization_id,
            guest=guest,
            arrival_time=None,
            special_requests=requests,
            notes="",
        )

    def change_state(self, action: BookingAction) -> None:
        self.act(reservations.change_state, organization_id=self.house.organization_id, action=action)


NEW, MODIFIED, CANCELLED, *_ = RevisionKind


@pytest.fixture
def new_channel(open_house: Callable[..., House]) -> Callable[[], Channel]:
    def make() -> Channel:
        house = open_house(rooms=2, types=TYPES)
        with tenant(house.organization_id):
            account = Account.objects.create(organization_id=house.organization_id, vendor="channex", name="Channex")
            connection = Connection.objects.create(
                organization_id=house.organization_id,
                property=house.built.property,
                account=account,
                vendor="channex",
                external_id="hotel",
                currency="EUR",
                horizon_days=60,
            )
        return Channel(house, connection.id)

    return make


def test_a_booking_lodged_elsewhere_that_the_channel_cancelled_is_sold_anew_when_it_comes_back(
    new_channel: Callable[[], Channel],
) -> None:
    channel = new_channel()
    channel.tell(NEW, ("double", 0, 2))
    channel.walk()
    assert channel.tell(MODIFIED).status == "cancelled"
    assert channel.tell(CANCELLED).status == "cancelled"
    assert channel.tell(MODIFIED).status == "confirmed"
    check_stock(channel.house.organization_id)


def test_what_the_desk_wrote_about_the_guest_stands_while_the_channel_only_repeats_itself(
    new_channel: Callable[[], Channel],
) -> None:
    channel = new_channel()
    channel.guest = GuestDetails("Zoe Muller", "relay-1@guest.example", "+49 1")
    channel.tell(NEW, ("double", 0, 2))
    channel.write_down(GuestDetails("Zoë Müller", "zoe@example.org", "+49 1"))
    after = channel.tell(MODIFIED, ("double", 0, 3))
    assert (after.guest_name, after.guest_email, after.guest_phone) == ("Zoë Müller", "zoe@example.org", "+49 1")
    assert len(after.stays[0].nightly_minor) == 3
    assert channel.tell(MODIFIED, ("double", 0, 4)).guest_email == "zoe@example.org"

    channel.guest = GuestDetails("Zoe Muller", "relay-2@guest.example", "+49 2")
    after = channel.tell(MODIFIED)
    assert (after.guest_name, after.guest_email, after.guest_phone) == ("Zoë Müller", "relay-2@guest.example", "+49 2")
    channel.guest = GuestDetails("Zoe Muller", "relay-1@guest.example", "+49 2")
    assert channel.tell(MODIFIED).guest_email == "relay-1@guest.example"


def test_a_new_wish_told_by_the_channel_is_taken_whatever_the_desk_wrote(new_channel: Callable[[], Channel]) -> None:
    channel = new_channel()
    channel.tell(NEW, ("double", 0, 2))
    channel.write_down(channel.guest)
    assert channel.booking().special_requests == "quiet room"
    assert channel.tell(MODIFIED).special_requests == "wish 2"


def left_by_earlier_releases(channel: Channel, *, fee: int) -> None:
    with tenant(channel.house.organization_id), sql() as cursor:
        cursor.execute(
            "UPDATE reservations_booking SET cancellation_fee_minor = %s WHERE id = %s", (fee, channel.booking().id)
        )


def applied_message(channel: Channel) -> None:
    """What is kept of a message that changed nothing of the booking."""
    with tenant(channel.house.organization_id):
        Message.objects.create(
            organization_id=channel.house.organization_id,
            account_id=Connection.objects.get(id=channel.connection_id).account_id,
            vendor="channex",
            message_id=uuid4().hex,
            body=b"",
            state="applied",
            received_at=datetime.now(UTC),
            applied_at=datetime.now(UTC),
            booking_id=channel.booking().id,
        )


def upgrade() -> None:
    migration = import_module("innsync.apps.reservations.migrations.0009_fees_of_channels_cancellations")
    with transaction.atomic():
        migration.forget_fees(None, SimpleNamespace(connection=connection))


@pytest.mark.parametrize("wrote_revision", [True, False], ids=["with other details", "word for word"])
def test_what_a_channel_cancelled_before_an_upgrade_is_sold_anew_after_it(
    new_channel: Callable[[], Channel], wrote_revision: bool
) -> None:
    channel = new_channel()
    channel.tell(NEW, ("double", 0, 2))
    applied_message(channel)
    channel.walk()
    if wrote_revision:
        channel.tell(CANCELLED)
        left_by_earlier_releases(channel, fee=0)
    else:
        applied_message(channel)
    upgrade()
    assert channel.booking().cancellation_fee_minor is None
    assert channel.tell(MODIFIED).status == "confirmed"
    check_stock(channel.house.organization_id)


def test_who_was_lodged_elsewhere_before_an_upgrade_stays_there_after_it(new_channel: Callable[[], Channel]) -> None:
    channel = new_channel()
    channel.tell(NEW, ("double", 0, 2))
    applied_message(channel)
    channel.walk()
    upgrade()
    assert channel.booking().cancellation_fee_minor == 0
    assert channel.tell(MODIFIED).status == "cancelled"


def test_an_upgrade_keeps_what_a_direct_guest_owes(new_channel: Callable[[], Channel]) -> None:
    house = new_channel().house
    booked = house.book(stay=house.stay(0, 2))
    with tenant(house.organization_id):
        reservations.cancel(house=house.facts, booking_id=booked.id, now=datetime.now(UTC), actor="direct")
    upgrade()
    with tenant(house.organization_id):
        assert records.load(booking_id=booked.id).cancellation_fee_minor is not None


def test_a_booking_repeated_word_for_word_stays_lodged_elsewhere(new_channel: Callable[[], Channel]) -> None:
    channel = new_channel()
    channel.tell(NEW, ("double", 0, 2))
    channel.walk()
    version = channel.booking().version
    channel.told -= 1
    assert channel.tell(NEW).status == "cancelled"
    assert channel.booking().version == version


def relay(house: House) -> list[tuple[UUID, str]]:
    """Do what follows from the changes so far; answers the room type and state of each conflict."""
    with tenant(house.organization_id), sql() as cursor:
        waiting = cursor.execute(
            "DELETE FROM events_outbox WHERE topic = 'ari_changed' AND organization_id = %s"
            " RETURNING organization_id, property_id, topic, payload, created_at",
            (house.organization_id,),
        ).fetchall()
        ari_changed(house.organization_id, [Entry(*row) for row in waiting])
        return list(Conflict.objects.order_by("opened_at").values_list("room_type_id", "state"))


def test_a_guest_in_house_who_is_moved_settles_what_is_over_and_opens_nothing_that_is(
    new_channel: Callable[[], Channel],
) -> None:
    channel = new_channel()
    house, yesterday = channel.house, -31
    types = {code: one.id for code, one in house.built.room_types.items()}
    night = house.stay(yesterday, 1).check_in
    with tenant(house.organization_id), sql() as cursor:
        for code in ("double", "suite"):
            open_stock(property_id=house.facts.id, room_type_id=types[code], first=night, last=night)
        cursor.execute("UPDATE inventory_stockday SET rooms = 0 WHERE day = %s", (night,))
    channel.tell(NEW, ("double", yesterday, 4))
    assert relay(house) == [(types["double"], "open")]
    channel.move(0, "suite")
    assert channel.held() == ["suite"]
    assert relay(house) == [(types["double"], "resolved")]


def test_of_two_rooms_the_one_that_the_channel_changes_follows_it_and_the_other_stays_where_it_is(
    new_channel: Callable[[], Channel],
) -> None:
    channel = new_channel()
    channel.tell(NEW, ("double", 0, 2), ("double", 0, 2))
    channel.move(0, "suite")
    channel.move(1, "suite")
    channel.tell(MODIFIED, ("double", 0, 2), ("studio", 0, 2))
    assert channel.held() == ["suite", "studio"]
    channel.tell(MODIFIED, ("double", 1, 2), ("studio", 0, 2))
    assert channel.held() == ["suite", "studio"]


def test_rooms_named_in_another_order_are_the_same_sale(new_channel: Callable[[], Channel]) -> None:
    channel = new_channel()
    channel.tell(NEW, ("double", 0, 2), ("suite", 0, 2))
    channel.change_state(BookingAction.MARK_NO_SHOW)
    assert channel.tell(MODIFIED, ("suite", 0, 2), ("double", 0, 2)).status == "no_show"


def test_the_channel_is_told_to_look_at_the_nights_of_the_type_that_it_sold(new_channel: Callable[[], Channel]) -> None:
    channel = new_channel()
    booking = channel.tell(NEW, ("double", 0, 2))
    channel.move(0, "suite")
    types = channel.house.built.room_types
    stay = channel.house.stay(0, 2)
    with tenant(channel.house.organization_id):
        touched = reservations.apply_channel_revision(
            organization_id=channel.house.organization_id,
            property_id=channel.house.facts.id,
            connection_id=channel.connection_id,
            channel="channex",
            revision=BookingRevision(
                reference="A-1",
                property_ref="hotel",
                kind=CANCELLED,
                order="0002",
                guest=GuestDetails(""),
                rooms=(),
                currency="EUR",
                keeps_details=True,
            ),
            rooms=(),
            code=booking.code,
            now=datetime.now(UTC),
        ).channel_touched
    for room in ("double", "suite"):
        assert (types[room].id, stay.check_in, stay.last_night) in touched


ROOMS = st.tuples(st.sampled_from(TYPES), st.integers(0, 2), st.integers(1, 3))
STEPS = st.one_of(
    st.tuples(st.just("repeat")),
    st.tuples(st.just("tell"), st.lists(ROOMS, min_size=1, max_size=2)),
    st.tuples(st.just("cancel")),
    st.tuples(st.just("move"), st.integers(0, 1), st.sampled_from(TYPES)),
    st.tuples(st.just("walk")),
    st.tuples(st.just("state"), st.sampled_from([BookingAction.MARK_NO_SHOW, BookingAction.REINSTATE])),
)


def step(channel: Channel, what: str, *how: Any) -> None:
    """One step; the desk's may be refused."""
    if what == "repeat":
        repeat(channel)
    elif what == "tell":
        channel.tell(MODIFIED, *how[0])
    elif what == "cancel":
        assert channel.tell(CANCELLED).status == "cancelled"
    else:
        try:
            if what == "move":
                channel.move(min(how[0], len(channel.rooms) - 1), how[1])
            elif what == "walk":
                channel.walk()
            else:
                channel.change_state(how[0])
        except (SoldOut, IllegalTransition, reservations.NotChangeable):
            return


def repeat(channel: Channel) -> None:
    """The channel sells what it sold: whatever the desk did since stands, unless the channel itself had cancelled."""
    before, held = channel.booking(), channel.held()
    cancelled_there = before.status == BookingStatus.CANCELLED and before.cancellation_fee_minor is None
    after = channel.tell(MODIFIED)
    assert after.status == ("confirmed" if cancelled_there else before.status)
    assert channel.held() == held
    assert after.special_requests == f"wish {channel.told}"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=8))
def test_stock_counts_what_is_held_whoever_acts_in_whatever_order(
    new_channel: Callable[[], Channel], steps: list[tuple[Any, ...]]
) -> None:
    channel = new_channel()
    channel.tell(NEW, ("double", 0, 2))
    for one in steps:
        step(channel, *one)
        check_stock(channel.house.organization_id)
        booking = channel.booking()
        sold = sorted(
            (room, channel.house.first + timedelta(days=arrival), nights) for room, arrival, nights in channel.rooms
        )
        codes = {one.id: code for code, one in channel.house.built.room_types.items()}
        assert sold == sorted(
            (codes[stay.sold_as], stay.check_in, len(StayDates(stay.check_in, stay.check_out)))
            for stay in booking.stays
        )
