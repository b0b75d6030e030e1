"""Oversales: opened when more was sold than there is, settled when that is no longer so or a person found a way out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution.models import Conflict
from innsync.apps.events import services as events
from innsync.apps.inventory.models import OutOfOrder
from innsync.apps.inventory.selectors import list_oversold
from innsync.apps.rates.selectors import get_house
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.services.rooms import release_out_of_order
from innsync.domain.errors import DomainError
from innsync.domain.spans import compress
from innsync.domain.wording import told

JOINED = told("joined with the nights beside it")


class NoWayOut(DomainError):
    """The conflict is settled already, or this way does not fit it."""


def judge(
    *, organization_id: UUID, property_id: UUID, touched: Sequence[tuple[UUID, date, date]], now: datetime, cause: str
) -> None:
    """Open, narrow or settle conflicts on the touched nights. What arrived together is judged together."""
    if not touched:
        return
    types = sorted({room_type_id for room_type_id, _, _ in touched}, key=lambda one: one.int)
    first, last = min(one[1] for one in touched), max(one[2] for one in touched)
    # Those of the night before and after too: nights in a row are one conflict.
    beside = {"first__lte": last + timedelta(days=1), "last__gte": first - timedelta(days=1)}
    if not _any_open(property_id, types, first, last) and not list_oversold(
        property_id=property_id, first=first, last=last, room_type_ids=types
    ):
        return
    still_open = list(
        Conflict.objects.select_for_update()
        .filter(property_id=property_id, room_type_id__in=types, state="open", **beside)
        .order_by("id")
    )
    windows: dict[UUID, tuple[date, date]] = {}
    for room_type_id, begin, end in [*touched, *((one.room_type_id, one.first, one.last) for one in still_open)]:
        known = windows.get(room_type_id, (begin, end))
        windows[room_type_id] = min(begin, known[0]), max(end, known[1])
        first, last = min(first, begin), max(last, end)
    oversold = list_oversold(property_id=property_id, first=first, last=last, room_type_ids=types)
    if not oversold and not still_open:
        return
    for room_type_id in types:
        # Of each type only as far as its own conflicts are known here: another's may reach further.
        begin, end = windows[room_type_id]
        nights = {day: count for one, day, count in oversold if one == room_type_id and begin <= day <= end}
        spans = [(span.first, span.last) for span in compress(dict.fromkeys(nights, True))]
        own = [conflict for conflict in still_open if conflict.room_type_id == room_type_id]
        _bring_in_line(organization_id, property_id, room_type_id, own, spans, nights, now, cause)


def _any_open(property_id: UUID, room_type_ids: list[UUID], first: date, last: date) -> bool:
    """Whether there is a conflict on these nights or beside them. Nearly always there is none, so it is asked for first."""
    with sql() as cursor:
        row = cursor.execute(
            "SELECT EXISTS (SELECT FROM distribution_conflict WHERE property_id = %s AND room_type_id = ANY(%s)"
            " AND state = 'open' AND first <= %s AND last >= %s)",
            (property_id, room_type_ids, last + timedelta(days=1), first - timedelta(days=1)),
        ).fetchone()
    return row == (True,)


def _bring_in_line(
    organization_id: UUID,
    property_id: UUID,
    room_type_id: UUID,
    own: list[Conflict],
    spans: list[tuple[date, date]],
    nights: dict[date, int],
    now: datetime,
    cause: str,
) -> None:
    known = {night: conflict for conflict in own for night in _nights(conflict.first, conflict.last)}
    kept: dict[tuple[date, date], Conflict] = {}
    for conflict in own:
        matches = [span for span in spans if span[0] <= conflict.last and span[1] >= conflict.first]
        match = next((span for span in matches if span not in kept), matches[0] if matches else None)
        if match is None:
            conflict.state, conflict.resolved_at = "resolved", now
            conflict.resolution = conflict.resolution or told("room became free")
            _log(conflict, told(f"settled: {cause}"), now)
            conflict.save()
        elif match in kept:
            _join(conflict, kept[match], now, cause)
        else:
            kept[match] = conflict
    # What parts from a conflict first: it begins with the timeline as it was until now.
    for first, last in sorted(spans, key=lambda span: span in kept):
        added = [night for night in _nights(first, last) if night not in known]
        before = kept.get((first, last))
        if before is not None and (before.first, before.last) == (first, last):
            continue
        whole = next((known[night] for night in _nights(first, last) if night in known), None)
        if before is not None:
            conflict = before
        elif whole is not None:
            conflict = _part(whole, first, last)
        else:
            conflict = Conflict(
                organization_id=organization_id, property_id=property_id, room_type_id=room_type_id, opened_at=now
            )
        conflict.first, conflict.last = first, last
        if added:
            conflict.booking_id = _latest_booking(property_id, room_type_id, added[0], added[-1])
            rooms = max(nights[night] for night in added)
            _log(conflict, told(f"oversold by {rooms}: {cause}"), now)
        else:
            _log(conflict, told(f"nights changed: {cause}"), now)
        conflict.save()
        if added:
            _tell(conflict, now)


def _nights(first: date, last: date) -> list[date]:
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def _log(conflict: Conflict, what: str, now: datetime) -> None:
    conflict.timeline = [*conflict.timeline, {"at": now.isoformat(), "what": what}]


def _tell(conflict: Conflict, now: datetime) -> None:
    """Nights were oversold, by the booking that the conflict names now."""
    events.record(
        organization_id=conflict.organization_id,
        property_id=conflict.property_id,
        type="booking.conflict",
        at=now,
        data={
            "conflict_id": str(conflict.id),
            "booking_id": str(conflict.booking_id) if conflict.booking_id else None,
            "room_type_id": str(conflict.room_type_id),
            "first": conflict.first.isoformat(),
            "last": conflict.last.isoformat(),
        },
    )


def _join(conflict: Conflict, wider: Conflict, now: datetime, cause: str) -> None:
    """Nights between two conflicts were oversold as well: they are one from now on, which takes over what was noted."""
    conflict.state, conflict.resolved_at, conflict.joined_into = "resolved", now, wider
    conflict.resolution = conflict.resolution or JOINED
    wider.timeline = sorted([*wider.timeline, *conflict.timeline], key=lambda entry: str(entry["at"]))
    _log(conflict, told(f"joined with the nights beside it: {cause}"), now)
    conflict.save()
    conflict.joined.update(joined_into=wider)
    wider.save()


def _part(whole: Conflict, first: date, last: date) -> Conflict:
    """The conflict of nights that are no longer in a row with their conflict's: the one that they had been, open again.

    Where they never were one of their own, it begins with what was noted so far.
    """
    joined = whole.joined.filter(first__lte=last, last__gte=first).order_by("id").first()
    if joined is None:
        return Conflict(
            organization_id=whole.organization_id,
            property_id=whole.property_id,
            room_type_id=whole.room_type_id,
            booking_id=whole.booking_id,
            opened_at=whole.opened_at,
            resolution=whole.resolution,
            timeline=whole.timeline,
        )
    whole.joined.filter(first__lte=last, last__gte=first).exclude(id=joined.id).update(joined_into=joined)
    joined.state, joined.resolved_at, joined.joined_into = "open", None, None
    joined.resolution = "" if joined.resolution == JOINED else joined.resolution
    return joined


def _latest_booking(property_id: UUID, room_type_id: UUID, first: date, last: date) -> UUID | None:
    with sql() as cursor:
        row = cursor.execute(
            "SELECT s.booking_id FROM reservations_roomstay s JOIN reservations_booking b ON b.id = s.booking_id"
            " WHERE s.property_id = %s AND s.room_type_id = %s AND s.holds_stock AND s.check_in <= %s AND s.check_out > %s"
            " ORDER BY b.created_at DESC, b.id DESC LIMIT 1",
            (property_id, room_type_id, last, first),
        ).fetchone()
    return row[0] if row else None


def resolve_by_moving(
    *, organization_id: UUID, conflict_id: UUID, room_stay_id: UUID, room_type_id: UUID, now: datetime, actor: str
) -> None:
    """Move a room stay of the conflict's nights to another type, at the price agreed. Raises NoWayOut, SoldOut."""
    conflict = _open(conflict_id)
    booking_id = next((booking for booking, stay in _stays(conflict) if stay == room_stay_id), None)
    if booking_id is None:
        raise NoWayOut
    reservations.move_room_stay(
        organization_id=organization_id,
        booking_id=booking_id,
        room_stay_id=room_stay_id,
        room_type_id=room_type_id,
        now=now,
        actor=actor,
    )
    _note(conflict, told("moved to another room type"), now, actor)


def resolve_by_release(
    *, organization_id: UUID, conflict_id: UUID, out_of_order_id: UUID, now: datetime, actor: str
) -> None:
    """Give a room that is out of order back to be let. Raises NoWayOut."""
    conflict = _open(conflict_id)
    block = OutOfOrder.objects.filter(
        id=out_of_order_id,
        room_type_id=conflict.room_type_id,
        first__lte=conflict.last,
        last__gte=conflict.first,
        released_at__isnull=True,
    ).first()
    if block is None:
        raise NoWayOut
    release_out_of_order(organization_id=organization_id, out_of_order_id=block.id, now=now)
    _note(conflict, told("out-of-order room released"), now, actor)


def resolve_by_walking(
    *, organization_id: UUID, conflict_id: UUID, booking_id: UUID, now: datetime, actor: str
) -> None:
    """The guest is lodged elsewhere at our cost: the booking ends without a fee. Raises NoWayOut."""
    conflict = _open(conflict_id)
    if booking_id not in {booking for booking, _ in _stays(conflict)}:
        raise NoWayOut
    house = get_house(organization_id=organization_id, key=conflict.property_id)
    reservations.cancel(house=house, booking_id=booking_id, now=now, actor=actor, waive_fee=True, any_channel=True)
    _note(conflict, told("guest walked"), now, actor)


def ask_channel(*, conflict_id: UUID, now: datetime, actor: str) -> None:
    """Note that the channel was asked to cancel; the conflict stays open until its cancellation comes. Raises NoWayOut."""
    _note(_open(conflict_id), told("channel asked to cancel"), now, actor)


def _stays(conflict: Conflict) -> list[tuple[UUID, UUID]]:
    """(booking, room stay) of all that hold a room of the type on the conflict's nights."""
    with sql() as cursor:
        return cursor.execute(
            "SELECT booking_id, id FROM reservations_roomstay WHERE property_id = %s AND room_type_id = %s"
            " AND holds_stock AND check_in <= %s AND check_out > %s",
            (conflict.property_id, conflict.room_type_id, conflict.last, conflict.first),
        ).fetchall()


def _open(conflict_id: UUID) -> Conflict:
    conflict = Conflict.objects.select_for_update().filter(id=conflict_id, state="open").first()
    if conflict is None:
        raise NoWayOut
    return conflict


def _note(conflict: Conflict, resolution: str, now: datetime, actor: str) -> None:
    conflict.resolution = resolution
    conflict.timeline = [*conflict.timeline, {"at": now.isoformat(), "what": resolution, "by": actor}]
    conflict.save(update_fields=["resolution", "timeline"])
