"""The sections of the portal: one table for the menu, for who sees what of it, and for where a person lands."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from innsync.apps.accounts.people import Access
from innsync.apps.accounts.roles import Ability


@dataclass(frozen=True, slots=True)
class Section:
    """One entry of the menu. key: its view's name too; asks: which of `what_asks` it shows as a number."""

    key: str
    label: str | Promise
    icon: str
    needs: Ability
    asks: str = ""


SECTIONS = (
    Section("today", _("Today"), "home", Ability.SEE_DESK),
    Section("calendar", _("Calendar"), "calendar-month", Ability.SEE_DESK),
    Section("bookings", _("Bookings"), "calendar-check", Ability.SEE_BOOKINGS),
    Section("rates", _("Rates"), "tag", Ability.SEE_RATES),
    Section("connections", _("Channels"), "plug-connected", Ability.SEE_CHANNELS),
    Section("inbox", _("Inbox"), "inbox", Ability.SEE_CHANNELS, asks="attention"),
    Section("conflicts", _("Conflicts"), "alert-triangle", Ability.SEE_BOOKINGS, asks="open_conflicts"),
    Section("properties", _("Properties"), "building", Ability.MANAGE_PROPERTIES),
    Section("reports", _("Reports"), "chart-bar", Ability.SEE_REPORTS),
    Section("people", _("People"), "users", Ability.MANAGE_PEOPLE),
    Section("website", _("Your website"), "calendar-check", Ability.MANAGE_PEOPLE),
    Section("api-keys", _("API keys"), "key", Ability.MANAGE_PEOPLE),
)


def sections_of(access: Access) -> list[Section]:
    """What that person's menu shows, in its order; the first is where they land."""
    return [one for one in SECTIONS if one.needs in access.abilities]
