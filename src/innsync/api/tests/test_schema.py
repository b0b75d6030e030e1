"""The published description against the served application, as it runs: requests made from it, seeded, with every check that
schemathesis has."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from openapi_spec_validator import validate

from innsync.api.tests.oidc import AUDIENCE, OidcIssuer, oidc_issuer
from innsync.api.tests.samples import sample_house
from innsync.api.tests.serving import calling
from innsync.apps.tokens import issuers

SEED = "20261121"
# 422 is right where the schema can't say it: dates that are past, reversed, or beyond what a hotel sells.
CONFIGURATION = """
[parameters]
"path.hotel_id" = "{hotel}"
"path.property_id" = "{hotel}"
"path.user_id" = "me"
"header.X-Guest-Token" = "{guest}"
"path.booking_id" = "{booking}"
"path.code" = "{code}"

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "304", "401", "403", "404", "409", "412", "422", "429"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "411", "412", "413", "415", "422", "429"]
[checks.missing_required_header]
expected-statuses = ["401", "422"]
"""


@pytest.fixture
def issuer() -> Iterator[OidcIssuer]:
    with oidc_issuer() as found:
        yield found


def test_the_description_is_valid_openapi_3_1(address: str):
    document = httpx.get(f"{address}/api/openapi.json", timeout=60).json()
    assert document["openapi"].startswith("3.1")
    validate(document)


@pytest.mark.timeout(900)
def test_every_operation_keeps_what_the_description_says(web: str, issuer: OidcIssuer, tmp_path: Path):
    house = sample_house(rooms=500, calls_per_minute=1_000_000)
    with calling(web, house.secret) as client:
        booking = client.post("/bookings", json=house.booking()).json()
    issuer.new_key()
    issuers.trust(organization_id=house.organization_id, url=issuer.url, audience=AUDIENCE, now=datetime.now(UTC))
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(
        CONFIGURATION.format(
            hotel=house.property.code,
            booking=booking["booking_id"],
            code=booking["code"],
            guest=issuer.token(exp=datetime.now(UTC) + timedelta(hours=2)),
        ),
        "utf-8",
    )
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration)),
            *("run", f"{web}/api/openapi.json", "--header", f"X-API-Key: {house.secret}"),
            *("--checks", "all", "--seed", SEED, "--max-examples", "15", "--generation-database", "none", "--no-color"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-12_000:] + ran.stderr[-2000:]
