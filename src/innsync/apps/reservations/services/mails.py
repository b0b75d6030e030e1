"""What was mailed to guests, and whether a confirmation goes out by itself."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from innsync.apps.accounts.counting import take_one
from innsync.apps.accounts.tenancy import sql
from innsync.apps.rates.selectors import House
from innsync.apps.reservations.models import SentMail

CONFIRMATION = "confirmation"
MOST_BY_ITSELF = 5
"""Letters that nobody sent by hand, to one address from one property within the time."""
WITHIN = timedelta(hours=1)


def mail_is_set_up() -> bool:
    """Whether mail leaves this machine; else each is a file in the data folder."""
    return not getattr(settings, "EMAIL_FILE_PATH", None)


def confirms(house: House) -> bool:
    """Whether who books directly is sent a confirmation without anybody's doing."""
    return mail_is_set_up() if house.confirms_by_mail is None else house.confirms_by_mail


def take_letter(*, property_id: UUID, to: str, now: datetime) -> bool:
    """Count a letter that goes out by itself. Answers whether it may: who books may name anybody's address."""
    prefix = f"letter:{property_id}:"
    with sql() as cursor:
        cursor.execute("DELETE FROM events_bucket WHERE key LIKE %s AND at < %s", (f"{prefix}%", now - WITHIN))
    key = prefix + hashlib.sha256(to.strip().lower().encode()).hexdigest()
    return take_one(key=key, most=MOST_BY_ITSELF, window=WITHIN, now=now) == 0


def note_mail(
    *, organization_id: UUID, booking_id: UUID, kind: str, to: str, language: str, now: datetime, actor: str
) -> SentMail:
    """Write down that a mail goes to the guest. In the transaction in which it is posted."""
    return SentMail.objects.create(
        organization_id=organization_id,
        booking_id=booking_id,
        at=now,
        kind=kind,
        to=to[:254],
        language=language[:8],
        actor=actor[:120],
    )
