"""What is to be done for guests."""

from __future__ import annotations

from django.db import models

from innsync.apps.accounts.ids import new_id


class ServiceOrder(models.Model):
    """A request for cleaning, groceries, a late check-out ... of a booking.

    state: `open`, `done` or `cancelled`. due_on: the property's date; null: some time. price_minor: in the booking's
    currency, null where it has none; `charged`: the guest pays it with the booking. closed_at, closed_by: when it was
    done or cancelled, and by whom. extra: what was agreed, where an extra was sold or included: see
    `domain.extras.Taken`, and under `due_on` the day that follows the arrival; null: somebody asked by hand.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="+")
    booking = models.ForeignKey("reservations.Booking", models.CASCADE, related_name="service_orders")
    what = models.CharField(max_length=200)
    note = models.TextField(blank=True)
    due_on = models.DateField(null=True)
    assignee = models.ForeignKey("accounts.User", models.SET_NULL, null=True, related_name="+")
    price_minor = models.BigIntegerField(null=True)
    charged = models.BooleanField(default=False)
    state = models.CharField(max_length=10, default="open")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=120)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=120, blank=True)
    extra = models.JSONField(null=True)

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [
            models.Index(fields=["booking"], name="orders_of_booking"),
            models.Index(fields=["property", "due_on"], condition=models.Q(state="open"), name="orders_open"),
        ]
        constraints = [
            models.CheckConstraint(
                name="order_costs_nothing_less", condition=models.Q(price_minor=None) | models.Q(price_minor__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return self.what
