"""Files of rooms and rates between being looked at and being imported."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

KEPT = timedelta(days=1)
_FOLDER = "sheets"
_KEY = re.compile(r"[0-9a-f]{32}")


def keep(content: bytes) -> str:
    """Answers the key under which it is found again, for a day."""
    key = secrets.token_hex(16)
    default_storage.save(f"{_FOLDER}/{key}.csv", ContentFile(content))
    return key


def fetch(key: str) -> bytes | None:
    """None for one that is not there any more."""
    if not _KEY.fullmatch(key):
        return None
    try:
        with default_storage.open(f"{_FOLDER}/{key}.csv") as file:
            content: bytes = file.read()
    except FileNotFoundError:
        return None
    return content


def drop(key: str) -> None:
    default_storage.delete(f"{_FOLDER}/{key}.csv")


def clear_old(*, now: datetime) -> int:
    """Delete those that nobody imported. Answers how many."""
    try:
        names = default_storage.listdir(_FOLDER)[1]
    except FileNotFoundError:
        return 0
    old = [name for name in names if default_storage.get_modified_time(f"{_FOLDER}/{name}") < now - KEPT]
    for name in old:
        default_storage.delete(f"{_FOLDER}/{name}")
    return len(old)
