"""What is let: properties, their room types, and the physical rooms."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from innsync.apps.accounts.ids import new_id


class Property(models.Model):
    """A hotel, or a rental unit or house (then with one room type holding one room).

    confirms_by_mail: whether who books directly is sent a confirmation by itself; null: where mail is set up.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    code = models.SlugField(max_length=80)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, default="hotel")
    description = models.TextField(blank=True)
    address = models.JSONField(default=dict, blank=True)
    latitude = models.DecimalField(max_digits=9, decimal_places=6, null=True, blank=True)
    longitude = models.DecimalField(max_digits=9, decimal_places=6, null=True, blank=True)
    time_zone = models.CharField(max_length=64)
    currency = models.CharField(max_length=3)
    check_in_time = models.TimeField(default="15:00")
    check_out_time = models.TimeField(default="11:00")
    sellable_days = models.PositiveSmallIntegerField(default=730)
    amenities = models.JSONField(default=list, blank=True)
    policies = models.JSONField(default=dict, blank=True)
    taxes = models.JSONField(default=list, blank=True)
    fees = models.JSONField(default=list, blank=True)
    child_bands = models.JSONField(default=list, blank=True)
    confirms_by_mail = models.BooleanField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "code"], name="property_code")]

    def __str__(self) -> str:
        return self.name


class RoomType(models.Model):
    """Rooms that are sold as the same thing."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey(Property, models.CASCADE, related_name="room_types")
    code = models.SlugField(max_length=80)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    max_adults = models.PositiveSmallIntegerField(default=2)
    max_children = models.PositiveSmallIntegerField(default=0)
    max_occupancy = models.PositiveSmallIntegerField(default=2)
    beds = models.JSONField(default=list, blank=True)
    size_m2 = models.PositiveSmallIntegerField(null=True, blank=True)
    amenities = models.JSONField(default=list, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position", "code"]
        constraints = [models.UniqueConstraint(fields=["property", "code"], name="room_type_code")]

    def __str__(self) -> str:
        return self.name


class Room(models.Model):
    """A physical room."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey(Property, models.CASCADE, related_name="rooms")
    room_type = models.ForeignKey(RoomType, models.CASCADE, related_name="rooms")
    name = models.CharField(max_length=40)
    position = models.PositiveSmallIntegerField(default=0)
    retired_from = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["position", "name"]
        constraints = [models.UniqueConstraint(fields=["property", "name"], name="room_name")]

    def __str__(self) -> str:
        return self.name


class Photo(models.Model):
    """A picture of a property, or of one of its room types.

    key: the unguessable part of its address. widths: of the sizes kept, in pixels, smallest first; width and height: of
    the largest. removed_at: since when it is taken away; it can be put back until its files are cleared.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey(Property, models.CASCADE, related_name="photos")
    room_type = models.ForeignKey(RoomType, models.CASCADE, null=True, blank=True, related_name="photos")
    key = models.CharField(max_length=40, unique=True)
    caption = models.CharField(max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    widths = ArrayField(models.PositiveSmallIntegerField())
    width = models.PositiveSmallIntegerField()
    height = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position", "id"]
        indexes = [models.Index(fields=["property", "position"], name="photos_of_property")]
