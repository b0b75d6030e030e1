"""Addresses that are told what happens, and what became of each telling."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.contrib.postgres.fields import ArrayField
from django.db import models

from innsync.apps.accounts.ids import new_id


class Why(models.TextChoices):
    """Why an endpoint is not served."""

    ENABLED = ""
    ASKED = "asked"
    FAILING = "failing"
    GONE = "gone"
    KEY = "key"


class Endpoint(models.Model):
    """An address of a program's, told of each event that it asked for.

    program_id: of the key that made it, which must live for it to be served; NULL: made at the desk. types, property_ids:
    empty means all. scopes: what it may see at most. secret, old_secret: sealed; the old one signs too until its end.
    cursor: the place in the stream up to which deliveries were written. failures: in a row, of all deliveries.
    failing_since: when the first of them was. rest_until: nothing is sent before.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    program_id = models.UUIDField(null=True)
    description = models.CharField(max_length=200, blank=True)
    url = models.CharField(max_length=500)
    types = ArrayField(models.CharField(max_length=60), default=list)
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    property_ids = ArrayField(models.UUIDField(), default=list)
    secret = models.BinaryField()
    old_secret = models.BinaryField(null=True)
    old_secret_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True)
    disabled_why = models.CharField(max_length=10, choices=Why, default=Why.ENABLED, blank=True)
    cursor = models.BigIntegerField()
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    rest_until = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "id"], name="endpoint_of_organization")]

    @property
    def host(self) -> str:
        """What of its address may be told anywhere: the rest may hold a secret."""
        return urlsplit(self.url).hostname or ""


class State(models.TextChoices):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(models.Model):
    """An event on its way to an endpoint.

    lane: those of one lane arrive in the stream's order. tries: since it was last asked for. attempts: what was answered
    each time: {"at", "status", "duration_ms", "answer", "error"}, the oldest first, the answer cut.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="deliveries")
    event_id = models.UUIDField()
    position = models.BigIntegerField()
    type = models.CharField(max_length=60)
    lane = models.CharField(max_length=110)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    tries = models.PositiveSmallIntegerField(default=0)
    attempts = models.JSONField(default=list)
    created_at = models.DateTimeField()
    next_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["endpoint", "event_id"], name="delivery_once")]
        indexes = [
            models.Index(fields=["endpoint", "position"], name="delivery_log"),
            models.Index(
                fields=["endpoint", "lane", "position"], name="delivery_lane", condition=models.Q(state="pending")
            ),
            models.Index(fields=["settled_at"], name="delivery_age"),
            models.Index(
                fields=["endpoint", "settled_at"],
                name="delivery_settled",
                condition=models.Q(settled_at__isnull=False),
            ),
        ]


class Round(models.Model):
    """An endpoint that is to be served; version counts what was changed about it by hand.

    Plumbing: ids only, outside row-level security, since the courier serves everybody.
    """

    endpoint_id = models.UUIDField(primary_key=True)
    organization_id = models.UUIDField()
    version = models.BigIntegerField(default=0)
