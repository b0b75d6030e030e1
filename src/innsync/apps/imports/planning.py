"""What a file would do, looked at before anything is done: which bookings are new, which are known and say something else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution.models import Connection
from innsync.apps.imports import bookings as bookings_of
from innsync.apps.imports.bookings import FileBooking
from innsync.apps.imports.models import SaidOfBooking
from innsync.apps.imports.reading import Here, Reading, Table
from innsync.apps.properties.models import Property, RoomType
from innsync.apps.rates.models import RatePlan
from innsync.apps.rates.selectors import get_house
from innsync.domain.booking_state import BookingStatus
from innsync.domain.wording import told
from innsync.integrations.manifest import channel_name

OUTCOMES = ("created", "changed", "cancelled", "unchanged", "left", "refused")
WRITES = ("created", "changed", "cancelled")


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to become of one booking. words: why it is left or refused. known: the booking here; said_before: what files
    said of it last; None for a new one, and for one that was taken back.
    """

    booking: FileBooking
    outcome: str
    words: str = ""
    known: UUID | None = None
    said_before: dict[str, Any] | None = None


def look_around(prop: Property) -> Here:
    """What the words of a file can stand for at this property. In a tenant transaction."""
    types = RoomType.objects.filter(property=prop, retired_at=None)
    plans = RatePlan.objects.filter(property=prop, retired_at=None)
    links = Connection.objects.filter(property=prop).exclude(state="left").order_by("id")
    return Here(
        house=get_house(organization_id=prop.organization_id, key=prop.id),
        types={one.id: (one.name, one.code) for one in types},
        plans={one.id: (one.name, one.code) for one in plans},
        connections={one.id: (one.vendor, channel_name(one.vendor)) for one in links},
    )


def plan(*, prop: Property, table: Table, read: Reading, here: Here, now: datetime) -> list[Planned]:
    """What would become of each booking of the file, in its order."""
    return plan_these(prop=prop, bookings=bookings_of.read_bookings(table, read, here, now), read=read)


_ELSEWHERE = """
SELECT b.channel_ref, b.connection_id, b.channel FROM reservations_booking b
JOIN distribution_connection c ON c.id = b.connection_id
WHERE c.property_id = %(property)s AND b.channel_ref = ANY(%(refs)s)
"""
_OUR_OWN = "SELECT code FROM reservations_booking WHERE organization_id = %s AND property_id = %s AND code = ANY(%s)"


def plan_these(*, prop: Property, bookings: Sequence[FileBooking], read: Reading) -> list[Planned]:
    """The same for some of them: three statements, however many they are."""
    references = [one.reference for one in bookings if one.reference]
    known = {
        one.reference: one
        for one in SaidOfBooking.objects.filter(
            property=prop, system=read.system, reference__in=references
        ).select_related("booking")
    }
    refs = [one.said.channel_ref for one in bookings if one.said is not None and one.said.channel_ref]
    with sql() as cursor:
        elsewhere = {
            (ref, connection_id): channel
            for ref, connection_id, channel in cursor.execute(
                _ELSEWHERE, {"property": prop.id, "refs": [*refs, *references]}
            )
        }
        ours = {code for (code,) in cursor.execute(_OUR_OWN, (prop.organization_id, prop.id, references))}
    sites = {word: UUID(target) for word, target in read.words.get("channel", {}).items() if target}
    return [_plan_one(one, known.get(one.reference), elsewhere, ours, sites) for one in bookings]


def _plan_one(
    one: FileBooking,
    known: SaidOfBooking | None,
    elsewhere: dict[tuple[str, UUID], str],
    ours: set[str],
    sites: dict[str, UUID],
) -> Planned:
    if one.only_cancels and known is not None and known.said is not None:
        former = bookings_of.from_json(
            known.said, reference=one.reference, system=known.system, connection_id=known.booking.connection_id
        )
        one = replace(one, said=replace(former, status=BookingStatus.CANCELLED), problems=[])
    if one.said is None:
        words = "; ".join(f"{column} {words}" if column else words for _line, column, words in one.problems)
        return Planned(one, "refused", words)
    if known is not None:
        if known.said == bookings_of.to_json(one.said) and not _is_handed_over(one, known, elsewhere):
            return Planned(one, "unchanged", known=known.booking_id)
        if known.booking.channel_order:
            words = told(f"{channel_name(known.booking.channel)} tells this booking itself by now")
            return Planned(one, "left", words, known=known.booking_id)
        if known.said is None:
            return Planned(one, "created", known=known.booking_id)
        ends = one.said.status is BookingStatus.CANCELLED and known.said["status"] != BookingStatus.CANCELLED
        return Planned(one, "cancelled" if ends else "changed", known=known.booking_id, said_before=known.said)
    if one.reference in ours:
        return Planned(one, "left", told("is a booking of this house already"))
    link = one.said.connection_id or sites.get(one.said.source.casefold())
    ref = one.said.channel_ref or one.reference
    if link is not None and (ref, link) in elsewhere:
        return Planned(one, "left", told(f"is here already: {channel_name(elsewhere[ref, link])} told it"))
    return Planned(one, "created")


def _is_handed_over(one: FileBooking, known: SaidOfBooking, elsewhere: dict[tuple[str, UUID], str]) -> bool:
    """Whether the channel that sold it was connected since it was imported, and has not told it itself."""
    said, booking = one.said, known.booking
    if said is None or said.connection_id is None or booking.connection_id is not None:
        return False
    return (said.channel_ref, said.connection_id) not in elsewhere


def count(planned: Sequence[Planned]) -> dict[str, int]:
    """How many bookings have each of OUTCOMES."""
    found = Counter(one.outcome for one in planned)
    return {outcome: found[outcome] for outcome in OUTCOMES}
