"""The commands of `docs/howto/book-through-the-api.md`, run by a shell against the real API."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from innsync.api.tests.samples import sample_house
from innsync.api.tests.serving import served
from tests.docs.pages import DOCS

PAGE = DOCS / "howto" / "book-through-the-api.md"
STEP = re.compile(r"^```sh\n(curl.*?)^```\n+Answers (\d{3})\b", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def address(database: str) -> Iterator[str]:
    with served() as found:
        yield found


def call(command: str, variables: dict[str, str]) -> tuple[int, str]:
    """Status and body of one curl command."""
    result = subprocess.run(
        ["sh", "-c", command], env={**os.environ, **variables}, capture_output=True, text=True, check=True
    )
    head, _, body = result.stdout.replace("\r", "").partition("\n\n")
    return int(head.split()[1]), body


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page's commands need curl")
def test_a_reader_can_search_hold_book_read_change_and_cancel(address: str) -> None:
    house = sample_house()
    variables = {
        "API": f"{address}/api",
        "KEY": house.secret,
        "HOTEL": house.property.code,
        "ROOM": "double",
        "PLAN": "bar",
        "CHECK_IN": house.day(20),
        "CHECK_OUT": house.day(23),
    }
    text = PAGE.read_text("utf-8")
    told = set(re.findall(r"([A-Z_]+)=", "\n".join(re.findall(r"^export (.+)$", text, re.MULTILINE))))
    assert told >= set(variables), "the page sets what its commands need"
    seen = []
    for command, status in STEP.findall(text):
        answered, body = call(command, variables)
        assert answered == int(status), (command, body)
        found = json.loads(body)
        variables |= {
            name: str(found[key]) for name, key in (("HOLD", "hold_id"), ("BOOKING", "booking_id")) if key in found
        }
        if "version" in found:
            variables["ETAG"] = f'"{found["version"]}"'
            seen.append(found["status"])
    assert seen == ["confirmed", "confirmed", "confirmed", "cancelled"]


def test_the_page_holds_every_step() -> None:
    text = PAGE.read_text("utf-8")
    assert len(STEP.findall(text)) == text.count("```sh\ncurl") == 8
