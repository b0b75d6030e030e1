"""Conversations with guests through the channels that sold to them."""

from __future__ import annotations

from django.db import models

from innsync.apps.accounts.ids import new_id


class Conversation(models.Model):
    """What a guest and a property write to each other through one connection: about a booking, or before there is one.

    thread_id: the channel's; empty while nothing was said and the channel knows the booking alone. booking_ref: the
    channel's id of the booking, also before that has come in. site: the travel site behind a channel manager.
    waits_since: when the first message came in that nobody has answered; NULL: nothing is to be answered.
    settled_at: what had come in by then needs no reply, somebody said.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="+")
    connection = models.ForeignKey("distribution.Connection", models.CASCADE, related_name="+")
    booking = models.ForeignKey("reservations.Booking", models.SET_NULL, null=True, related_name="+")
    thread_id = models.CharField(max_length=200, blank=True)
    booking_ref = models.CharField(max_length=100, blank=True)
    title = models.CharField(max_length=200, blank=True)
    site = models.CharField(max_length=60, blank=True)
    waits_since = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "thread_id"], condition=~models.Q(thread_id=""), name="conversation_once"
            ),
        ]
        indexes = [
            models.Index(fields=["property", "-last_at"], name="conversations_of_property"),
            models.Index(fields=["booking"], name="conversations_of_booking"),
            models.Index(
                fields=["property", "waits_since"],
                condition=models.Q(waits_since__isnull=False),
                name="conversations_waiting",
            ),
        ]


class GuestMessage(models.Model):
    """One message of a conversation, card data cut out. message_id: the channel's, once it has one.

    sender: `guest`, `property` or `system` (the channel itself). at: when it was said, by the channel's clock; of our own,
    when it was written. received_at: when it came in or was written. written_by: who of us wrote it here; empty for what
    came from the channel. delivery: of ours, `waiting`, `sent` or `failed` (failure says why); else empty.
    tried_at: when it was first sent without learning whether it arrived; then the conversation is read before it is
    sent again. NULL: it certainly did not arrive yet, or it did.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="+")
    connection = models.ForeignKey("distribution.Connection", models.CASCADE, related_name="+")
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="messages")
    message_id = models.CharField(max_length=200, blank=True)
    sender = models.CharField(max_length=10)
    text = models.TextField()
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    written_by = models.CharField(max_length=120, blank=True)
    delivery = models.CharField(max_length=10, blank=True)
    failure = models.TextField(blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    tried_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "message_id"], condition=~models.Q(message_id=""), name="guest_message_once"
            ),
        ]
        indexes = [
            models.Index(fields=["conversation", "at"], name="messages_of_conversation"),
            models.Index(fields=["connection"], condition=models.Q(delivery="waiting"), name="messages_to_send"),
        ]


class Reading(models.Model):
    """How far a connection's conversations were read.

    under_way: a look that a fault ended, {"since", "began", "after"}, to be read on; NULL when none is. error: why they
    could not be read, in words for a person; empty: all well.
    """

    connection = models.OneToOneField("distribution.Connection", models.CASCADE, primary_key=True, related_name="+")
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    read_to = models.DateTimeField(null=True)
    under_way = models.JSONField(null=True)
    error = models.TextField(blank=True)
    error_at = models.DateTimeField(null=True)
