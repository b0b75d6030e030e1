"""What happened, and what must happen because of it."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.utils import timezone

from innsync.apps.accounts.ids import new_id


class Event(models.Model):
    """One line of an organization's append-only stream: `booking.created`, `availability.changed` ..."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, null=True, related_name="+")
    type = models.CharField(max_length=60)
    occurred_at = models.DateTimeField()
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["organization", "id"], name="event_stream"),
            BrinIndex(fields=["occurred_at"], name="event_time"),
        ]


class FreshEvent(models.Model):
    """An event that waits for its place in the stream; written with it, removed when it has one.

    Plumbing: holds ids only, and stands outside row-level security, since the relay serves everybody.
    """

    id = models.BigAutoField(primary_key=True)
    organization_id = models.UUIDField()
    event_id = models.UUIDField()


class StreamEntry(models.Model):
    """An event's place among all that committed: who has seen everything up to one place misses nothing before it.

    Events' own ids can't say that: of two that are written at once, the earlier id may commit later. Given by the relay,
    which works alone. Plumbing, outside row-level security.
    """

    position = models.BigAutoField(primary_key=True)
    organization_id = models.UUIDField()
    event_id = models.UUIDField(unique=True)

    class Meta:
        indexes = [models.Index(fields=["organization_id", "position"], name="stream_of_organization")]


class Outbox(models.Model):
    """A consequence that was written with its cause and waits for the relay. Removed once it was handed on; not
    before `due_at`.

    Plumbing: holds ids and dates only, and stands outside row-level security, since the relay serves everybody.
    """

    id = models.BigAutoField(primary_key=True)
    organization_id = models.UUIDField()
    property_id = models.UUIDField()
    topic = models.CharField(max_length=40)
    payload = models.JSONField()
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["due_at", "id"], name="outbox_due")]


class LaterJob(models.Model):
    """A job that is due in a while: put into the queue when its time has come, since jobs that wait there slow down the rest.

    Plumbing, outside row-level security, as the queue itself; what an argument must not show is encrypted by whoever
    queues it.
    """

    id = models.BigAutoField(primary_key=True)
    task = models.CharField(max_length=60)
    arguments = models.JSONField()
    due_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="later_job_due")]


class Bucket(models.Model):
    """The calls made lately against one limit, shared by all processes.

    stamps: when, for limits of few calls (a sliding window, as vendors count). tokens as of `at`, for limits of many.
    Nothing is taken before `blocked_until`. Plumbing, outside row-level security.
    """

    key = models.CharField(max_length=200, primary_key=True)
    tokens = models.FloatField()
    at = models.DateTimeField()
    stamps = ArrayField(models.FloatField(), default=list)
    blocked_until = models.DateTimeField(null=True)


class Ticket(models.Model):
    """A ticket to the socket that nobody has used yet; see `tickets`. Looked up before it is known whose it is, so it
    stands outside row-level security.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    key_id = models.UUIDField(null=True)
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    session_key = models.CharField(max_length=40, default="")
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="ticket_age")]
