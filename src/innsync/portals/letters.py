"""What is written to guests: the confirmation of a booking, on paper and by mail, in the guest's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from innsync.apps.automation.extras import list_booked, words_of
from innsync.apps.automation.services import CANCELLED
from innsync.apps.guests.services import get_tongue
from innsync.apps.mail import tasks as mail
from innsync.apps.rates.selectors import House, get_house
from innsync.apps.reservations import records
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.models import Booking, RoomStay, SentMail
from innsync.apps.reservations.services.mails import CONFIRMATION
from innsync.apps.reservations.terms import schedule
from innsync.domain.booking_state import HOLDS_STOCK, BookingStatus
from innsync.domain.errors import InvalidField
from innsync.domain.money import Money
from innsync.domain.policies import CancellationPolicy
from innsync.domain.wording import told
from innsync.portals.folios import folio_of
from innsync.portals.policy_words import cancellation_words, payment_words
from innsync.portals.promotion_words import name_in_language
from innsync.portals.words import channel_name

OURS = tuple(code for code, _name in settings.LANGUAGES)


def language_of(booking: Booking) -> str:
    """The language that the guest is written to in: theirs where we speak it, else English."""
    _country, language = get_tongue(guest_id=booking.guest_id)
    spoken = language.partition("-")[0].lower()
    return spoken if spoken in OURS else "en"


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it will go out."""

    to: str
    language: str
    subject: str
    text: str


def confirmation_sheet(*, booking: Booking, language: str, now: datetime) -> SafeString:
    """The confirmation as it is printed."""
    with translation.override(language):
        return render_to_string("portals/letters/confirmation.html", _facts(booking, now))


def is_to_come(booking: Booking, now: datetime) -> bool:
    """Whether there are nights yet that a confirmation could be about: a cancelled booking's too, for it says so."""
    if BookingStatus(booking.status) in (BookingStatus.CHECKED_OUT, BookingStatus.NO_SHOW):
        return False
    return booking.check_out > now.astimezone(ZoneInfo(booking.property.time_zone)).date()


def confirmation_letter(*, booking: Booking, now: datetime, by_itself: bool = False) -> Letter:
    """The confirmation as it is mailed. Raises InvalidField where the guest has no address.

    by_itself: nobody looked at it; then it repeats nothing that whoever booked could write at length.
    """
    try:
        validate_email(booking.guest_email)
    except ValidationError:
        raise InvalidField(field="/email", problem=told("must be an e-mail address")) from None
    language = language_of(booking)
    with translation.override(language):
        subject = _("Your booking %(code)s at %(property)s") % {
            "code": booking.code,
            "property": booking.property.name,
        }
        # Plain text from here on: where it is shown on a page, names in it are no markup.
        facts = {**_facts(booking, now), "requests": "" if by_itself else booking.special_requests}
        text = render_to_string("portals/letters/confirmation.txt", facts).strip() + "\n"
    return Letter(booking.guest_email, language, subject, text)


def send_confirmation(*, booking: Booking, now: datetime, actor: str) -> SentMail:
    """Mail the confirmation once this transaction commits, and write down that it was. Raises InvalidField.

    actor: who pressed the button; empty where nobody did.
    """
    letter = confirmation_letter(booking=booking, now=now, by_itself=not actor)
    mail.post(to=letter.to, subject=letter.subject, text=letter.text)
    return reservations.note_mail(
        organization_id=booking.organization_id,
        booking_id=booking.id,
        kind=CONFIRMATION,
        to=letter.to,
        language=letter.language,
        now=now,
        actor=actor,
    )


def _facts(booking: Booking, now: datetime) -> dict[str, Any]:
    """What both forms of the confirmation say; in the language that is active."""
    prop, direct = booking.property, booking.channel == "direct"
    house = get_house(organization_id=booking.organization_id, key=prop.id)
    record = records.load(booking_id=booking.id)
    stays = booking.room_stays.select_related("room_type", "rate_plan")
    ended = BookingStatus(booking.status) not in HOLDS_STOCK
    over = ended or booking.status in (BookingStatus.CHECKED_OUT, BookingStatus.NO_SHOW)
    return {
        "booking": booking,
        "property": prop,
        "address": address_lines(prop.address),
        "nights": (booking.check_out - booking.check_in).days,
        "stays": [stay_line(one, booking.currency) for one in stays],
        "covered": [] if ended else _included(record),
        "charges": [
            (one["name"], Money(one["minor"], booking.currency), bool(one.get("included"))) for one in booking.charges
        ],
        "folio": folio_of(booking),
        "total": Money(booking.total_minor, booking.currency),
        "ended": ended,
        "over": over,
        "channel": "" if direct else channel_name(booking.channel),
        "cancellation": [] if over else _cancellation(house, record, now),
        "payments": payment_words(schedule(house, record)) if direct and not over else [],
    }


def _included(record: records.Record) -> list[str]:
    """The extras that its rate plans cover, in the language that is active."""
    return [
        words_of(one.taken, name_in_language(one.taken.extra.name, one.taken.extra.names))
        for one in list_booked(record=record)
        if one.taken.included and one.state != CANCELLED
    ]


def stay_line(stay: RoomStay, currency: str) -> dict[str, Any]:
    """A stay with its nights' prices and what these come to: without taxes and fees, where the nights are priced."""
    nights = [
        (stay.check_in + timedelta(days=offset), Money(minor, currency))
        for offset, minor in enumerate(stay.nightly_minor)
    ]
    total = sum(stay.nightly_minor) if nights else stay.total_minor
    return {"stay": stay, "nights": nights, "total": Money(total, currency), "promotion": _promotion(stay, currency)}


def _promotion(stay: RoomStay, currency: str) -> tuple[str, Money] | None:
    """What its nights are reduced by, in the language that is active, and how much that is."""
    agreed = stay.terms.get("promotion")
    if not agreed:
        return None
    return name_in_language(agreed["name"], agreed["names"]), Money(sum(stay.cuts_minor), currency)


def _cancellation(house: House, record: records.Record, now: datetime) -> list[str]:
    """Of several rooms' terms the strictest, so that too much is promised to nobody."""
    stored = record.terms.get("cancellation_policy")
    if not stored:
        return []
    return cancellation_words(
        CancellationPolicy.from_json(stored),
        check_in=record.check_in,
        check_in_time=house.check_in_time,
        time_zone=house.time_zone,
        currency=record.currency,
        now=now,
    )


def address_lines(address: Mapping[str, Any]) -> list[str]:
    """A property's address line by line, postal code and city on one."""
    street, code, city, region, country = (
        str(address.get(name, "")) for name in ("street", "postal_code", "city", "region", "country")
    )
    return [one for one in (street, f"{code} {city}".strip(), ", ".join(filter(None, (region, country)))) if one]
