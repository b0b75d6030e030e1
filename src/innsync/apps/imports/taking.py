"""Importing a file's bookings, a few at a time: killed at any point and begun again, each is still imported once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import structlog
from django.db import OperationalError, transaction

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.imports import bookings as bookings_of
from innsync.apps.imports import planning
from innsync.apps.imports.bookings import FileBooking
from innsync.apps.imports.files import table_of
from innsync.apps.imports.models import BookingImport, ImportedLine, SaidOfBooking
from innsync.apps.imports.planning import Planned
from innsync.apps.imports.reading import Here, Reading
from innsync.apps.inventory.services import lock_types
from innsync.apps.reservations import services as reservations
from innsync.domain.card_data import scrub_text
from innsync.domain.errors import DomainError
from innsync.domain.wording import told

log = structlog.get_logger()
# Few enough that whoever books a room type locked here waits for no longer than a few bookings take.
BATCH = 25


def take_all(*, organization_id: UUID, import_id: UUID) -> None:
    """Import what is left of the file. Called outside of any transaction; does nothing for an import that is not running."""
    now = datetime.now(UTC)
    with tenant(organization_id):
        found = BookingImport.objects.select_related("property").get(id=import_id)
        if found.state != "running" or found.content is None:
            return
        read, here = Reading.from_json(found.settings), planning.look_around(found.property)
        bookings = bookings_of.read_bookings(table_of(found), read, here, now)
        if found.bookings != len(bookings):
            BookingImport.objects.filter(id=import_id).update(bookings=len(bookings))
        done = set(ImportedLine.objects.filter(within=found).values_list("line", flat=True))
    left = [one for one in bookings if one.line not in done]
    for start in range(0, len(left), BATCH):
        with tenant(organization_id):
            if not _take_batch(found, left[start : start + BATCH], read, here):
                return
    with tenant(organization_id):
        # The file is done with: what it says of people is where it belongs.
        BookingImport.objects.filter(id=import_id, state="running").update(
            state="done", content=None, ended_at=datetime.now(UTC)
        )


def lock_import(found: BookingImport) -> None:
    """Only one import of the property changes bookings at a time."""
    with sql() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 19))", (str(found.property_id),))


def lock_changed(booking_ids: Sequence[UUID], room_type_ids: Sequence[UUID]) -> None:
    """Bookings, then room types: in the order that everybody keeps."""
    with sql() as cursor:
        cursor.execute(
            "SELECT id FROM reservations_booking WHERE id = ANY(%s) ORDER BY id FOR UPDATE", (list(booking_ids),)
        )
        held = cursor.execute(
            "SELECT DISTINCT room_type_id FROM reservations_roomstay WHERE booking_id = ANY(%s)", (list(booking_ids),)
        ).fetchall()
        lock_types(cursor, {*room_type_ids, *(room_type_id for (room_type_id,) in held)})


def _take_batch(found: BookingImport, bookings: Sequence[FileBooking], read: Reading, here: Here) -> bool:
    """Whether there is more to do: somebody else may have done this, or ended it."""
    lock_import(found)
    if not BookingImport.objects.filter(id=found.id, state="running").exists():
        return False
    done = set(
        ImportedLine.objects.filter(within=found, line__in=[one.line for one in bookings]).values_list(
            "line", flat=True
        )
    )
    planned = planning.plan_these(
        prop=found.property, bookings=[one for one in bookings if one.line not in done], read=read
    )
    writes = [one for one in planned if one.outcome in planning.WRITES]
    lock_changed(
        [one.known for one in writes if one.known is not None],
        [room.room_type_id for one in writes if one.booking.said for room in one.booking.said.rooms],
    )
    now = datetime.now(UTC)
    lines = [_take(found, one, read, here, now) for one in planned]
    ImportedLine.objects.bulk_create(lines)
    BookingImport.objects.filter(id=found.id).update(done=ImportedLine.objects.filter(within=found).count())
    return True


def _take(found: BookingImport, one: Planned, read: Reading, here: Here, now: datetime) -> ImportedLine:
    line = ImportedLine(
        organization_id=found.organization_id,
        property_id=found.property_id,
        within=found,
        line=one.booking.line,
        reference=one.booking.reference,
        outcome=one.outcome,
        words=scrub_text(one.words)[:2000],
        booking_id=one.known,
        said_before=one.said_before,
    )
    if one.outcome not in planning.WRITES:
        return line
    try:
        with transaction.atomic():
            line.booking_id, line.version = _write(found, one, read, here, now)
    except DomainError as error:
        line.outcome, line.words = "refused", str(error)[:2000]
    except (psycopg.OperationalError, OperationalError):
        raise  # the database's own trouble: all of it is done again
    except Exception as error:  # what can't be stored as it is must not stop the bookings behind it
        log.exception("booking_not_imported", import_id=str(found.id), line=one.booking.line)
        kind = type(error).__name__
        line.outcome, line.words = "refused", told(f"could not be imported: {kind}")
    return line


def _write(found: BookingImport, one: Planned, read: Reading, here: Here, now: datetime) -> tuple[UUID, int]:
    said = one.booking.said
    assert said is not None, "what is refused is not written"
    if one.known is None:
        record = reservations.import_booking(house=here.house, said=said, now=now, actor=found.by)
    else:
        former = (
            bookings_of.from_json(one.said_before, reference=said.reference, system=said.system)
            if one.said_before is not None
            else None
        )
        record = reservations.change_imported(
            house=here.house, booking_id=one.known, former=former, said=said, now=now, actor=found.by
        )
    SaidOfBooking.objects.update_or_create(
        organization_id=found.organization_id,
        property_id=found.property_id,
        system=read.system,
        reference=said.reference,
        defaults={"booking_id": record.id, "said": bookings_of.to_json(said)},
    )
    return record.id, record.version
