"""A folder of a test's own for what is uploaded; a module that imports `files` has it for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> Iterator[Path]:
    """Where the files are."""
    place = settings.STORAGES["default"] | {"OPTIONS": {"location": str(tmp_path / "files")}}
    with override_settings(STORAGES=settings.STORAGES | {"default": place}):
        yield tmp_path
