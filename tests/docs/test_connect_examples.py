"""The scripts of `docs/howto/connect-a-channel.md`, run as they stand but for the names that a reader fills in."""

from __future__ import annotations

import contextlib
import io
from typing import Any
from uuid import uuid4

import pytest

from tests.docs.pages import DOCS, blocks

PAGE = DOCS / "howto" / "connect-a-channel.md"


def run(script: str, fill: dict[str, object]) -> str:
    """What the script prints; each `NAME = ...` of `fill` is replaced. Fails when a name is not set by the script."""
    lines = script.splitlines()
    for name, value in fill.items():
        index = next(index for index, line in enumerate(lines) if line.startswith(f"{name} = "))
        lines[index] = f"{name} = {value!r}"
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile("\n".join(lines), str(PAGE), "exec"), {"__name__": "__main__"})
    return said.getvalue()


@pytest.fixture
def organization(database: str) -> str:
    from innsync.apps.accounts.models import Organization

    return Organization.objects.create(name=f"My Hotels {uuid4().hex[:6]}").name


def test_a_reader_makes_a_property_and_connects_it(organization: str, database: str) -> None:
    from innsync.apps.accounts.models import Organization
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.distribution.models import Connection
    from innsync.apps.distribution.reconcile import reconcile
    from innsync.integrations.conformance.case import hurry, make_world
    from innsync.integrations.conformance.server import serve_app
    from innsync.integrations.simulation.app import build
    from innsync.integrations.simulation.world import PropertySpec, RateSpec, RoomSpec

    property_script, account_script, connect_script = blocks(PAGE, "python")
    assert run(property_script, {"ORGANIZATION": organization}) == "made harbour-inn\n"

    app = build([make_world("channex")])
    host = app.state.sandbox.host("channex")
    hurry(host)
    room = RoomSpec("double", "Double Room", 3, 2, rates=(RateSpec("bar", "Best available rate", (1, 2)),))
    listed: dict[str, Any] = host.world.add_property(
        PropertySpec("harbour-inn", "Harbour Inn", "EUR", "Europe/Lisbon", (room,))
    )
    there = listed["rooms"]["double"]
    with serve_app(app) as url:
        fill = {"ORGANIZATION": organization, "EXTERNAL_ID": listed["id"]}
        access = {"CREDENTIALS": host.world.accounts()[0], "BASE_URLS": {"api": f"{url}/channex"}}
        said = run(account_script, fill | access)
        assert there["id"] in said
        assert there["rates"]["bar"] in said
        mapped = {"ROOMS": {"double": there["id"]}, "RATES": {("double", "bar"): there["rates"]["bar"]}}
        assert run(connect_script, fill | mapped).startswith("connected ")

        owner = Organization.objects.get(name=organization)
        with tenant(owner.id):
            connection = Connection.objects.get()
        outcome = reconcile(organization_id=owner.id, connection_id=connection.id)
        assert (outcome.why, outcome.refused) == ("", 0)
        day = host.world.clock.today()
        (line,) = host.world.calendar("harbour-inn", day, day)
    assert (line["available"], line["amount"]) == (3, "129.00")
