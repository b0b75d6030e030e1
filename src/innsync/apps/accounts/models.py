"""Who uses Innsync: organizations, their people, and the keys of programs."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from innsync.apps.accounts.ids import new_id


class Organization(models.Model):
    """A company using Innsync. Everything else belongs to one."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=200)
    requires_second_step = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class UserAccounts(BaseUserManager["User"]):
    def create_user(self, *, email: str, password: str | None, name: str = "") -> User:
        user = self.model(email=self.normalize_email(email).lower(), name=name)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser):
    """A person who signs in. What they may do is said by their memberships."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=8, default="en")
    time_zone = models.CharField(max_length=64, blank=True)
    is_active = models.BooleanField(default=True)

    objects = UserAccounts()
    USERNAME_FIELD = "email"

    def __str__(self) -> str:
        return self.email


class Role(models.TextChoices):
    ADMINISTRATOR = "administrator"
    MANAGER = "manager"
    FRONT_DESK = "front_desk"
    REVENUE = "revenue"
    STAFF = "staff"
    OWNER = "owner"
    ACCOUNTANT = "accountant"
    READ_ONLY = "read_only"


class Membership(models.Model):
    """What a person may do in an organization; `property_ids` empty means every property."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role)
    property_ids = ArrayField(models.UUIDField(), default=list, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "user"], name="one_membership_each")]


class Invitation(models.Model):
    """A place offered to an address. Its link is signed over organization, id and nonce, and works until it is used.

    property_ids: as of the membership that it becomes. accepted_at NULL: nobody has used it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    email = models.EmailField()
    role = models.CharField(max_length=20, choices=Role)
    property_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    invited_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    nonce = models.CharField(max_length=32)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "email"],
                condition=models.Q(accepted_at__isnull=True),
                name="one_open_invitation_each",
            )
        ]


class Scope(models.TextChoices):
    AVAILABILITY_READ = "availability:read"
    CONTENT_READ = "content:read"
    BOOKINGS_READ = "bookings:read"
    BOOKINGS_MAKE = "bookings:make"
    BOOKINGS_WRITE = "bookings:write"
    RATES_WRITE = "rates:write"
    INVENTORY_WRITE = "inventory:write"


class ApiKey(models.Model):
    """A program's key. Only the hash of the secret is kept; `prefix` is its readable beginning.

    calls: made with it so far; a process that ends takes the last second's with it.
    origins: from whose pages a publishable key is used; empty for every other key. published: all of a publishable key,
    which stands in those pages for everybody to read; empty for every other key.

    Looked up before the organization is known, so it stands outside row-level security; it holds no guest data.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=200)
    prefix = models.CharField(max_length=16)
    secret_hash = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=40))
    property_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    ip_allowlist = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    origins = ArrayField(models.CharField(max_length=200), default=list, db_default=[], blank=True)
    published = models.CharField(max_length=64, default="", db_default="", blank=True)
    calls_per_minute = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    calls = models.BigIntegerField(default=0, db_default=0)
    replaced_by = models.ForeignKey("self", models.SET_NULL, null=True, blank=True)
    first_key_id = models.UUIDField(null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(origins=[], published="") | ~models.Q(origins=[]) & ~models.Q(property_ids=[]),
                name="publishable_keys_name_their_hotels",
            )
        ]
        indexes = [GinIndex(fields=["origins"], name="keys_by_origin")]

    @property
    def program_id(self) -> UUID:
        """The same for a key and all that replaced it by rotation: whose requests repeat one another."""
        return self.first_key_id or self.id


class IdempotencyRecord(models.Model):
    """The answer to a request that carried an Idempotency-Key, committed together with the request's effect.

    program_id: of the API key. request_hash: of method, path and body. status NULL only inside the first transaction.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    program_id = models.UUIDField()
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=bytes)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "program_id", "key"], name="idempotency_key_once")
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_age")]
