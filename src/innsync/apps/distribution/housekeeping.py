"""What has to be done every day: nights that come within reach, records that have served their time."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from innsync.apps.accounts import idempotency
from innsync.apps.accounts.models import Organization
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.events import services as events
from innsync.apps.inventory.services import open_stock
from innsync.apps.properties.models import RoomType
from innsync.apps.reservations.services.rooms import ASSIGN_AHEAD
from innsync.domain.wording import told

log = structlog.get_logger()
KEEP_PUSHES = timedelta(days=90)
KEEP_FIGURES = timedelta(days=400)
KEEP_HOLDS = timedelta(days=30)

_OLD = (
    ("DELETE FROM distribution_pushlog WHERE at < %s", KEEP_PUSHES),
    ("DELETE FROM distribution_divergence WHERE at < %s", KEEP_FIGURES),
    ("DELETE FROM distribution_drift WHERE at < %s", KEEP_FIGURES),
    ("DELETE FROM inventory_hold WHERE state <> 'active' AND expires_at < %s", KEEP_HOLDS),
)
# By the property's own date. A property where everybody has a room is left alone.
_WITHOUT_ROOM = """
SELECT p.organization_id, p.id, today
FROM properties_property p
CROSS JOIN LATERAL (SELECT (%(now)s AT TIME ZONE p.time_zone)::date AS today) d
WHERE EXISTS (
  SELECT 1 FROM reservations_roomstay s
  WHERE s.property_id = p.id AND s.holds_stock AND s.room_id IS NULL
    AND s.check_out > today AND s.check_in <= today + %(ahead)s::int)
ORDER BY p.id
"""
# A sale may have made a night beyond the horizon known: that says nothing of those before it.
_KNOWN_NIGHTS = """
SELECT s.room_type_id, min(s.day), max(s.day), count(*)
FROM properties_property p
CROSS JOIN LATERAL (SELECT (%(now)s AT TIME ZONE p.time_zone)::date AS today) d
JOIN inventory_stockday s ON s.property_id = p.id AND s.day >= today AND s.day < today + p.sellable_days
GROUP BY s.room_type_id
"""


def keep_house(now: datetime) -> None:
    """Do the day's work for every organization; one that fails does not keep the others from theirs."""
    for organization_id in Organization.objects.order_by("id").values_list("id", flat=True):
        try:
            keep_house_of(organization_id, now)
        except Exception:
            log.exception("housekeeping_failed", organization_id=str(organization_id))


def keep_house_of(organization_id: UUID, now: datetime) -> None:
    open_nights(organization_id, now)
    with tenant(organization_id):
        ask_for_rooms(now)
        idempotency.forget_old(now=now)
        with sql() as cursor:
            for statement, kept in _OLD:
                cursor.execute(statement, (now - kept,))


def open_nights(organization_id: UUID, now: datetime) -> int:
    """Make stock known on the nights that came within each property's sellable days. Answers how many types had some.

    Each type for itself: nobody who changes its rooms meanwhile waits for the others'.
    """
    with tenant(organization_id), sql() as cursor:
        known = {row[0]: row[1:] for row in cursor.execute(_KNOWN_NIGHTS, {"now": now})}
        types = list(RoomType.objects.select_related("property").order_by("id"))
    opened = 0
    for room_type in types:
        prop = room_type.property
        today = now.astimezone(ZoneInfo(prop.time_zone)).date()
        last = today + timedelta(days=prop.sellable_days - 1)  # the last stay ends the day after
        first = _first_unknown(today, *known[room_type.id]) if room_type.id in known else today
        if first <= last:
            with tenant(organization_id):
                open_stock(property_id=prop.id, room_type_id=room_type.id, first=first, last=last)
                events.ari_changed(
                    organization_id=organization_id,
                    property_id=prop.id,
                    ari=[(room_type.id, first, last)],
                    cause=told("nights came within reach"),
                )
            opened += 1
    return opened


def _first_unknown(today: date, first: date, last: date, nights: int) -> date:
    """From when on nights are to be opened, where so many of those from first to last are known."""
    return last + timedelta(days=1) if first == today and nights > (last - first).days else today


def ask_for_rooms(now: datetime) -> int:
    """Have rooms assigned where an arrival came within reach without one. Answers at how many properties."""
    with sql() as cursor:
        found = cursor.execute(_WITHOUT_ROOM, {"now": now, "ahead": ASSIGN_AHEAD.days}).fetchall()
    for organization_id, property_id, today in found:
        events.enqueue(
            organization_id=organization_id,
            property_id=property_id,
            topic="assign_rooms",
            payload={"first": today.isoformat(), "last": (today + ASSIGN_AHEAD).isoformat()},
        )
    return len(found)
