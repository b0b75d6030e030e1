"""From a channel's ids to our rooms and rates, through the connection's mapping."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution.models import Account, Connection
from innsync.apps.distribution.selectors import Linked, load_linked
from innsync.apps.reservations.services import ResolvedRoom
from innsync.domain.ari import Target
from innsync.domain.channel import WHOLE_HOUSE, BookingRevision, ChannelRoomStay, RevisionKind
from innsync.domain.errors import DomainError
from innsync.domain.wording import told

MOST_NIGHTS = 1_100  # three years
FARTHEST = timedelta(days=20 * 366)


@dataclass(eq=False)
class NotMapped(DomainError):
    """The message names something at the channel that is not mapped here. `what` and its id there."""

    what: str
    ref: str

    def __str__(self) -> str:
        ref = self.ref or told("(not given)")
        return told(f"{self.what} {ref} of the channel is not mapped: map it, then replay this message")


@dataclass(eq=False)
class ImpossibleStay(DomainError):
    """Dates that nobody can have sold: a slip of the channel's."""

    check_in: date
    check_out: date

    def __str__(self) -> str:
        return told(f"a stay from {self.check_in} to {self.check_out} is not possible: ask the channel what was sold")


def refuse_impossible_dates(revision: BookingRevision, today: date) -> None:
    """Raises ImpossibleStay. Millions of nights would hold up every booking behind this one."""
    for room in revision.rooms:
        stay = room.stay
        if len(stay) > MOST_NIGHTS or max(abs(stay.check_in - today), abs(stay.check_out - today)) > FARTHEST:
            raise ImpossibleStay(check_in=stay.check_in, check_out=stay.check_out)


@dataclass(slots=True)
class Link:
    """A connection with its mapping turned around: from the channel's ids to ours."""

    linked: Linked
    types: dict[str, UUID]
    plans: dict[tuple[str, str], UUID]

    def currency_of(self, revision: BookingRevision) -> str:
        """The currency of the booking's amounts: where the channel names none, that in which the rate sold is mapped."""
        prop = self.linked.ref
        sold = (prop.currency_of(Target(room.room, room.rate)) for room in revision.rooms)
        return revision.currency or next(sold, prop.currency)

    def resolve_rooms(self, revision: BookingRevision) -> list[ResolvedRoom]:
        """The booking's rooms that are not cancelled; of a cancelled booking, those it had to the end.

        Raises NotMapped for a room; an unknown rate loses only its name.
        """
        live = [room for room in revision.rooms if not room.cancelled]
        if not live and revision.kind is RevisionKind.CANCELLED:
            # Perhaps cancelled before it was ever fetched: then this message is all that will be known of the booking.
            # A room that is not mapped is no reason to keep a cancellation waiting.
            live = list(revision.rooms) if all(room.room in self.types for room in revision.rooms) else []
        rooms = []
        for room in live:
            if room.room not in self.types:
                raise NotMapped(what=told("room"), ref=room.room)
            nightly = _nightly(room)
            rooms.append(
                ResolvedRoom(
                    ref=room.ref,
                    room_type_id=self.types[room.room],
                    rate_plan_id=self.plans.get((room.room, room.rate)),
                    stay=room.stay,
                    adults=max(1, room.adults),
                    child_ages=room.child_ages,
                    guest_name=room.guest_name or revision.guest.name,
                    nightly_minor=nightly,
                    total_minor=room.total.minor if room.total is not None else sum(nightly),
                )
            )
        if not rooms and revision.rooms and revision.kind is not RevisionKind.CANCELLED:
            raise NotMapped(what=told("live room"), ref="")
        return rooms


def link_of(account: Account, property_ref: str) -> Link:
    """The connection of the channel's property. Raises NotMapped."""
    # One that was left still takes what comes in late, unless another has taken its place.
    if "\x00" in property_ref:  # which no text of the database holds
        raise NotMapped(what=told("property"), ref=property_ref.replace("\x00", ""))
    ours = Connection.objects.filter(account=account, external_id=property_ref).order_by("-id")
    found = sorted(ours.values_list("state", "id"), key=lambda one: one[0] == "left")
    if not found:
        raise NotMapped(what=told("property"), ref=property_ref)
    linked = load_linked(connection_id=found[0][1])
    types = {room.external_room: room.room_type_id for room in linked.rooms}
    if len(types) == 1:
        types.setdefault(WHOLE_HOUSE, *types.values())
    return Link(linked, types, _plans(linked))


def _plans(linked: Linked) -> dict[tuple[str, str], UUID]:
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT m.external_room, m.external_rate, m.aliases, p.rate_plan_id FROM distribution_ratemapping m"
            " JOIN rates_product p ON p.id = m.product_id WHERE m.connection_id = %s",
            (linked.id,),
        ).fetchall()
    return {(room, rate): plan for room, own, aliases, plan in rows for rate in (own, *aliases)}


def _nightly(room: ChannelRoomStay) -> tuple[int, ...]:
    """The price of each night; an even split of the total where the channel gives only that."""
    nights = len(room.stay)
    if len(room.nightly) == nights:
        return tuple(price.minor for price in room.nightly)
    if room.total is not None:
        return tuple(price.minor for price in room.total.split(nights))
    return (0,) * nights
