"""A booking's confirmation: to print, and to send."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from innsync.apps.accounts.roles import Ability
from innsync.apps.reservations.services.mails import CONFIRMATION, mail_is_set_up
from innsync.domain.errors import InvalidField
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.desk import get_booking
from innsync.portals.admin.pages import show
from innsync.portals.letters import (
    OURS,
    confirmation_letter,
    confirmation_sheet,
    is_to_come,
    language_of,
    send_confirmation,
)
from innsync.portals.once import only_once


@page(Ability.SEE_BOOKINGS)
def confirmation(request: HttpRequest, visitor: Visitor, booking_id: UUID) -> HttpResponse:
    """As it is printed; `?language=` in another than the guest's."""
    found = get_booking(visitor, booking_id)
    asked = request.GET.get("language", "")
    language = asked if asked in OURS else language_of(found)
    context = {
        "booking": found,
        "written_in": language,
        "languages": settings.LANGUAGES,
        "sheet": confirmation_sheet(booking=found, language=language, now=datetime.now(UTC)),
        "manages": Ability.MANAGE_BOOKINGS in visitor.access.abilities,
        "to_come": is_to_come(found, datetime.now(UTC)),
    }
    return show(request, visitor, "booking/confirmation.html", context, section="bookings")


@page(Ability.MANAGE_BOOKINGS)
def _ask_send(request: HttpRequest, visitor: Visitor, booking_id: UUID) -> HttpResponse:
    """The mail as it will go out, and what went out before."""
    found = get_booking(visitor, booking_id)
    back, now = reverse("booking-confirmation", args=[found.id]), datetime.now(UTC)
    context: dict[str, Any] = {"booking": found, "back": back, "to_come": is_to_come(found, now)}
    if not context["to_come"]:
        context["refused"] = _("A confirmation is sent only for a stay that is yet to come.")
        return show(request, visitor, "booking/send.html", context, section="bookings")
    try:
        context |= {
            "letter": confirmation_letter(booking=found, now=now),
            "sent": found.mails.filter(kind=CONFIRMATION),
            "set_up": mail_is_set_up(),
        }
    except InvalidField:
        context["refused"] = _("This guest has no e-mail address that a mail could go to.")
    return show(request, visitor, "booking/send.html", context, section="bookings")


@action(Ability.MANAGE_BOOKINGS, back="bookings")
def _do_send(request: HttpRequest, visitor: Visitor, booking_id: UUID) -> Done | HttpResponse:
    found = get_booking(visitor, booking_id)

    if not is_to_come(found, datetime.now(UTC)):
        words = _("A confirmation is sent only for a stay that is yet to come.")
        return Done(words, reverse("booking-confirmation", args=[found.id]), well=False)

    def work() -> Done:
        sent = send_confirmation(booking=found, now=datetime.now(UTC), actor=visitor.actor)
        return Done(_("The confirmation goes to %(to)s.") % {"to": sent.to}, reverse("booking", args=[found.id]))

    return only_once(request, visitor, work)


send = confirmed(ask=_ask_send, do=_do_send)
