"""Taking an import back, as far as nobody changed since what it did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.imports import bookings as bookings_of
from innsync.apps.imports import planning
from innsync.apps.imports.models import BookingImport, ImportedLine, SaidOfBooking
from innsync.apps.imports.taking import BATCH, lock_changed, lock_import
from innsync.apps.rates.selectors import House, get_house
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.models import Booking
from innsync.apps.reservations.refusals import NotChangeable, StaleVersion
from innsync.domain.errors import DomainError
from innsync.domain.wording import told


def count_undoable(found: BookingImport) -> tuple[int, int]:
    """How many bookings could be taken back, and how many were changed since. In a tenant transaction."""
    written = ImportedLine.objects.filter(within=found, outcome__in=planning.WRITES)
    standing = written.filter(booking__version=F("version")).count()
    return standing, written.count() - standing


def undo_all(*, organization_id: UUID, import_id: UUID) -> None:
    """Take back what is left of it, the last first. Called outside of any transaction; may be repeated."""
    with tenant(organization_id):
        found = BookingImport.objects.select_related("property").get(id=import_id)
        if found.state != "undoing":
            return
        house = get_house(organization_id=organization_id, key=found.property_id)
    while True:
        with tenant(organization_id):
            lock_import(found)
            lines = list(
                ImportedLine.objects.filter(within=found, outcome__in=planning.WRITES, undone="").order_by("-line")[
                    :BATCH
                ]
            )
            if not lines:
                BookingImport.objects.filter(id=import_id, state="undoing").update(state="undone")
                return
            _undo_batch(found, lines, house)


def _undo_batch(found: BookingImport, lines: Sequence[ImportedLine], house: House) -> None:
    # What it is put back to may be of another type, which is locked along with the others.
    types = [UUID(room[0]) for one in lines if one.said_before for room in one.said_before["rooms"]]
    lock_changed([one.booking_id for one in lines if one.booking_id is not None], types)
    now = datetime.now(UTC)
    for line in lines:
        line.undone, line.undo_words = "undone", ""
        try:
            with transaction.atomic():
                _undo(found, line, house, now)
        except StaleVersion:
            line.undone, line.undo_words = "kept", told("was changed since the import")
        except NotChangeable:
            line.undone, line.undo_words = "kept", told("its channel tells this booking itself by now")
        except DomainError as error:
            line.undone, line.undo_words = "kept", str(error)[:2000]
    ImportedLine.objects.bulk_update(lines, ["undone", "undo_words"])
    dealt_with = ImportedLine.objects.filter(within=found).exclude(undone="").count()
    BookingImport.objects.filter(id=found.id).update(done=dealt_with)


def _undo(found: BookingImport, line: ImportedLine, house: House, now: datetime) -> None:
    """Raises StaleVersion when the booking is not any more what the import made of it, NotChangeable."""
    if line.booking_id is None or line.version is None:
        raise StaleVersion(current=0)
    known = SaidOfBooking.objects.filter(
        property_id=found.property_id, system=found.system, reference=line.reference, booking_id=line.booking_id
    ).first()
    if known is None or known.said is None:
        raise StaleVersion(current=0)
    if line.said_before is None:
        reservations.take_back_import(
            house=house, booking_id=line.booking_id, expected_version=line.version, now=now, actor=found.undone_by
        )
    else:
        booking = Booking.objects.get(id=line.booking_id)
        if booking.version != line.version:
            raise StaleVersion(current=booking.version)
        if booking.channel_order or known.said == line.said_before:  # told by its channel, or handed over to it
            raise NotChangeable(status=booking.channel, action="modify")
        former, said = (
            bookings_of.from_json(
                one, reference=line.reference, system=found.system, connection_id=booking.connection_id
            )
            for one in (known.said, line.said_before)
        )
        reservations.change_imported(
            house=house, booking_id=line.booking_id, former=former, said=said, now=now, actor=found.undone_by
        )
    known.said = line.said_before
    known.save(update_fields=["said"])
