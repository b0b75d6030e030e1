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
from innsync.apps.distribution import acknowledged, marks, schedules
from innsync.apps.distribution.models import Account, Connection, RateMapping, RefusedCell, RoomMapping
from innsync.apps.distribution.schedules import change_pace as change_pace
from innsync.apps.distribution.schedules import schedule as schedule
from innsync.apps.distribution.selectors import load_linked
from innsync.apps.distribution.vault import seal
from innsync.apps.events import services as events
from innsync.apps.events.services import What
from innsync.apps.properties.models import Property, RoomType
from innsync.apps.rates.models import Product
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.money import is_currency
from innsync.domain.restrictions import ALWAYS
from innsync.domain.wording import told
from innsync.integrations.manifest import Manifest, manifests

AUDIT_EVERY_S = schedules.DAY_S
MOST_ROOMS = 32_767
LEAVING = ("closing", "left")
"""States of a connection that is being disconnected, or was."""
MOST_MARKUP_PERCENT = 1_000


@dataclass(eq=False)
class MappedTwice(DomainError):
    """Two of our things would be sold as one at the channel, or one as two: stock would double. `what` names it."""

    what: str


@dataclass(eq=False)
class FullSyncTooSoon(DomainError):
    """This channel was sent everything at `last`, and wants that again at `again_at` at the earliest."""

    last: datetime
    again_at: datetime


@dataclass(frozen=True, slots=True)
class RoomLink:
    """A room type as a room of the channel; see the model. sells: False shows no room there, whatever is left."""

    room_type_id: UUID
    external_room: str
    allotment: int | None = None
    buffer: int = 0
    sells: bool = True


@dataclass(frozen=True, slots=True)
class RateLink:
    """A product as a rate of a channel's room.

    occupancies: the numbers of adults that have a price there; empty where the channel has one price a room, which is
    then that of the fullest. currency, exchange_rate: where the rate there has another currency than the connection; see
    the model. sells: False stops its sale there.
    """

    product_id: UUID
    external_room: str
    external_rate: str
    occupancies: tuple[int, ...]
    aliases: tuple[str, ...] = ()
    markup_percent: Decimal = Decimal(0)
    markup_minor: int = 0
    sells: bool = True
    currency: str = ""
    exchange_rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """In which currency prices are told to a connection; exchange_rate: how much of it one unit of the property's own is."""

    currency: str
    exchange_rate: Decimal | None


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
    _check_exchange_rate(exchange_rate, "/exchange_rate")
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
    _write_mapping(connection, rooms, rates)
    paces = {"second_look": second_look_every_s(manifest, account.settings)}
    schedules.plan(connection=connection, manifest=manifest, now=now, paces=paces)
    _check_against_catalogue(connection, now)
    sync(connection=connection, now=now, cause=marks.FIRST_LOAD)
    schedule(
        organization_id=account.organization_id,
        subject_id=connection.id,
        kind="midnight",
        every_s=0,
        due_at=now + timedelta(minutes=1),
    )
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


def check_mapping(rooms: Sequence[RoomLink], rates: Sequence[RateLink]) -> None:
    """Raises MappedTwice; InvalidField for a rate of a room that is not mapped, and for terms that make no sense."""
    for what, values in (
        (told("a room type"), [room.room_type_id for room in rooms]),
        (told("a channel room"), [room.external_room for room in rooms]),
        (told("a product"), [rate.product_id for rate in rates]),
        (told("a channel rate"), [(rate.external_room, rate.external_rate) for rate in rates]),
    ):
        if len(values) != len(set(values)):
            raise MappedTwice(what=what)
    for index, room in enumerate(rooms):
        for name, count in (("allotment", room.allotment), ("buffer", room.buffer)):
            if count is not None and not 0 <= count <= MOST_ROOMS:
                raise InvalidField(field=f"/rooms/{index}/{name}", problem=f"must be 0 to {MOST_ROOMS}")
    known = {room.external_room for room in rooms}
    for index, rate in enumerate(rates):
        if rate.external_room not in known:
            raise InvalidField(field=f"/rates/{index}/external_room", problem="is not a mapped room")
        if not (rate.markup_percent.is_finite() and -100 < rate.markup_percent <= MOST_MARKUP_PERCENT):
            problem = told(f"must be more than -100 and at most {MOST_MARKUP_PERCENT}")
            raise InvalidField(field=f"/rates/{index}/markup_percent", problem=problem)
        _check_exchange_rate(rate.exchange_rate, f"/rates/{index}/exchange_rate")
        if rate.exchange_rate is not None and not rate.currency:
            raise InvalidField(
                field=f"/rates/{index}/exchange_rate", problem="is only for a rate with its own currency"
            )


def _check_exchange_rate(rate: Decimal | None, field: str) -> None:
    if rate is not None and not (rate.is_finite() and rate > 0):
        raise InvalidField(field=field, problem="must be more than 0")


def _check_currencies(connection: Connection, rates: Sequence[RateLink]) -> None:
    """Raises InvalidField for a currency that this channel can't have for the rate, or that nobody said the worth of."""
    several = manifests()[connection.vendor].dialect.rate_currencies
    own = connection.property.currency
    for index, rate in enumerate(rates):
        if not rate.currency:
            continue
        field = f"/rates/{index}/currency"
        if not is_currency(rate.currency):
            raise InvalidField(field=field, problem="must be a currency, such as EUR")
        if rate.currency != connection.currency and not several:
            problem = told(f"must be {connection.currency}: this channel has one currency for all rates of a property")
            raise InvalidField(field=field, problem=problem)
        if rate.currency != own and rate.exchange_rate is None:
            problem = told(f"must say how much {rate.currency} one {own} is")
            raise InvalidField(field=f"/rates/{index}/exchange_rate", problem=problem)


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
    before = _currencies(connection)
    if terms is not None:
        _change_terms(connection, terms)
    RoomMapping.objects.filter(connection=connection).delete()
    RateMapping.objects.filter(connection=connection).delete()
    _write_mapping(connection, rooms, rates)
    RefusedCell.objects.filter(connection=connection).delete()
    _check_against_catalogue(connection, now)
    sync(connection=connection, now=now, cause=told("mapping changed"))
    if any(before.get(rate, currency) != currency for rate, currency in _currencies(connection).items()):
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


def _currencies(connection: Connection) -> dict[tuple[str, str], str]:
    rates = RateMapping.objects.filter(connection=connection)
    return {
        (room, rate): currency or connection.currency
        for room, rate, currency in rates.values_list("external_room", "external_rate", "currency")
    }


def _change_terms(connection: Connection, terms: Terms) -> None:
    own = connection.property.currency
    if not is_currency(terms.currency):
        raise InvalidField(field="/currency", problem="must be a currency, such as EUR")
    if terms.currency != own and terms.exchange_rate is None:
        raise InvalidField(field="/exchange_rate", problem=f"must say how much {terms.currency} one {own} is")
    _check_exchange_rate(terms.exchange_rate, "/exchange_rate")
    connection.currency, connection.exchange_rate = terms.currency, terms.exchange_rate
    connection.save(update_fields=["currency", "exchange_rate"])


def _check_against_catalogue(connection: Connection, now: datetime) -> None:
    schedule(
        organization_id=connection.organization_id,
        subject_id=connection.id,
        kind="catalogue",
        every_s=0,
        due_at=now,
    )


def _write_mapping(connection: Connection, rooms: Sequence[RoomLink], rates: Sequence[RateLink]) -> None:
    kinds = RoomType.objects.filter(property_id=connection.property_id)
    most_adults = {kind.id: min(kind.max_adults, kind.max_occupancy) for kind in kinds}
    _check_currencies(connection, rates)
    for index, room in enumerate(rooms):
        if room.room_type_id not in most_adults:
            raise InvalidField(field=f"/rooms/{index}/room_type_id", problem="is not a room type of this property")
    RoomMapping.objects.bulk_create(
        RoomMapping(
            organization_id=connection.organization_id,
            connection=connection,
            room_type_id=room.room_type_id,
            external_room=room.external_room,
            allotment=room.allotment,
            buffer=room.buffer,
            sells=room.sells,
        )
        for room in rooms
    )
    products = dict(Product.objects.filter(property_id=connection.property_id).values_list("id", "room_type_id"))
    types = {room.external_room: room.room_type_id for room in rooms}
    for index, rate in enumerate(rates):
        if rate.product_id not in products:
            raise InvalidField(field=f"/rates/{index}/product_id", problem="is not a product of this property")
        if products[rate.product_id] != types[rate.external_room]:
            raise InvalidField(field=f"/rates/{index}/external_room", problem="is mapped to another room type")
        most = most_adults[products[rate.product_id]]
        if sorted(set(rate.occupancies)) != sorted(rate.occupancies) or not all(
            1 <= n <= most for n in rate.occupancies
        ):
            raise InvalidField(field=f"/rates/{index}/occupancies", problem=f"must each be 1 to {most} adults, once")
    RateMapping.objects.bulk_create(
        RateMapping(
            organization_id=connection.organization_id,
            connection=connection,
            product_id=rate.product_id,
            external_room=rate.external_room,
            external_rate=rate.external_rate,
            occupancies=list(rate.occupancies) or [most_adults[products[rate.product_id]]],
            aliases=list(rate.aliases),
            markup_percent=rate.markup_percent,
            markup_minor=rate.markup_minor,
            sells=rate.sells,
            currency=rate.currency,
            exchange_rate=rate.exchange_rate,
        )
        for rate in rates
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


def change_credentials(*, account: Account, credentials: Mapping[str, str], now: datetime) -> None:
    """New credentials; connections that waited for them go on."""
    Account.objects.filter(id=account.id).update(credentials=seal(dict(credentials)), state="active", last_error="")
    with sql() as cursor:
        cursor.execute("DELETE FROM distribution_token WHERE account_id = %s", (account.id,))
    for connection in Connection.objects.filter(account=account, state="unauthorised"):
        resume(connection=connection, now=now)


def roll(*, organization_id: UUID, connection_id: UUID, now: datetime) -> None:
    """Mark the nights that came within the horizon since the last look."""
    with tenant(organization_id):
        linked = load_linked(connection_id=connection_id)
        first, last = linked.window(now)
        zone = ZoneInfo(linked.house.time_zone)
        schedule(
            organization_id=organization_id,
            subject_id=connection_id,
            kind="midnight",
            every_s=0,
            due_at=datetime.combine(first + timedelta(days=1), time(0), tzinfo=zone),
        )
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
