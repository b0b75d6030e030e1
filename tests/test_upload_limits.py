"""What the page says can be sent at once goes through all that stands before it."""

from __future__ import annotations

import re
from pathlib import Path

from innsync.apps.properties.pictures import LARGEST_FILE
from innsync.config.bridge import LARGEST_UPLOAD
from innsync.portals.admin.setup.photos import MOST_MEGABYTES_AT_ONCE

AT_ONCE = MOST_MEGABYTES_AT_ONCE * 1_000_000
ENVELOPE = 1_000_000
"""Bytes that a form may add to its files, by far."""


def test_the_photos_of_one_form_fit_into_what_the_server_takes() -> None:
    assert LARGEST_FILE < AT_ONCE < LARGEST_UPLOAD - ENVELOPE


def test_the_proxy_of_the_guide_takes_what_the_server_takes() -> None:
    guide = Path(__file__).parent.parent / "docs" / "howto" / "put-it-behind-a-proxy.md"
    found = re.search(r"client_max_body_size (\d+)m;", guide.read_text())
    assert found
    assert int(found[1]) * 2**20 >= LARGEST_UPLOAD
