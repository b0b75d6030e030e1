"""What programs and channels asked of the API, who it was, and how it ended: written once, never changed."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from innsync.apps.accounts.ids import new_id

NOBODY = "00000000-0000-0000-0000-000000000000"
"""Stands for the organization of calls by callers that nobody knows."""


class Call(models.Model):
    """One call and its answer. id: a UUIDv7 of the moment it came, so that ids are in the order of time.

    caller: the key's readable beginning, or the channel. query, body: what was sent, without secrets, card numbers and, as
    the organization wants it, guests' data. problem: the last part of the problem's type. booking: the id or code of the
    one that it was about. missed: not a call but so many of which nothing else could be kept, from `at` on for
    `duration_us`. No foreign keys: it outlives what it speaks of.
    """

    pk = models.CompositePrimaryKey("organization_id", "id")
    organization_id = models.UUIDField()
    id = models.UUIDField()
    at = models.DateTimeField()
    key_id = models.UUIDField(null=True)
    caller = models.TextField()
    address = models.TextField()
    method = models.TextField()
    route = models.TextField()
    path = models.TextField()
    query = models.TextField()
    status = models.PositiveSmallIntegerField()
    problem = models.TextField()
    duration_us = models.BigIntegerField()
    request_id = models.TextField()
    booking = models.TextField()
    body = models.TextField(null=True)
    missed = models.IntegerField()

    class Meta:
        indexes = [
            models.Index(
                fields=["organization_id", "booking", "id"], condition=~models.Q(booking=""), name="calls_of_booking"
            ),
            models.Index(
                fields=["organization_id", "id"],
                condition=models.Q(status__gte=400) | models.Q(missed__gt=0),
                name="calls_that_failed",
            ),
        ]


class Link(models.Model):
    """Ties the calls that were written together to all before them (`domain.call_chain`)."""

    pk = models.CompositePrimaryKey("organization_id", "number")
    organization_id = models.UUIDField()
    number = models.BigIntegerField()
    at = models.DateTimeField()
    previous_at = models.DateTimeField(null=True)
    previous = models.BinaryField()
    ids = ArrayField(models.UUIDField())
    digests = models.BinaryField()
    hash = models.BinaryField()


class Policy(models.Model):
    """How much an organization wants kept of what is sent: see `bodies.KEPT`. Without a row: the first of them."""

    organization = models.OneToOneField("accounts.Organization", models.CASCADE, primary_key=True, related_name="+")
    bodies = models.CharField(max_length=10)


class Usage(models.Model):
    """The calls of one key in one hour (UTC), counted as they are written. key_id: the zero UUID where there is none.

    errors: answered with 5xx. refused: 401, 403 and 429. unhappy: the other 4xx. spread: how many took how long
    (`spread.EDGES_US`).
    """

    pk = models.CompositePrimaryKey("organization_id", "key_id", "hour")
    organization_id = models.UUIDField()
    key_id = models.UUIDField()
    hour = models.DateTimeField()
    calls = models.IntegerField()
    errors = models.IntegerField()
    refused = models.IntegerField()
    unhappy = models.IntegerField()
    searches = models.IntegerField()
    bookings = models.IntegerField()
    spread = ArrayField(models.IntegerField())


class Address(models.Model):
    """From where a key was used, and since when."""

    pk = models.CompositePrimaryKey("organization_id", "key_id", "address")
    organization_id = models.UUIDField()
    key_id = models.UUIDField()
    address = models.TextField()
    since = models.DateTimeField()


class Unusual(models.Model):
    """Something about the calls of a key that a person should look at: told once a day. kind: see `unusual.Kind`.

    key_id: the zero UUID where there is none. facts: the numbers behind it. seen_at NULL: nobody has said that they know.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization_id = models.UUIDField()
    kind = models.CharField(max_length=20)
    key_id = models.UUIDField()
    day = models.DateField()
    at = models.DateTimeField()
    facts = models.JSONField()
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization_id", "kind", "key_id", "day"], name="unusual_once_a_day")
        ]
        indexes = [
            models.Index(
                fields=["organization_id"], condition=models.Q(seen_at__isnull=True), name="unusual_not_yet_seen"
            )
        ]
