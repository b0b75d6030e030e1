"""Stays without a room are looked for in a window of dates by the calendar, and by whoever assigns rooms."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reservations", "0009_fees_of_channels_cancellations")]

    operations = [
        migrations.AddIndex(
            model_name="roomstay",
            index=models.Index(
                condition=models.Q(("holds_stock", True), ("room__isnull", True)),
                fields=["property", "room_type", "check_in"],
                name="stays_without_room",
            ),
        ),
    ]
