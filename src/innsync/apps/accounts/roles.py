"""What each role may do: the one table that screens, actions and navigation ask."""

from __future__ import annotations

from enum import StrEnum

from innsync.apps.accounts.models import Role


class Ability(StrEnum):
    """Something that a person may do in an organization; seeing and changing are apart."""

    SEE_DESK = "see_desk"
    """Who arrives, leaves and stays, and in which room; without money and without addresses."""
    SEE_BOOKINGS = "see_bookings"
    """Bookings whole: guests' addresses, prices, history."""
    MANAGE_BOOKINGS = "manage_bookings"
    """Make, change and end bookings, check guests in and out, give rooms, put rooms out of order, settle conflicts."""
    DO_TASKS = "do_tasks"
    """Say that a service order is done, or that it was not after all."""
    SEE_RATES = "see_rates"
    CLOSE_NIGHTS = "close_nights"
    """Close room types on some nights everywhere, and open them again."""
    SET_RATES = "set_rates"
    SEE_CHANNELS = "see_channels"
    """Connections, what was sent to channels, what came from them, and conflicts."""
    MANAGE_CHANNELS = "manage_channels"
    """Connect, map, pause, resume, send again, replay."""
    SEE_REPORTS = "see_reports"
    MANAGE_PROPERTIES = "manage_properties"
    MANAGE_PEOPLE = "manage_people"
    """People, their roles, and API keys."""


_SEEING = frozenset(
    {Ability.SEE_DESK, Ability.SEE_BOOKINGS, Ability.SEE_RATES, Ability.SEE_CHANNELS, Ability.SEE_REPORTS}
)

ABILITIES: dict[Role, frozenset[Ability]] = {
    Role.ADMINISTRATOR: frozenset(Ability),
    Role.MANAGER: frozenset(Ability) - {Ability.MANAGE_PEOPLE},
    Role.FRONT_DESK: frozenset(
        {
            Ability.SEE_DESK,
            Ability.SEE_BOOKINGS,
            Ability.MANAGE_BOOKINGS,
            Ability.DO_TASKS,
            Ability.SEE_RATES,
            Ability.CLOSE_NIGHTS,
            Ability.SEE_CHANNELS,
        }
    ),
    Role.REVENUE: _SEEING | {Ability.CLOSE_NIGHTS, Ability.SET_RATES},
    Role.STAFF: frozenset({Ability.SEE_DESK, Ability.DO_TASKS}),
    Role.OWNER: frozenset({Ability.SEE_DESK, Ability.SEE_BOOKINGS, Ability.SEE_RATES, Ability.SEE_REPORTS}),
    Role.ACCOUNTANT: frozenset({Ability.SEE_BOOKINGS, Ability.SEE_REPORTS}),
    Role.READ_ONLY: _SEEING,
}
