"""What each role may see and do."""

from __future__ import annotations

from innsync.apps.accounts.models import Role
from innsync.apps.accounts.roles import ABILITIES, Ability
from innsync.ops.docs import markdown

INTRO = """A person has one role in an organization, and may be limited to some of its properties. What a role may not see is not in its
menu, and its address answers 403. Administrators give roles under *People*."""
MEANINGS = {
    Ability.SEE_DESK: "see who arrives, leaves and stays, and in which room; without prices and addresses",
    Ability.SEE_BOOKINGS: "see bookings whole, conflicts, and guests' addresses",
    Ability.MANAGE_BOOKINGS: "make, change and end bookings, check in and out, give rooms, put rooms out of order, settle conflicts",
    Ability.DO_TASKS: "say that a service order is done",
    Ability.SEE_RATES: "see prices and restrictions",
    Ability.CLOSE_NIGHTS: "close room types on some nights on all channels, open them again, and sell rooms again that a system withholds",
    Ability.SET_RATES: "set prices and restrictions, undo changes",
    Ability.SEE_CHANNELS: "see connections, what was sent, what came in, and why a night is as it is",
    Ability.MANAGE_CHANNELS: "connect, map, pause, resume, send again, replay messages",
    Ability.SEE_REPORTS: "see reports and download them",
    Ability.MANAGE_PROPERTIES: "add and change properties, room types, rooms and rate plans",
    Ability.MANAGE_PEOPLE: "invite people, give roles, make and revoke API keys",
}


def page() -> str:
    rows = [(MEANINGS[ability], *("yes" if ability in ABILITIES[role] else "" for role in Role)) for ability in Ability]
    return markdown.page("Roles", INTRO, markdown.table(("may", *(role.label.lower() for role in Role)), rows))
