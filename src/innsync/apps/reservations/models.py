"""Bookings, the room stays they hold, and every state they were in."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q, Value

from innsync.apps.accounts.ids import new_id


class Booking(models.Model):
    """A reservation: who comes, what they were promised, from where.

    channel: `direct`, or the key of the channel that sold it; source: the travel site behind a channel manager.
    channel_ref: the channel's own id. channel_order: the latest of its revisions that is known; details_order: the one
    that the dates, rooms and guest come from, since a cancellation may tell none. version: raised by each revision; the API's ETag.
    arrival_time: when on that day the guests say they come, by the property's clock; null: not known.
    notes: the house's own; neither guests nor channels nor the API see them.
    terms: the strictest of its rooms'. cancellation_fee_minor: what is owed after a cancellation of ours or a no-show; null
    where neither happened or the channel knows.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="+")
    code = models.CharField(max_length=12)
    status = models.CharField(max_length=12)
    channel = models.CharField(max_length=40, default="direct")
    source = models.CharField(max_length=60, blank=True)
    connection = models.ForeignKey("distribution.Connection", models.PROTECT, null=True, related_name="+")
    channel_ref = models.CharField(max_length=100, blank=True)
    former_refs = ArrayField(models.CharField(max_length=100), default=list)
    channel_order = models.CharField(max_length=100, blank=True)
    details_order = models.CharField(max_length=100, blank=True)
    external_id = models.CharField(max_length=200, blank=True)
    check_in = models.DateField()
    check_out = models.DateField()
    guest = models.ForeignKey("guests.Guest", models.PROTECT, related_name="+")
    guest_name = models.CharField(max_length=200)
    guest_email = models.CharField(max_length=254, blank=True)
    guest_phone = models.CharField(max_length=40, blank=True)
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    charges = models.JSONField(default=list)
    terms = models.JSONField(default=dict)
    payment = models.JSONField(default=dict)
    arrival_time = models.TimeField(null=True, blank=True)
    special_requests = models.TextField(blank=True)
    notes = models.TextField(blank=True, db_default="")
    cancelled_at = models.DateTimeField(null=True)
    cancellation_fee_minor = models.BigIntegerField(null=True)
    found_by = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="booking_code"),
            models.UniqueConstraint(
                fields=["connection", "channel_ref"], condition=Q(connection__isnull=False), name="channel_booking_once"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "property", "check_in"], name="booking_arrival"),
            models.Index(fields=["organization", "check_out"], name="booking_departure"),
            models.Index(fields=["organization", "created_at"], name="booking_created"),
            models.Index(fields=["connection"], condition=~Q(former_refs=[]), name="booking_renamed"),
        ]


class RoomStay(models.Model):
    """One room of a booking. `holds_stock`: its nights are counted as sold.

    terms: the cancellation and payment policies it was sold on; empty: the booking's. taken_on among them: the property's
    date on which its rate plan was taken, where that is not the day of booking. sold_room_type: the one that the
    channel sold, where the desk moved the guest to another; null: the same.
    promotion, cuts_minor: what it was reduced by, and what that takes off each night; `promotion` among the terms keeps what was agreed.
    moves_on, next_room: the guest sleeps in `room` until that day and in `next_room` of the same type from then on; null:
    in one room throughout. pinned: no automatic assignment moves it. That no two stays hold a room on the same night
    is watched over in `HeldRoom`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="+")
    booking = models.ForeignKey(Booking, models.CASCADE, related_name="room_stays")
    position = models.PositiveSmallIntegerField(default=0)
    channel_ref = models.CharField(max_length=100, blank=True)
    room_type = models.ForeignKey("properties.RoomType", models.PROTECT, related_name="+")
    sold_room_type = models.ForeignKey("properties.RoomType", models.PROTECT, null=True, related_name="+")
    rate_plan = models.ForeignKey("rates.RatePlan", models.PROTECT, null=True, related_name="+")
    room = models.ForeignKey("properties.Room", models.SET_NULL, null=True, related_name="+")
    moves_on = models.DateField(null=True)
    next_room = models.ForeignKey("properties.Room", models.PROTECT, null=True, related_name="+")
    pinned = models.BooleanField(default=False, db_default=False)
    check_in = models.DateField()
    check_out = models.DateField()
    adults = models.PositiveSmallIntegerField()
    child_ages = ArrayField(models.SmallIntegerField(), default=list)
    guest_name = models.CharField(max_length=200, blank=True)
    nightly_minor = ArrayField(models.BigIntegerField(), default=list)
    total_minor = models.BigIntegerField(default=0)
    promotion = models.ForeignKey("rates.Promotion", models.PROTECT, null=True, related_name="+", db_index=False)
    cuts_minor = ArrayField(
        models.BigIntegerField(), default=list, db_default=Value([], ArrayField(models.BigIntegerField()))
    )
    holds_stock = models.BooleanField(default=True)
    terms = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(name="stay_has_a_night", condition=Q(check_out__gt=F("check_in"))),
            models.CheckConstraint(
                name="stay_moves_within",
                condition=Q(moves_on=None, next_room=None)
                | Q(
                    moves_on__gt=F("check_in"), moves_on__lt=F("check_out"), room__isnull=False, next_room__isnull=False
                ),
            ),
        ]
        indexes = [
            models.Index(fields=["booking"], name="stays_of_booking"),
            models.Index(fields=["promotion"], condition=Q(promotion__isnull=False), name="stays_of_promotion"),
            models.Index(fields=["organization", "property", "room_type", "check_in"], name="stays_of_type"),
            models.Index(
                fields=["property", "room_type", "check_in"],
                condition=Q(room__isnull=True, holds_stock=True),
                name="stays_without_room",
            ),
        ]


class HeldRoom(models.Model):
    """The nights that a stay holds a room on; two rows where its guest changes rooms. Written by the database alone.

    Derived from room stays by triggers, so that no code can forget it: here no two may overlap.
    """

    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="+")
    room_stay = models.ForeignKey(RoomStay, models.CASCADE, related_name="held")
    room = models.ForeignKey("properties.Room", models.CASCADE, related_name="+")
    nights = DateRangeField()

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="a_room_holds_one_stay",
                expressions=[("room", RangeOperators.EQUAL), ("nights", RangeOperators.OVERLAPS)],
            ),
        ]


class SentMail(models.Model):
    """A mail that was sent to a booking's guest. Append-only.

    kind: `confirmation`. actor: who pressed the button; empty where the property's setting sent it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    booking = models.ForeignKey(Booking, models.CASCADE, related_name="mails")
    at = models.DateTimeField()
    kind = models.CharField(max_length=20)
    to = models.CharField(max_length=254)
    language = models.CharField(max_length=8)
    actor = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["at"]


class Revision(models.Model):
    """One state of a booking and how it differs from the one before. Append-only."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    booking = models.ForeignKey(Booking, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    actor = models.CharField(max_length=120)
    action = models.CharField(max_length=20)
    snapshot = models.JSONField()
    changes = models.JSONField(default=list)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["booking", "number"], name="revision_number")]
