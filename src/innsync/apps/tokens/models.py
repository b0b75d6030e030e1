"""The keys that our tokens are signed with, and who else's tokens tell who a guest is."""

from __future__ import annotations

from django.db import models

from innsync.apps.accounts.ids import new_id


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


class Issuer(models.Model):
    """A booking engine's sign-in whose word of its users an organization takes (OpenID Connect).

    url: as its tokens and its discovery document say it. audience: for whom its tokens must be. keys: its public ones as
    last read. asked_at: when they were last asked for, well or not, which bounds how often they are.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    url = models.CharField(max_length=300)
    audience = models.CharField(max_length=200)
    keys = models.JSONField(default=list)
    keys_read_at = models.DateTimeField()
    asked_at = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "url"], name="issuer_once")]

    def __str__(self) -> str:
        return self.url


class GuestAccount(models.Model):
    """A user of an issuer, as their latest token says. email: only one that the issuer has verified, in small letters."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    issuer = models.ForeignKey(Issuer, models.CASCADE, related_name="accounts")
    subject = models.CharField(max_length=255)
    name = models.CharField(max_length=200, blank=True)
    email = models.CharField(max_length=254, blank=True)
    language = models.CharField(max_length=8, blank=True)
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="guest_account_once")]

    def __str__(self) -> str:
        return self.name or self.subject
