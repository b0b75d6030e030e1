"""What may be sent to a page as files: not more than photos need."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

LARGEST_REQUEST = 160_000_000
"""Bytes of one form, with all its files."""


class NotTooLarge(FileUploadHandler):
    """Refuses a form that says it is larger, before any of it is kept. Stands before the handlers that keep files."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803  # its name in Django
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> None:
        if content_length > LARGEST_REQUEST:
            raise RequestDataTooBig("The files are too large.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
