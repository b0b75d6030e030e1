"""The keys that tokens are signed with."""

from __future__ import annotations

from django.db import models


class SigningKey(models.Model):
    """A pair of keys of the installation; the private one is sealed. id: what tokens name it by (`kid`).

    It signs from `signs_from` until another does, and what it signed is believed until `ends_at`; null: it has no
    successor yet. It belongs to no organization and tells of none.
    """

    id = models.CharField(primary_key=True, max_length=32, editable=False)
    public = models.JSONField()
    sealed_private = models.BinaryField()
    created_at = models.DateTimeField()
    signs_from = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["signs_from", "id"]
