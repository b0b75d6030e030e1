"""Who comes, what they ask for, and what the house notes for itself: changed by hand, for any booking."""

from __future__ import annotations

from datetime import datetime, time
from uuid import UUID

from innsync.apps.guests import services as guests
from innsync.apps.reservations import records
from innsync.apps.reservations.services.telling import tell
from innsync.domain.card_data import scrub_phone, scrub_text
from innsync.domain.channel import GuestDetails
from innsync.domain.difference import FieldChange
from innsync.domain.errors import InvalidField

LONGEST = {"name": 200, "email": 254, "phone": 40, "special_requests": 4000, "notes": 4000}


def change_details(
    *,
    organization_id: UUID,
    booking_id: UUID,
    guest: GuestDetails,
    arrival_time: time | None,
    special_requests: str,
    notes: str,
    now: datetime,
    actor: str,
    expected_version: int | None = None,
) -> records.Record:
    """Write down who the guest is, when on the day of arrival they come, what they ask for, and the house's notes; all of it as it is to be from now on.

    Also of a channel's booking: the channel's word counts again once it says something else than it did. Card numbers
    are cut out. Saying what is known already changes nothing. Raises UnknownBooking, StaleVersion; InvalidField without
    a name.
    """
    record = records.load(booking_id=booking_id, lock=True, expected_version=expected_version)
    said = GuestDetails(
        scrub_text(guest.name).strip()[: LONGEST["name"]],
        guest.email.strip()[: LONGEST["email"]],
        scrub_phone(guest.phone).strip()[: LONGEST["phone"]],
        guest.country,
        guest.language,
    )
    if not said.name:
        raise InvalidField(field="/name", problem="must be given")
    before = records.snapshot(record)
    known = guests.get_tongue(guest_id=record.guest_id)
    if (said.name, said.email, said.phone) != (record.guest_name, record.guest_email, record.guest_phone):
        record.guest_id = guests.follow(
            organization_id=organization_id, guest_id=record.guest_id, details=said, now=now
        )
        record.guest_name, record.guest_email, record.guest_phone = said.name, said.email, said.phone
    guests.correct(guest_id=record.guest_id, country=said.country, language=said.language)
    record.arrival_time = arrival_time.replace(second=0, microsecond=0) if arrival_time else None
    record.special_requests = scrub_text(special_requests).strip()[: LONGEST["special_requests"]]
    record.notes = scrub_text(notes).strip()[: LONGEST["notes"]]
    also = [
        FieldChange(f"/guest/{name}", old or None, new or None)
        for name, old, new in (("country", known[0], said.country), ("language", known[1], said.language))
        if old != new
    ]
    if records.snapshot(record) == before and not also:
        return record
    record.updated_at = now
    records.update(record, before=before, actor=actor, action="modified", also=also)
    tell(record, now=now)
    return record
