"""The people who stay."""

from __future__ import annotations

from django.db import models

from innsync.apps.accounts.ids import new_id


class Guest(models.Model):
    """A person. `email` is a real address; a channel's relay address is kept with the booking alone."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    name = models.CharField(max_length=200)
    email = models.CharField(max_length=254, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    country = models.CharField(max_length=2, blank=True)
    language = models.CharField(max_length=8, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["organization", "email"], condition=~models.Q(email=""), name="guest_email"),
            models.Index(fields=["organization", "phone"], condition=~models.Q(phone=""), name="guest_phone"),
        ]

    def __str__(self) -> str:
        return self.name
