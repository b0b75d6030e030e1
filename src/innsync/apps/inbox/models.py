"""Messages that came in, as they came, and what became of them."""

from __future__ import annotations

from django.db import models

from innsync.apps.accounts.ids import new_id


class Message(models.Model):
    """One raw message of a channel, card data cut out. Unique per account and the channel's id of the revision.

    state: `received`, `applied`, `needs_attention` (with the reason), `superseded` (a newer revision was applied first),
    `waiting` (a change or cancellation whose booking has not come yet). listed_unacknowledged: no queue brings it again,
    but the channel says in a list that it waits for its acknowledgement.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    account = models.ForeignKey("distribution.Account", models.CASCADE, related_name="+")
    connection = models.ForeignKey("distribution.Connection", models.CASCADE, null=True, related_name="+")
    vendor = models.CharField(max_length=40)
    message_id = models.CharField(max_length=200)
    property_ref = models.CharField(max_length=100, blank=True)
    booking_ref = models.CharField(max_length=100, blank=True)
    content_type = models.CharField(max_length=100)
    body = models.BinaryField()
    acknowledge = models.JSONField(default=dict)
    confirmation = models.CharField(max_length=12)
    received_at = models.DateTimeField()
    deliveries = models.PositiveIntegerField(default=1)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledge_words = models.TextField(blank=True)
    state = models.CharField(max_length=16, default="received")
    reason = models.TextField(blank=True)
    applied_at = models.DateTimeField(null=True)
    booking = models.ForeignKey("reservations.Booking", models.SET_NULL, null=True, related_name="+")
    found_by = models.CharField(max_length=20, blank=True)
    listed_unacknowledged = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "message_id"], name="message_once")]
        indexes = [
            models.Index(fields=["organization", "state", "received_at"], name="inbox_state"),
            models.Index(fields=["account", "booking_ref"], name="inbox_booking"),
            models.Index(
                fields=["account", "received_at"],
                condition=models.Q(acknowledged_at__isnull=True),
                name="inbox_unacked",
            ),
        ]
