"""Which revision a booking's details come from, so that an older one that comes late can still tell them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reservations", "0003_lookup_by_code")]
    operations = [
        migrations.AddField(
            "booking", "details_order", models.CharField(blank=True, default="", db_default="", max_length=100), False
        ),
    ]
