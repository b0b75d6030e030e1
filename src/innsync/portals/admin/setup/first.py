"""The first steps: from an empty organization to its first property, rooms, prices and channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from innsync.apps.accounts.roles import Ability
from innsync.apps.setup.progress import Progress, get_progress
from innsync.portals.access import Visitor, page
from innsync.portals.admin.pages import show


@dataclass(frozen=True, slots=True)
class Step:
    """One step as the page shows it. to: where it is done; empty until the steps before it are."""

    title: str
    words: str
    button: str
    to: str
    done: bool


def progress_of(visitor: Visitor) -> Progress | None:
    """How far the visitor's organization is; None for those who don't set it up, and where nothing is left to do."""
    if Ability.MANAGE_PROPERTIES not in visitor.access.abilities or not visitor.access.sees_all:
        return None
    found = get_progress(today=datetime.now(UTC).date())
    return None if found.complete else found


@page(Ability.MANAGE_PROPERTIES)
def first_steps(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    progress = get_progress(today=datetime.now(UTC).date())
    steps = _steps(progress)
    context = {
        "progress": progress,
        "steps": steps,
        "next": next((one for one in steps if not one.done), None),
        "may_add": visitor.access.sees_all,
    }
    return show(request, visitor, "setup/first_steps.html", context, section="properties")


def _steps(progress: Progress) -> list[Step]:
    there = reverse("property", args=[progress.property_id]) if progress.property_id else ""
    asked = f"?property={progress.code}"
    return [
        Step(
            _("Your first property"),
            _("A hotel, a house, an apartment: its name, its time zone, its currency."),
            _("Add the property"),
            reverse("property-new"),
            progress.property_id is not None,
        ),
        Step(
            _("Its rooms"),
            _(
                "What you sell as the same thing is a room type, with the rooms it has. A holiday home is one with one room."
            ),
            _("Add room types"),
            f"{there}#types" if there else "",
            progress.rooms,
        ),
        Step(
            _("Prices"),
            _("What a night costs. You can set it with the room type, night by night later, or import a file."),
            _("Set prices"),
            f"{reverse('rates')}{asked}" if progress.rooms else "",
            progress.prices,
        ),
        Step(
            _("Your first channel"),
            _("Where you sell: rooms left and prices go there by themselves from then on, and bookings come in."),
            _("Connect a channel"),
            f"{reverse('connect')}{asked}" if progress.rooms else "",
            progress.channel,
        ),
    ]
