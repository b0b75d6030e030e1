"""Bookings that came in files: each import, what became of its lines, and what files said of a booking last."""

from __future__ import annotations

from django.db import models

from innsync.apps.accounts.ids import new_id


class BookingImport(models.Model):
    """One file of bookings.

    kind: `csv` or `ota` (OpenTravel XML). content: the file, card data cut out, for as long as it is needed; null: not any
    more. settings: how it is read (`reading.Reading`). system: what the file comes from; with a reference it names a booking.
    state: `draft` (looked at), `running`, `done`, `undoing`, `undone`. bookings: in the file; done: dealt with so far, of
    the import or of its undoing. by, undone_by: who pressed the button.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="+")
    file_name = models.CharField(max_length=100)
    kind = models.CharField(max_length=8)
    content = models.BinaryField(null=True)
    settings = models.JSONField(default=dict)
    system = models.CharField(max_length=60, blank=True)
    state = models.CharField(max_length=12, default="draft")
    bookings = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    by = models.CharField(max_length=120, blank=True)
    undone_by = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["property", "-created_at"], name="imports_of_property")]


class ImportedLine(models.Model):
    """What became of one booking of a file.

    line: the first of its lines, as a spreadsheet counts. outcome: `created`, `changed`, `cancelled`, `unchanged`, `left`
    (known from elsewhere, and left alone), `refused`; words: why, English. version: the booking's after it. said_before:
    what files said of it until then. undone: `undone`, or `kept` with the reason in undo_words; empty before.
    """

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="+")
    within = models.ForeignKey(BookingImport, models.CASCADE, related_name="lines")
    line = models.PositiveIntegerField()
    reference = models.CharField(max_length=100, blank=True)
    outcome = models.CharField(max_length=12)
    words = models.TextField(blank=True)
    booking = models.ForeignKey("reservations.Booking", models.SET_NULL, null=True, related_name="+")
    version = models.PositiveIntegerField(null=True)
    said_before = models.JSONField(null=True)
    undone = models.CharField(max_length=8, blank=True)
    undo_words = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["within", "line"], name="imported_line_once")]
        indexes = [models.Index(fields=["within", "outcome"], name="imported_outcome")]


class SaidOfBooking(models.Model):
    """What files of a system said last of one of its bookings; null once that was taken back."""

    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="+")
    system = models.CharField(max_length=60)
    reference = models.CharField(max_length=100)
    booking = models.ForeignKey("reservations.Booking", models.CASCADE, related_name="+")
    said = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["property", "system", "reference"], name="booking_of_system_once")
        ]


class FileLayout(models.Model):
    """How files with these headings are read at the property, as somebody corrected it. headings: their digest."""

    organization = models.ForeignKey("accounts.Organization", models.CASCADE, related_name="+")
    property = models.ForeignKey("properties.Property", models.CASCADE, related_name="+")
    headings = models.CharField(max_length=64)
    settings = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["property", "headings"], name="layout_once")]
