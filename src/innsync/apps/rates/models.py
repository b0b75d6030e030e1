"""Rate plans, the products they make, and their prices and restrictions night by night."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from innsync.apps.accounts.ids import new_id


class RatePlan(models.Model):
    """Terms under which rooms are sold. A derived plan takes prices and rules from its parent."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="rate_plans")
    code = models.SlugField(max_length=80)
    name = models.CharField(max_length=200)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    derivation = models.JSONField(null=True, blank=True)
    meal_plan = models.CharField(max_length=30, default="room_only")
    cancellation_policy = models.JSONField(default=dict, blank=True)
    payment_policy = models.JSONField(default=dict, blank=True)
    min_advance_days = models.PositiveSmallIntegerField(default=0)
    max_advance_days = models.PositiveSmallIntegerField(null=True, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position", "code"]
        constraints = [models.UniqueConstraint(fields=["property", "code"], name="rate_plan_code")]

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """A room type sold at a rate plan. `slot` is its fixed place (from 1) in the arrays of `RateDay`."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="products")
    room_type = models.ForeignKey("properties.RoomType", models.CASCADE, related_name="products")
    rate_plan = models.ForeignKey(RatePlan, models.CASCADE, related_name="products")
    slot = models.PositiveSmallIntegerField()
    occupancy_pricing = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["slot"]
        constraints = [
            models.UniqueConstraint(fields=["property", "slot"], name="product_slot"),
            models.UniqueConstraint(fields=["room_type", "rate_plan"], name="product_once"),
        ]


class RateDay(models.Model):
    """Prices and restrictions of a whole property on one night, one array place a product.

    prices: minor units for the base occupancy. NULL in a place: nothing said; a derived product then follows its parent.
    flags: 1 closed to arrival, 2 closed to departure, 4 stop sell; plus 8, 16, 32 for those that are the product's own
    and not its parent's.
    """

    pk = models.CompositePrimaryKey("property_id", "day")
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="+")
    day = models.DateField()
    prices = ArrayField(models.IntegerField(null=True), default=list)
    min_arrival = ArrayField(models.SmallIntegerField(null=True), default=list)
    min_through = ArrayField(models.SmallIntegerField(null=True), default=list)
    max_stay = ArrayField(models.SmallIntegerField(null=True), default=list)
    flags = ArrayField(models.SmallIntegerField(null=True), default=list)


class RateChange(models.Model):
    """One change of prices and restrictions: who, when, and each cell's own value before and after. Append-only.

    kind: `edit`, `bulk`, `import` or `undo`. undoes: the change whose cells it set back. slots: the products concerned; first and
    last: the nights concerned, both included. cells: how many changed. changes: see `domain.rate_cells.pack`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="+")
    at = models.DateTimeField()
    actor = models.CharField(max_length=320)
    kind = models.CharField(max_length=12)
    undoes = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="+")
    slots = ArrayField(models.PositiveSmallIntegerField())
    first = models.DateField()
    last = models.DateField()
    cells = models.PositiveIntegerField()
    changes = models.JSONField()

    class Meta:
        indexes = [models.Index(fields=["property", "-id"], name="rate_changes")]


class Season(models.Model):
    """Nights that a property prices alike and calls by a name. colour: of its band above the grid, empty for none.

    firsts and lasts: the first and last nights of its periods, both included, in order, as many of one as of the other.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="seasons")
    name = models.CharField(max_length=60)
    colour = models.CharField(max_length=12, blank=True)
    firsts = ArrayField(models.DateField())
    lasts = ArrayField(models.DateField())

    class Meta:
        ordering = ["firsts", "name"]
        constraints = [models.UniqueConstraint(fields=["property", "name"], name="season_name")]

    def __str__(self) -> str:
        return self.name


class Promotion(models.Model):
    """What a property takes off its own price. rule: see `domain.promotions.PromotionRule`.

    code: in capital letters; empty: for everybody. names: in languages that have their own, beside `name`.
    most_uses: null for no limit. used: how many bookings have it that are not cancelled; they count it themselves.
    ended_at: not given any more since; bookings that have it keep it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="promotions")
    code = models.CharField(max_length=40, blank=True)
    name = models.CharField(max_length=80)
    names = models.JSONField(default=dict, blank=True)
    rule = models.JSONField()
    most_uses = models.PositiveIntegerField(null=True, blank=True)
    used = models.PositiveIntegerField(default=0)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["property", "code"], condition=~Q(code="") & Q(ended_at=None), name="promotion_code"
            ),
            models.CheckConstraint(
                name="promotion_used", condition=Q(most_uses=None) | Q(used__lte=models.F("most_uses"))
            ),
        ]
        indexes = [models.Index(fields=["property"], condition=Q(ended_at=None), name="present_promotions")]

    def __str__(self) -> str:
        return self.name


class Extra(models.Model):
    """What a property sells with a stay, and what rate plans include of it: see `domain.extras`.

    names: in languages that have their own, beside `name`. price_minor: all that the guest pays for one, taxes included.
    most: pieces that a booking may have of what is sold by the piece. offered: guests may buy it whose rate plan does not
    include it. plan_ids: the rate plans that do. ended_at: neither sold nor included any more since; bookings keep it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="extras")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    names = models.JSONField(default=dict, blank=True)
    description = models.CharField(max_length=500, blank=True)
    per = models.CharField(max_length=12)
    price_minor = models.BigIntegerField()
    most = models.PositiveSmallIntegerField(default=1)
    offered = models.BooleanField(default=True)
    plan_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position", "code"]
        constraints = [
            models.UniqueConstraint(fields=["property", "code"], name="extra_code"),
            models.CheckConstraint(name="extra_costs_nothing_less", condition=Q(price_minor__gte=0)),
        ]

    def __str__(self) -> str:
        return self.name
