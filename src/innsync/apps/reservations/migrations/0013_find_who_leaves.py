from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Today asks for those who have not left long ago: without it, through all who were ever here."""

    atomic = False
    dependencies = [("reservations", "0012_held_rooms")]
    operations = [
        AddIndexConcurrently(
            model_name="booking",
            index=models.Index(fields=["organization", "check_out"], name="booking_departure"),
        ),
    ]
