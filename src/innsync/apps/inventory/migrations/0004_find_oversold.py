"""Which nights are oversold is asked after every booking. The index is made while others work."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("inventory", "0003_sold_out")]
    operations = [
        AddIndexConcurrently(
            "stockday",
            models.Index(fields=["property", "day"], name="oversold_nights", condition=models.Q(("oversold__gt", 0))),
        )
    ]
