"""How many rooms are left: stock per night, holds, rooms out of order."""

from __future__ import annotations

from django.db import models

from innsync.apps.accounts.ids import new_id


class StockDay(models.Model):
    """Rooms of one type on one night. left = rooms - out_of_order - sold - held - withheld (`counts.left_of`).

    oversold: by how much channels' sales (and rooms going out of order) exceed the rooms; the CHECK lets nothing else
    exceed them. withheld: rooms that are there and not offered, as a system that owns the availability says; a channel
    may have sold them all the same. withheld_by: the change that said so last; null where none are.
    """

    pk = models.CompositePrimaryKey("property_id", "day", "room_type_id")
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="+")
    day = models.DateField()
    room_type = models.ForeignKey("properties.RoomType", models.CASCADE, related_name="+")
    rooms = models.SmallIntegerField()
    out_of_order = models.SmallIntegerField(default=0)
    sold = models.SmallIntegerField(default=0)
    held = models.SmallIntegerField(default=0)
    oversold = models.SmallIntegerField(default=0)
    withheld = models.SmallIntegerField(default=0, db_default=0)
    withheld_by = models.ForeignKey(
        "Withholding", models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )

    class Meta:
        # Looked for after every booking, and nearly always found to be none.
        indexes = [models.Index(fields=["property", "day"], name="oversold_nights", condition=models.Q(oversold__gt=0))]
        constraints = [
            models.CheckConstraint(
                name="no_direct_oversale",
                condition=models.Q(
                    rooms__gte=models.F("sold") + models.F("held") + models.F("out_of_order") - models.F("oversold")
                ),
            ),
            models.CheckConstraint(
                name="counts_are_not_negative",
                condition=models.Q(rooms__gte=0, out_of_order__gte=0, sold__gte=0, held__gte=0, oversold__gte=0),
            ),
        ]


class Hold(models.Model):
    """Rooms kept for a checkout in progress, until it books, gives up, or `expires_at` passes."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="+")
    check_in = models.DateField()
    check_out = models.DateField()
    rooms = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=10, default="active")

    class Meta:
        indexes = [
            models.Index(fields=["expires_at"], condition=models.Q(state="active"), name="hold_expiry"),
        ]


class OutOfOrder(models.Model):
    """A room, or just one of its type, that can't be let on these nights."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="+")
    room_type = models.ForeignKey("properties.RoomType", models.CASCADE, related_name="+")
    room = models.ForeignKey("properties.Room", models.CASCADE, null=True, blank=True, related_name="+")
    first = models.DateField()
    last = models.DateField()
    reason = models.CharField(max_length=200, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)


class Withholding(models.Model):
    """One change of how many rooms are withheld: who, when, and each night's number before and after. Append-only.

    undoes: the change whose nights it set back. first and last: the nights concerned, both included. nights: how many
    changed, those of each room type counted. changes: by room type a list of [first night, last night, before, after].
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="+")
    at = models.DateTimeField()
    actor = models.CharField(max_length=320)
    undoes = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="+")
    first = models.DateField()
    last = models.DateField()
    nights = models.PositiveIntegerField()
    changes = models.JSONField()

    class Meta:
        indexes = [models.Index(fields=["property", "-id"], name="withholdings")]
