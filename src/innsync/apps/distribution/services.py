"""Connecting properties to channels, and what a person may do with a connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.distribution import acknowledged, booking_sync, doors, marks, schedules
from innsync.apps.distribution.links import MappedTwice as MappedTwice
from innsync.apps.distribution.links import RateLink as RateLink
from innsync.apps.distribution.links import RoomLink as RoomLink
from innsync.apps.distribution.links import Terms as Terms
from innsync.apps.distribution.links import (
    change_terms,
    check_exchange_rate,
    check_mapping,
    currencies_of,
    write_mapping,
)
from innsync.apps.distribution.models import Account, Connection, RateMapping, RefusedCell, RoomMapping
from innsync.apps.distribution.schedules import change_pace as change_pace
from innsync.apps.distribution.schedules import schedule as schedule
from innsync.apps.distribution.selectors import load_linked
from innsync.apps.distribution.vault import seal
from innsync.apps.events import services as events
from innsync.apps.events.services import What
from innsync.apps.properties.models import Property
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.restrictions import ALWAYS
from innsync.domain.wording import told
from innsync.integrations.manifest import Manifest, manifests

AUDIT_EVERY_S = schedules.DAY_S
LEAVING = ("closing", "left")
"""States of a connection that is being disconnected, or was."""


@dataclass(eq=False)
class FullSyncTooSoon(DomainError):
    """This channel was sent everything at `last`, and wants that again at `again_at` at the earliest."""

    last: datetime
    again_at: datetime


def add_account(
    *,
    organization_id: UUID,
    vendor: str,
    name: str,
    credentials: Mapping[str, str],
    now: datetime,
    base_urls: Mapping[str, str] | None = None,
    limits: Mapping[str, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    webhook_secrets: Sequence[str] = (),
    poll_s: float | None = None,
) -> Account:
    """Keep the access to a channel. Raises InvalidField for an unknown channel or a missing credential."""
    manifest = manifests().get(vendor)
    if manifest is None:
        raise InvalidField(field="/vendor", problem="is not a channel that is installed")
    missing = [secret.name for secret in manifest.secrets if not secret.optional and not credentials.get(secret.name)]
    if missing:
        raise InvalidField(field=f"/credentials/{missing[0]}", problem="must not be empty")
    account = Account.objects.create(
        organization_id=organization_id,
        vendor=vendor,
        name=name,
        credentials=seal(dict(credentials)),
        webhook_secrets=seal(list(webhook_secrets)),
        base_urls=dict(base_urls or {}),
        limits=dict(limits or {}),
        settings=dict(settings or {}),
    )
    if "pull_bookings" in manifest.can:
        schedule(
            organization_id=organization_id,
            subject_id=account.id,
            kind="bookings",
            every_s=poll_s or manifest.poll_s,
            due_at=now,
        )
    return account


def connect(
    *,
    account: Account,
    prop: Property,
    external_id: str,
    rooms: Sequence[RoomLink],
    rates: Sequence[RateLink],
    now: datetime,
    currency: str | None = None,
    exchange_rate: Decimal | None = None,
    settings: Mapping[str, Any] | None = None,
    horizon_days: int | None = None,
) -> Connection:
    """Connect a property and send everything for the first time. Raises MappedTwice, InvalidField."""
    check_mapping(rooms, rates)
    check_exchange_rate(exchange_rate, "/exchange_rate")
    manifest = manifests()[account.vendor]
    known = Connection.objects.filter(vendor=account.vendor, external_id=external_id)
    if known.filter(account=account).exclude(state="left").exists():
        raise InvalidField(field="/external_id", problem="is connected already through this access")
    # One that was left is the same again, whatever access it has now: its bookings are known under it.
    connection = known.filter(property=prop, state="left").order_by("-id").first() or Connection(
        organization_id=account.organization_id, property=prop, vendor=account.vendor, external_id=external_id
    )
    connection.account = account
    connection.currency, connection.exchange_rate = currency or prop.currency, exchange_rate
    connection.settings = dict(settings or connection.settings)
    connection.horizon_days = min(horizon_days or manifest.horizon_days, manifest.horizon_days)
    connection.state, connection.last_full_at = "active", now
    connection.last_error, connection.mapping_findings = "", ""
    connection.save()
    RoomMapping.objects.filter(connection=connection).delete()
    RateMapping.objects.filter(connection=connection).delete()
    RefusedCell.objects.filter(connection=connection).delete()
    acknowledged.forget_all(connection_id=connection.id)
    if "pull_bookings" in manifest.can:
        schedules.ensure(
            organization_id=account.organization_id,
            subject_id=account.id,
            kind="bookings",
            every_s=manifest.poll_s,
            due_at=now,
        )
    if "open_webhook" in manifest.can:
        doors.open_door(account=account, external_id=external_id)
    write_mapping(connection, rooms, rates)
    paces = {"second_look": second_look_every_s(manifest, account.settings)}
    schedules.plan(connection=connection, manifest=manifest, now=now, paces=paces)
    _check_against_catalogue(connection, now)
    sync(connection=connection, now=now, cause=marks.FIRST_LOAD)
    if booking_sync.is_told_bookings(connection.vendor):
        booking_sync.hand_on(connection)
    zone = ZoneInfo(prop.time_zone)
    _roll_at_midnight(connection, today=now.astimezone(zone).date(), zone=zone)
    return connection


def second_look_every_s(manifest: Manifest, settings: Mapping[str, Any]) -> float:
    """Seconds between two second looks of a connection whose account has these settings."""
    missed = manifest.lists_missed(settings)
    return missed.every_s if missed else AUDIT_EVERY_S


def follow_missed_list(*, account: Account, connection_id: UUID, now: datetime) -> None:
    """The account's settings may have changed: look as often as the vendor wants its list of missed bookings read."""
    manifest = manifests()[account.vendor]
    if manifest.missed_list is None:
        return
    every_s = second_look_every_s(manifest, account.settings)
    with sql() as cursor:
        # Whoever wants it at a pace of their own keeps that, unless it is too slow for such a list.
        cursor.execute(
            "UPDATE distribution_schedule SET every_s = %(every_s)s, due_at = %(due_at)s"
            " WHERE subject_id = %(subject)s AND kind = 'second_look'"
            " AND (every_s > %(every_s)s OR every_s = %(missed)s) AND every_s <> %(every_s)s",
            {
                "every_s": every_s,
                "missed": manifest.missed_list.every_s,
                "due_at": now + timedelta(seconds=every_s),
                "subject": connection_id,
            },
        )


def change_mapping(
    *,
    connection: Connection,
    rooms: Sequence[RoomLink],
    rates: Sequence[RateLink],
    now: datetime,
    terms: Terms | None = None,
) -> None:
    """Replace the mapping. What was refused under the old one is tried again; what it leaves out is closed there.

    terms: as they were where none are given. Raises MappedTwice, InvalidField.
    """
    check_mapping(rooms, rates)
    before = currencies_of(connection)
    if terms is not None:
        change_terms(connection, terms)
    RoomMapping.objects.filter(connection=connection).delete()
    RateMapping.objects.filter(connection=connection).delete()
    write_mapping(connection, rooms, rates)
    RefusedCell.objects.filter(connection=connection).delete()
    _check_against_catalogue(connection, now)
    sync(connection=connection, now=now, cause=told("mapping changed"))
    if booking_sync.is_told_bookings(connection.vendor):
        booking_sync.forgive(connection)
    if any(before.get(rate, currency) != currency for rate, currency in currencies_of(connection).items()):
        # 100 of another currency is another price, though the number is the same.
        first, last = load_linked(connection_id=connection.id).window(now)
        mark(
            connection=connection,
            spans=[(None, first, last)],
            since=now,
            cause="currency changed",
            what="rates",
            forget=True,
        )


def _check_against_catalogue(connection: Connection, now: datetime) -> None:
    schedule(
        organization_id=connection.organization_id,
        subject_id=connection.id,
        kind="catalogue",
        every_s=0,
        due_at=now,
    )


def mark(
    *,
    connection: Connection,
    spans: Sequence[tuple[UUID | None, date, date]],
    since: datetime,
    cause: str,
    what: What = "all",
    forget: bool = False,
) -> None:
    """Say that the connection may differ on these nights, and let it reconcile after this transaction.

    forget: the channel moved its own count there (a booking, change or cancellation at the channel), so that what it
    acknowledged no longer counts.
    """
    if not spans or connection.state == "left":
        return
    marks.add(
        organization_id=connection.organization_id,
        connection_id=connection.id,
        spans=spans,
        since=since,
        cause=cause,
        what=what,
        forget=forget,
    )
    events.enqueue(
        organization_id=connection.organization_id,
        property_id=connection.property_id,
        topic="reconcile",
        payload={"connection_id": str(connection.id)},
    )


def sync(*, connection: Connection, now: datetime, cause: str, forget: bool = False, force: bool = False) -> None:
    """Compare every night again; with `forget`, send every night again (a full sync).

    Raises FullSyncTooSoon for a full sync where the channel was sent everything lately and minds that, unless a person
    knows and wants it all the same (`force`). Nothing that runs by itself may force it.
    """
    if forget and not force and (again_at := full_sync_from(connection)) is not None and now < again_at:
        assert connection.last_full_at is not None
        raise FullSyncTooSoon(last=connection.last_full_at, again_at=again_at)
    linked = load_linked(connection_id=connection.id)
    first, last = linked.window(now)
    mark(connection=connection, spans=[(None, first, last)], since=now, cause=cause, forget=forget)
    Connection.objects.filter(id=connection.id).update(rolled_to=last, retry_at=None)
    if forget:
        Connection.objects.filter(id=connection.id).update(last_full_at=now)
        acknowledged.forget_all(connection_id=connection.id)


def full_sync_from(connection: Connection) -> datetime | None:
    """From when on the channel takes everything once more without minding; None where it does not mind at all."""
    every_h = manifests()[connection.vendor].full_sync_every_h
    return connection.last_full_at + timedelta(hours=every_h) if every_h and connection.last_full_at else None


def recheck(*, organization_id: UUID, connection_id: UUID, what: What, now: datetime) -> None:
    """Mark every night, so that the next reconciliation compares it: a safety net for a change that marked nothing."""
    with tenant(organization_id):
        linked = load_linked(connection_id=connection_id)
        first, last = linked.window(now)
        marks.add(
            organization_id=organization_id,
            connection_id=connection_id,
            spans=[(None, first, last)],
            since=now,
            cause=told("safety net"),
            what=what,
        )


def pause(*, connection: Connection) -> None:
    """Send nothing to this channel until resumed. It goes on selling what it last acknowledged."""
    Connection.objects.filter(id=connection.id).exclude(state__in=LEAVING).update(state="paused")


def resume(*, connection: Connection, now: datetime) -> None:
    """Go on. Bookings of the gap are fetched before the first push may open a date (complaint C47)."""
    resumed = Connection.objects.filter(id=connection.id).exclude(state__in=LEAVING)
    if not resumed.update(state="resuming", failures=0, retry_at=None):
        return
    schedule(
        organization_id=connection.organization_id,
        subject_id=connection.id,
        kind="resume",
        every_s=0,
        due_at=now,
    )


def finish_resuming(*, connection: Connection, now: datetime) -> None:
    """The bookings of the gap are here: compare every night, and send."""
    if not Connection.objects.filter(id=connection.id, state="resuming").update(state="active"):
        return
    connection.refresh_from_db()
    sync(connection=connection, now=now, cause=told("resumed"))
    if booking_sync.is_told_bookings(connection.vendor):
        booking_sync.hand_on(connection)


def change_credentials(
    *, account: Account, credentials: Mapping[str, str], now: datetime, base_urls: Mapping[str, str] | None = None
) -> None:
    """New credentials; connections that waited for them go on.

    base_urls: where the channel is from now on; None: where it was. What another address holds is unknown: every night
    is sent again.
    """
    moved = base_urls is not None and account.base_urls != base_urls
    Account.objects.filter(id=account.id).update(
        credentials=seal(dict(credentials)),
        base_urls=dict(account.base_urls if base_urls is None else base_urls),
        state="active",
        last_error="",
    )
    with sql() as cursor:
        cursor.execute("DELETE FROM distribution_token WHERE account_id = %s", (account.id,))
    for connection in Connection.objects.filter(account=account, state="unauthorised"):
        resume(connection=connection, now=now)
    if moved:
        for connection in Connection.objects.filter(account=account).exclude(state__in=LEAVING):
            sync(connection=connection, now=now, cause=told("another address"), forget=True, force=True)


def _roll_at_midnight(connection: Connection, *, today: date, zone: ZoneInfo) -> None:
    schedule(
        organization_id=connection.organization_id,
        subject_id=connection.id,
        kind="midnight",
        every_s=0,
        due_at=datetime.combine(today + timedelta(days=1), time(0), tzinfo=zone),
    )


def roll(*, organization_id: UUID, connection_id: UUID, now: datetime) -> None:
    """Mark the nights that came within the horizon since the last look."""
    with tenant(organization_id):
        linked = load_linked(connection_id=connection_id)
        first, last = linked.window(now)
        _roll_at_midnight(linked.connection, today=first, zone=ZoneInfo(linked.house.time_zone))
        rolled_to = linked.connection.rolled_to
        if rolled_to is not None and rolled_to >= last:
            return
        # A window of a plan (advance purchase, last minute) moves on with the day: then every night may differ.
        windowed = any(product.window != ALWAYS for product in linked.house.facts.products)
        begin = first if rolled_to is None or windowed else max(first, rolled_to + timedelta(days=1))
        spans = [(None, begin, last)]
        # So does the property's own horizon: as many nights came within it as passed.
        last_sold = min(begin, first + timedelta(days=linked.house.sellable_days)) - timedelta(days=1)
        first_sold = max(first, last_sold - (last - begin))
        if first_sold <= last_sold:
            spans.append((None, first_sold, last_sold))
        mark(connection=linked.connection, spans=spans, since=now, cause=told("horizon moved on"))
        Connection.objects.filter(id=connection_id).update(rolled_to=last)
