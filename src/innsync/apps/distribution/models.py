"""Connections to channels, and for each the picture it last acknowledged."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from innsync.apps.accounts.ids import new_id


class Account(models.Model):
    """An organization's access to one channel; the credentials are encrypted.

    webhook_called_at, webhook_refused_at: when the channel last called us, and when somebody last did without the secret.
    webhook_used: which of the secrets the channel called with: 0, the newest, once it did; before that, the last one used.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    vendor = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    credentials = models.BinaryField()
    webhook_secrets = models.BinaryField(default=bytes)
    base_urls = models.JSONField(default=dict, blank=True)
    limits = models.JSONField(default=dict, blank=True)
    settings = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=20, default="active")
    last_error = models.TextField(blank=True)
    last_error_at = models.DateTimeField(null=True)
    last_pulled_at = models.DateTimeField(null=True)
    webhook_called_at = models.DateTimeField(null=True, blank=True)
    webhook_refused_at = models.DateTimeField(null=True, blank=True)
    webhook_used = models.PositiveSmallIntegerField(null=True, blank=True)


class Connection(models.Model):
    """One property on one channel.

    state: `active`, `paused` (by a person), `resuming` (bookings of the gap are fetched first), `unauthorised`
    (credentials refused; asks for new ones), `closing` (everything is taken off sale there, then it is left),
    `left` (nothing is sent any more; kept for its bookings, and connected again by the same name there).
    last_audit_error: why the last audit could not be made, in the channel's words; it says nothing about pushes.
    last_listed_at: when the second look last went through. listing: the one under way, {"since", "began", "after"}, so
    that it is read on where a fault ended it; NULL when none is.
    last_full_at: when everything was last sent, whatever the channel had acknowledged.
    mapping_findings: what the channel's catalogue has that the mapping leaves out or says otherwise, one a line.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="connections")
    account = models.ForeignKey(Account, models.PROTECT, related_name="connections")
    vendor = models.CharField(max_length=40)
    external_id = models.CharField(max_length=100)
    currency = models.CharField(max_length=3)
    exchange_rate = models.DecimalField(max_digits=18, decimal_places=8, null=True, blank=True)
    settings = models.JSONField(default=dict, blank=True)
    horizon_days = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=20, default="active")
    failures = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    retry_reason = models.CharField(max_length=20, blank=True)
    last_error = models.TextField(blank=True)
    last_error_at = models.DateTimeField(null=True)
    last_push_at = models.DateTimeField(null=True)
    last_inbound_at = models.DateTimeField(null=True)
    last_listed_at = models.DateTimeField(null=True)
    listing = models.JSONField(null=True)
    last_audit_at = models.DateTimeField(null=True)
    last_drift_cells = models.PositiveIntegerField(default=0)
    last_audit_error = models.TextField(blank=True, default="", db_default="")
    last_full_at = models.DateTimeField(null=True, blank=True)
    mapping_findings = models.TextField(blank=True, default="", db_default="")
    rolled_to = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "external_id"], condition=~models.Q(state="left"), name="live_connection_once"
            ),
        ]
        indexes = [models.Index(fields=["property"], name="connections_of_property")]


class OpenDoor(models.Model):
    """An account whose calls may come to the addresses that name no connection. Plumbing, outside row-level security.

    names: what its calls say of their source and houses, in lower case; who is called so is tried first.
    """

    id = models.BigAutoField(primary_key=True)
    organization_id = models.UUIDField()
    account_id = models.UUIDField(unique=True)
    vendor = models.CharField(max_length=40)
    names = ArrayField(models.TextField(), default=list)


class BookingSync(models.Model):
    """How far a booking has reached a channel that is told bookings; `booking_sync_status` of the source documents.

    state: `pending`, `synced`, `failed` (refused, in the channel's words), `conflict` (changed here and there at once; a
    person decides). version: the one of ours that the channel has seen; 0: none. refused: the one that it would not take,
    not said again as it is. reference: its id there. base: its version there, as last seen. theirs: the inbox message
    with what it is there, while a person decides, and theirs_version its version. retries: tries since the last that was answered well.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="+")
    booking = models.ForeignKey("reservations.Booking", models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, default="pending")
    version = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    reference = models.CharField(max_length=100, blank=True)
    base = models.CharField(max_length=40, blank=True)
    retries = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    tried_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    theirs = models.UUIDField(null=True)
    theirs_version = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "booking"], name="booking_once_a_channel")]
        indexes = [
            models.Index(fields=["booking"], name="sync_of_booking"),
            models.Index(fields=["connection", "reference"], name="sync_by_reference"),
        ]


class RoomMapping(models.Model):
    """One of our room types as a room of the channel.

    allotment: at most so many are offered there. buffer: so many are kept back, so that the last rooms close there first.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="rooms")
    room_type = models.ForeignKey("properties.RoomType", models.CASCADE, related_name="+")
    external_room = models.CharField(max_length=100)
    allotment = models.PositiveSmallIntegerField(null=True, blank=True)
    buffer = models.PositiveSmallIntegerField(default=0)
    sells = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "external_room"], name="channel_room_once"),
            models.UniqueConstraint(fields=["connection", "room_type"], name="room_type_once_a_channel"),
        ]


class RateMapping(models.Model):
    """One of our products as a rate of a channel's room.

    currency: that of the rate there, where it is another than the connection's; empty = the connection's.
    exchange_rate: how much of it one unit of the property's own currency is; only with a currency of its own.
    markup_percent and markup_minor are added to our price, in that order, after conversion.
    aliases: further rate ids that appear in that channel's bookings for the same product.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="rates")
    product = models.ForeignKey("rates.Product", models.CASCADE, related_name="+")
    external_room = models.CharField(max_length=100)
    external_rate = models.CharField(max_length=100)
    aliases = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    occupancies = ArrayField(models.PositiveSmallIntegerField(), default=list)
    currency = models.CharField(max_length=3, blank=True, default="", db_default="")
    exchange_rate = models.DecimalField(max_digits=18, decimal_places=8, null=True, blank=True)
    markup_percent = models.DecimalField(max_digits=7, decimal_places=3, default=0)
    markup_minor = models.IntegerField(default=0)
    sells = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "external_room", "external_rate"], name="channel_rate_once"),
            models.UniqueConstraint(fields=["connection", "product"], name="product_once_a_channel"),
        ]


class Acknowledged(models.Model):
    """What a channel last confirmed for one target in one month.

    cells: the month's nights one after the other, each with the fields of `layout`; NULL = unknown.
    rate is empty for a room's availability.
    """

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="+")
    room = models.CharField(max_length=100)
    rate = models.CharField(max_length=100, blank=True)
    month = models.DateField()
    layout = ArrayField(models.CharField(max_length=24))
    cells = ArrayField(models.BigIntegerField(null=True))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "room", "rate", "month"], name="acknowledged_month"),
        ]


class RefusedCell(models.Model):
    """A value the channel would not take, in its own words. Not sent again until the value or the mapping changes."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="+")
    room = models.CharField(max_length=100)
    rate = models.CharField(max_length=100, blank=True)
    day = models.DateField()
    field = models.CharField(max_length=24)
    value = models.BigIntegerField()
    code = models.CharField(max_length=60, blank=True)
    words = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "room", "rate", "day", "field"], name="refused_cell"),
        ]


class Dirty(models.Model):
    """Nights on which a connection may differ from wanted, and since when. Removed when they were looked at and agree.

    room_type_id empty: every target of the connection. what: `stock` (rooms left), `rates` or `all`. forget: the channel changed its own picture, so what it
    acknowledged there no longer counts. Plumbing: ids and dates only, outside row-level security.
    """

    id = models.BigAutoField(primary_key=True)
    organization_id = models.UUIDField()
    connection_id = models.UUIDField()
    room_type_id = models.UUIDField(null=True)
    first = models.DateField()
    last = models.DateField()
    since = models.DateTimeField()
    what = models.CharField(max_length=5, default="all")
    forget = models.BooleanField(default=False)
    cause = models.CharField(max_length=120, blank=True)

    class Meta:
        indexes = [models.Index(fields=["connection_id", "id"], name="dirty_connection")]


class PushLog(models.Model):
    """One message to a channel and how it was answered.

    body, answer: both as they went over the wire, without credentials, the beginning of what is long. words: what the
    answer says to a person.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="+")
    at = models.DateTimeField()
    operation = models.CharField(max_length=60)
    updates = models.PositiveIntegerField()
    cells = models.PositiveIntegerField()
    refused = models.PositiveIntegerField(default=0)
    outcome = models.CharField(max_length=20)
    words = models.TextField(blank=True)
    reference = models.CharField(max_length=200, blank=True)
    duration_ms = models.FloatField()
    first = models.DateField(null=True)
    last = models.DateField(null=True)
    body = models.TextField(blank=True)
    answer = models.TextField(blank=True, default="", db_default="")

    class Meta:
        indexes = [models.Index(fields=["connection", "-at"], name="push_log")]


class Divergence(models.Model):
    """For one connection and minute: how many cells differed, and for how long until the channel had taken them."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="+")
    at = models.DateTimeField()
    cells = models.PositiveIntegerField()
    p50_ms = models.FloatField()
    p99_ms = models.FloatField()
    max_ms = models.FloatField()

    class Meta:
        indexes = [models.Index(fields=["connection", "-at"], name="divergence_series")]


class Drift(models.Model):
    """Cells in which a channel held something else than it had acknowledged, found by an audit."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="+")
    at = models.DateTimeField()
    room = models.CharField(max_length=100)
    rate = models.CharField(max_length=100, blank=True)
    day = models.DateField()
    field = models.CharField(max_length=24)
    acknowledged = models.BigIntegerField(null=True)
    held = models.BigIntegerField(null=True)


class Schedule(models.Model):
    """When a connection's or account's safety net is due again. Plumbing, outside row-level security.

    chosen: a person said how often; nothing else changes that.
    For nets that compare: in_step: a snapshot of the database as of which comparing would have found nothing; empty where
    that is not known. compared_at: when comparing last found nothing. property_id: whose changes matter.
    """

    id = models.BigAutoField(primary_key=True)
    organization_id = models.UUIDField()
    subject_id = models.UUIDField()
    kind = models.CharField(max_length=20)
    every_s = models.FloatField()
    due_at = models.DateTimeField()
    chosen = models.BooleanField(default=False, db_default=False)
    property_id = models.UUIDField(null=True)
    in_step = models.TextField(default="", db_default="")
    compared_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject_id", "kind"], name="schedule_once")]
        indexes = [models.Index(fields=["due_at"], name="schedule_due")]


class Token(models.Model):
    """A short-lived token of an account, encrypted, shared by all workers."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    name = models.CharField(max_length=200)
    value = models.BinaryField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="token_once")]


class Conflict(models.Model):
    """Something that two truths can't both be: more sold than there are rooms. Open until a person or the calendar settles it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="+")
    room_type = models.ForeignKey("properties.RoomType", models.CASCADE, related_name="+")
    booking = models.ForeignKey("reservations.Booking", models.CASCADE, null=True, related_name="+")
    first = models.DateField()
    last = models.DateField()
    opened_at = models.DateTimeField()
    state = models.CharField(max_length=12, default="open")
    resolved_at = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=40, blank=True)
    timeline = models.JSONField(default=list)
    # The open one that took its nights in when they met; it is open again when they part.
    joined_into = models.ForeignKey("self", models.SET_NULL, null=True, related_name="joined")

    class Meta:
        indexes = [models.Index(fields=["organization", "state", "-opened_at"], name="open_conflicts")]
