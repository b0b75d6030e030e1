"""What was mailed to guests, and whether a confirmation goes out by itself."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings

from innsync.apps.rates.selectors import House
from innsync.apps.reservations.models import SentMail

CONFIRMATION = "confirmation"


def mail_is_set_up() -> bool:
    """Whether mail leaves this machine; else each is a file in the data folder."""
    return not getattr(settings, "EMAIL_FILE_PATH", None)


def confirms(house: House) -> bool:
    """Whether who books directly is sent a confirmation without anybody's doing."""
    return mail_is_set_up() if house.confirms_by_mail is None else house.confirms_by_mail


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
