"""The published description against the server: requests made from it, seeded, with every check that schemathesis has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from openapi_spec_validator import validate

from innsync.api.tests.samples import sample_house
from innsync.api.tests.serving import calling

SEED = "20261121"
# 422 is right where the schema can't say it: dates that are past, reversed, or beyond what a hotel sells.
CONFIGURATION = """
[parameters]
"path.hotel_id" = "{hotel}"
"path.booking_id" = "{booking}"
"path.code" = "{code}"

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "304", "401", "403", "404", "409", "412", "422", "429"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "411", "412", "413", "415", "422", "429"]
[checks.missing_required_header]
expected-statuses = ["401", "422"]
"""


def test_the_description_is_valid_openapi_3_1(address: str):
    document = httpx.get(f"{address}/api/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    validate(document)


@pytest.mark.timeout(900)
def test_every_operation_keeps_what_the_description_says(address: str, database: str, tmp_path: Path):
    house = sample_house(rooms=500, calls_per_minute=1_000_000)
    with calling(address, house.secret) as client:
        booking = client.post("/bookings", json=house.booking()).json()
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(
        CONFIGURATION.format(hotel=house.property.code, booking=booking["booking_id"], code=booking["code"]), "utf-8"
    )
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration)),
            *("run", f"{address}/api/openapi.json", "--header", f"X-API-Key: {house.secret}"),
            *("--checks", "all", "--seed", SEED, "--max-examples", "15", "--generation-database", "none", "--no-color"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-12_000:] + ran.stderr[-2000:]
