"""The sample portfolio comes whole or not at all, and follows when the demo's addresses change."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from innsync.apps.accounts.models import ApiKey, Organization, User
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.models import Account, Connection
from innsync.apps.distribution.vault import unseal
from innsync.integrations.conformance.server import serve
from innsync.integrations.manifest import adapter, manifests
from innsync.integrations.simulation.app import installed_worlds
from innsync.integrations.simulation.world import Clock
from innsync.ops import demo, sandbox_link

HUB = "http://127.0.0.1:8000"


@pytest.fixture
def sandbox_url() -> Iterator[str]:
    with serve(*installed_worlds(Clock()), control=True) as url:
        yield url


@pytest.fixture
def kept(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where sign-ins are kept. The organization has a name of its own, since tests share a database."""
    monkeypatch.setenv("INNSYNC_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(demo, "ORGANIZATION", f"Stays {uuid4().hex[:8]}")
    monkeypatch.setattr(
        demo, "USERS", tuple((f"{uuid4().hex[:8]}@demo.example", name, role) for _, name, role in demo.USERS)
    )
    monkeypatch.setattr(demo, "NIGHTS_AHEAD", 40)
    return tmp_path / "demo.json"


def organizations() -> list[Organization]:
    return list(Organization.objects.filter(name=demo.ORGANIZATION))


def test_a_start_that_is_cut_off_leaves_nothing_half_made(
    sandbox_url: str, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sandbox_link.connect_everywhere

    def cut_off(**about: Any) -> list[Connection]:
        if about["built"].property.code == "seaside-hotel":
            raise KeyboardInterrupt
        return whole(**about)

    monkeypatch.setattr(sandbox_link, "connect_everywhere", cut_off)
    with pytest.raises(KeyboardInterrupt):
        demo.seed(sandbox_url, public_url=HUB)
    assert organizations() == []
    assert not kept.exists()
    monkeypatch.setattr(sandbox_link, "connect_everywhere", whole)
    made = demo.seed(sandbox_url, public_url=HUB)
    (organization,) = organizations()
    with tenant(organization.id):
        assert Connection.objects.count() == 12
    assert demo.seed(sandbox_url, public_url=HUB) == made


def test_lost_sign_ins_are_made_anew_for_the_portfolio_that_is_there(sandbox_url: str, kept: Path) -> None:
    """As after a restore into an empty folder: the backup holds no password."""
    demo.seed(sandbox_url, public_url=HUB)
    kept.unlink()
    made = demo.seed(sandbox_url, public_url=HUB)
    (organization,) = organizations()
    for user in made["users"]:
        assert User.objects.get(email=user["email"]).check_password(user["password"])
    assert ApiKey.objects.filter(organization=organization, prefix=made["api_key"][:10]).exists()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_sandbox_that_lost_what_it_knew_is_found_out(sandbox_url: str, kept: Path) -> None:
    assert demo.unlisted(sandbox_url) == []
    demo.seed(sandbox_url, public_url=HUB)
    assert demo.unlisted(sandbox_url) == []
    with serve(*installed_worlds(Clock()), control=True) as empty:
        assert demo.unlisted(empty) == ["beach-condo-123", "sea-breeze-villa", "seaside-hotel"]


def connected() -> set[tuple[str, str]]:
    """(vendor, property) of every connection."""
    (organization,) = organizations()
    with tenant(organization.id):
        return set(Connection.objects.values_list("vendor", "property__code"))


@pytest.fixture
def before_expedia(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Expedia is not installed until what this answers is called."""
    expedia = manifests()["expedia"]
    monkeypatch.delitem(manifests(), "expedia")
    return lambda: monkeypatch.setitem(manifests(), "expedia", expedia)


def test_a_channel_that_is_installed_later_is_connected_at_the_next_start(
    sandbox_url: str, kept: Path, before_expedia: Callable[[], None]
) -> None:
    made = demo.seed(sandbox_url, public_url=HUB)
    first = connected()
    assert {vendor for vendor, _ in first} == {"booking_com", "booking_engine", "channex"}
    before_expedia()
    assert demo.seed(sandbox_url, public_url=HUB) == made
    assert connected() - first == {("expedia", plan.code) for plan in demo.plans()}
    assert demo.unlisted(sandbox_url) == []


def test_a_channel_that_can_not_be_connected_is_left_for_the_next_start(
    sandbox_url: str, kept: Path, before_expedia: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    demo.seed(sandbox_url, public_url=HUB)
    first = connected()
    before_expedia()
    whole = sandbox_link.connect_everywhere

    def half(**about: Any) -> list[Connection]:
        if about["built"].property.code == "seaside-hotel":
            raise KeyError("a simulator that is being written")
        return whole(**about)

    monkeypatch.setattr(sandbox_link, "connect_everywhere", half)
    demo.seed(sandbox_url, public_url=HUB)
    assert connected() == first
    monkeypatch.setattr(sandbox_link, "connect_everywhere", whole)
    demo.seed(sandbox_url, public_url=HUB)
    assert len(connected()) == 12


def test_why_a_channel_was_not_connected_is_logged_without_what_was_at_hand(sandbox_url: str, database: str) -> None:
    """On standard error, of which `innsync up` makes logs/demo.log; it reads the last line of the output."""
    program = (
        "import django\n"
        "django.setup()\n"
        "from innsync.ops import demo, sandbox_link\n"
        "def seed(url, *, public_url):\n"
        "    token = 'at-hand'\n"
        "    try:\n"
        "        raise KeyError('a simulator that is being written')\n"
        "    except KeyError:\n"
        "        sandbox_link.log.exception('channel_not_connected', vendor='paper')\n"
        "    return {}\n"
        "demo.seed = seed\n"
        "demo.main()\n"
    )
    environment = {**os.environ, "DATABASE_URL": database, "INNSYNC_SANDBOX_URL": sandbox_url}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == '{"unlisted": []}\n'
    assert "channel_not_connected" in done.stderr
    assert "a simulator that is being written" in done.stderr
    assert "at-hand" not in done.stderr


def test_a_channel_without_a_sandbox_keeps_nobody_from_starting(kept: Path, before_expedia: Callable[[], None]) -> None:
    worlds = [world for world in installed_worlds(Clock()) if world.key != "expedia"]
    with serve(*worlds, control=True) as url:
        demo.seed(url, public_url=HUB)
        before_expedia()
        demo.seed(url, public_url=HUB)
    assert {vendor for vendor, _ in connected()} == {"booking_com", "booking_engine", "channex"}


def test_where_nothing_is_missing_one_look_says_so(
    sandbox_url: str, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is a property connected again that somebody took off a channel."""
    demo.seed(sandbox_url, public_url=HUB)
    (organization,) = organizations()
    with tenant(organization.id):
        Connection.objects.filter(vendor="expedia", property__code="seaside-hotel").delete()
    first = connected()
    with httpx.Client(timeout=60) as client, CaptureQueriesContext(connection) as seen:
        added = sandbox_link.connect_missing(
            organization_id=organization.id,
            sandbox=sandbox_link.Sandbox(sandbox_url, client),
            codes=[plan.code for plan in demo.plans()],
            now=datetime.now(UTC),
        )
    assert added == []
    assert len([one for one in seen.captured_queries if "SELECT" in one["sql"]]) == 1
    demo.seed(sandbox_url, public_url=HUB)
    assert connected() == first


def test_channels_that_lost_the_property_or_are_ill_keep_nobody_from_starting(sandbox_url: str, kept: Path) -> None:
    demo.seed(sandbox_url, public_url=HUB)
    with serve(*installed_worlds(Clock()), control=True) as empty:
        demo.seed(empty, public_url="http://127.0.0.1:8765")
    httpx.post(f"{sandbox_url}/_control/channex/faults", json={"status": 500}).raise_for_status()
    demo.seed(sandbox_url, public_url="http://127.0.0.1:8765")
    httpx.delete(f"{sandbox_url}/_control/channex/faults").raise_for_status()
    (organization,) = organizations()
    with tenant(organization.id):
        account = Account.objects.get(vendor="channex")
    assert {hook["attributes"]["callback_url"].partition("/api/")[0] for hook in webhooks(sandbox_url, account)} == {
        HUB
    }


@pytest.mark.parametrize("part", ["open_session", "register_webhook"])
def test_a_channel_that_is_being_written_keeps_nobody_from_starting(
    sandbox_url: str, kept: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    demo.seed(sandbox_url, public_url=HUB)

    def fail(*_: object, **__: object) -> None:
        raise TypeError("not written yet")

    with monkeypatch.context() as broken:
        where = sandbox_link if part == "open_session" else type(adapter("channex").implementation)
        broken.setattr(where, part, fail)
        demo.seed(sandbox_url, public_url="http://127.0.0.1:8765")
    demo.seed(sandbox_url, public_url="http://127.0.0.1:8765")
    (organization,) = organizations()
    with tenant(organization.id):
        account = Account.objects.get(vendor="channex")
    callbacks = {hook["attributes"]["callback_url"].partition("/api/")[0] for hook in webhooks(sandbox_url, account)}
    assert callbacks == {"http://127.0.0.1:8765"}


def test_another_port_is_followed_by_accounts_and_webhooks(sandbox_url: str, kept: Path) -> None:
    demo.seed(sandbox_url, public_url=HUB)
    (organization,) = organizations()
    with tenant(organization.id):
        Account.objects.update(base_urls={"api": "http://127.0.0.1:1/elsewhere"})
    demo.seed(sandbox_url, public_url="http://127.0.0.1:8765")
    with tenant(organization.id):
        accounts = {one.vendor: one for one in Account.objects.all()}
    for vendor, account in accounts.items():
        assert account.base_urls
        assert set(account.base_urls.values()) == {f"{sandbox_url}/{vendor}"}
    callbacks = {webhook["attributes"]["callback_url"] for webhook in webhooks(sandbox_url, accounts["channex"])}
    assert callbacks == {f"http://127.0.0.1:8765/api/webhooks/channex/{accounts['channex'].id}"}


def webhooks(sandbox_url: str, account: Account) -> list[dict[str, Any]]:
    found = httpx.get(f"{sandbox_url}/channex/api/v1/webhooks", headers={"user-api-key": key_of(account)})
    listed: list[dict[str, Any]] = found.raise_for_status().json()["data"]
    assert len(listed) == 3
    return listed


def key_of(account: Account) -> str:
    credentials = unseal(account.credentials)
    assert isinstance(credentials, dict)
    return str(credentials["api_key"])
