"""A new channel is a folder: it sells, is told and reports bookings, and no file outside its folder knows of it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import pytest

from innsync.api.tests.fixtures import address
from innsync.integrations.manifest import adapter, manifests

if TYPE_CHECKING:
    from innsync.ops.sandbox_link import Sandbox
    from tests.flows.stack import Stack

__all__ = ["address"]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("INNSYNC_CHANNEL_PACKAGES", "tests.extension.paperfax")
    manifests.cache_clear()
    adapter.cache_clear()
    yield
    manifests.cache_clear()
    adapter.cache_clear()


@pytest.fixture
def stack(installed: None, database: str) -> Iterator[Stack]:
    yield from connected()


@pytest.fixture
def stack_that_is_not_told(installed: None, database: str) -> Iterator[Stack]:
    """As if PaperFax only brought bookings: its manifest names nothing that could be sent to it."""
    manifests()["paperfax"] = replace(manifests()["paperfax"], can=frozenset({"pull_bookings", "acknowledge"}))
    yield from connected()


@pytest.fixture
def stack_that_is_rung(installed: None, database: str, address: str) -> Iterator[Stack]:
    """Connected as the demo connects it: the vendor is told where to announce bookings."""
    yield from connected(webhook_base=address)


def connected(webhook_base: str = "") -> Iterator[Stack]:
    from innsync.apps.accounts.tenancy import sql
    from innsync.apps.distribution import handlers  # noqa: F401  # registers what the relay calls
    from innsync.apps.inbox import tasks  # noqa: F401
    from innsync.integrations.conformance.server import serve
    from innsync.integrations.simulation.app import installed_worlds
    from innsync.integrations.simulation.world import Clock
    from tests.flows.stack import make_stack

    with sql() as cursor:
        for plumbing in ("distribution_schedule", "distribution_dirty", "events_outbox", "procrastinate_jobs"):
            cursor.execute(f"DELETE FROM {plumbing}")
    worlds = installed_worlds(Clock())
    with serve(*worlds, control=True) as url, httpx.Client(timeout=60) as client:
        made = make_stack(url, client, vendors=["paperfax", "channex"], webhook_base=webhook_base)
        made.settle()
        yield made


def test_it_is_connected_told_everything_and_in_step(stack: Stack) -> None:
    from tests.flows.checks import check_all

    assert set(stack.connections) == {"paperfax", "channex"}
    line = stack.sold_at("paperfax", 10)
    assert (line["available"], line["amount"], line["closed"]) == (2, "100.00", False)
    stack.set_rates(
        ("double", "bar", 5, 9, {"price": 15_000, "min_stay_arrival": 3, "closed_to_arrival": 1}),
        ("double", "bb", 12, 12, {"stop_sell": 1}),
    )
    stack.settle()
    check_all(stack)


def test_what_it_can_not_say_is_said_more_strictly(stack: Stack) -> None:
    """PaperFax knows no closing to departure: the night before is closed instead, rather than sold wrongly."""
    stack.set_rates(("double", "bar", 8, 8, {"closed_to_departure": 1}))
    stack.settle()
    assert stack.sold_at("paperfax", 7)["closed"]
    assert not stack.sold_at("paperfax", 8)["closed"]
    assert not stack.sold_at("channex", 7)["closed"]


def test_its_booking_closes_the_room_elsewhere_and_its_cancellation_opens_it(stack: Stack) -> None:
    from tests.flows.checks import check_all

    reference = stack.guest_books("paperfax", 10, 2)
    assert stack.pull("paperfax") == 1
    stack.settle()
    assert stack.availability(10) == {"paperfax": 1, "channex": 1}
    (item,) = stack.sandbox.call("GET", f"paperfax/bookings?property={stack.built.property.code}")["items"]
    assert item["acknowledged"]
    stack.cancel_at("paperfax", reference)
    stack.pull("paperfax")
    stack.settle()
    check_all(stack)
    assert [row[:2] for row in stack.bookings()] == [("paperfax", "cancelled")]


def test_what_it_refuses_is_kept_in_its_own_words(stack: Stack) -> None:
    night = stack.today + timedelta(days=10)
    stack.set_rates(("double", "bar", 10, 10, {"price": 1313}))
    stack.settle()
    assert set(stack.rows("SELECT day, words FROM distribution_refusedcell")) == {(night, "we are superstitious")}


def test_an_alias_that_it_makes_up_is_nobodys_address(stack: Stack) -> None:
    """Its manifest says below which domain: what is said there stands for one booking, however alike the names."""
    ada = {"name": "Ada Example", "email": "ada.1@in.alias.paperfax.example"}
    known = {"name": "Ada Example", "email": "ada@paperfax.example"}
    for offset, guest in ((10, ada), (20, ada), (30, known), (40, known)):
        stack.guest_books("paperfax", offset, 1, guest=guest)
    assert stack.pull("paperfax") == 4
    guests = "SELECT email, count(*) FROM guests_guest JOIN reservations_booking b ON b.guest_id = guests_guest.id"
    found = stack.rows(f"{guests} GROUP BY guests_guest.id, email ORDER BY email")
    assert found == [("", 1), ("", 1), ("ada@paperfax.example", 2)]


def test_it_waits_out_a_breakdown_like_any_other(stack: Stack) -> None:
    from tests.flows.checks import check_all

    stack.faults("paperfax", status=500)
    stack.book(10, 2)
    stack.settle()
    stack.faults("paperfax")
    stack.advance(minutes=2)
    check_all(stack)


def rings(sandbox: Sandbox, most_s: float = 10) -> list[tuple[str, int]]:
    """Where PaperFax rang by now and what it was answered; waits for the first time."""
    deadline = time.monotonic() + most_s
    while not (found := sandbox.call("GET", "paperfax/calls")["items"]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return [(one["path"], one["status"]) for one in found]


def test_its_booking_arrives_by_its_own_webhook(stack_that_is_rung: Stack, address: str) -> None:
    stack = stack_that_is_rung
    seen = stack.seen("paperfax")
    stack.guest_books("paperfax", 10, 2, force=True)
    assert rings(stack.sandbox) == [(f"{address}/api/webhooks/paperfax/{stack.account('paperfax')}", 200)]
    stack.settle()
    assert [row[:2] for row in stack.bookings()] == [("paperfax", "confirmed")]
    assert stack.sold_at("channex", 10)["available"] == 1
    assert "/tray" not in {one["path"] for one in stack.requests("paperfax", seen)}
    (item,) = stack.sandbox.call("GET", f"paperfax/bookings?property={stack.built.property.code}")["items"]
    assert item["acknowledged"]


def test_its_webhook_follows_when_we_have_another_address(stack_that_is_rung: Stack, address: str) -> None:
    from innsync.ops.sandbox_link import follow

    stack = stack_that_is_rung
    moved = address.replace("127.0.0.1", "localhost")
    follow(organization_id=stack.organization_id, sandbox=stack.sandbox, webhook_base=moved)
    stack.guest_books("paperfax", 10, 2, force=True)
    assert rings(stack.sandbox) == [(f"{moved}/api/webhooks/paperfax/{stack.account('paperfax')}", 200)]


def test_the_demo_connects_it_at_the_next_start(
    installed: None, database: str, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes to a demo that has run before, and its bookings reach the inbox at once."""
    from innsync.apps.accounts.models import Organization
    from innsync.apps.accounts.tenancy import tenant
    from innsync.apps.distribution.models import Connection
    from innsync.apps.inbox.models import Message
    from innsync.integrations.conformance.server import serve
    from innsync.integrations.simulation.app import installed_worlds
    from innsync.integrations.simulation.world import Clock
    from innsync.ops import demo
    from innsync.ops.sandbox_link import Sandbox

    monkeypatch.setenv("INNSYNC_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(demo, "ORGANIZATION", f"Stays {uuid4().hex[:8]}")
    monkeypatch.setattr(demo, "USERS", ())
    monkeypatch.setattr(demo, "NIGHTS_AHEAD", 40)
    with serve(*installed_worlds(Clock()), control=True) as url, httpx.Client(timeout=60) as client:
        theirs = manifests().pop("paperfax")
        demo.seed(url, public_url=address)
        ours = Organization.objects.get(name=demo.ORGANIZATION)
        with tenant(ours.id):
            assert not Connection.objects.filter(vendor="paperfax").exists()
        manifests()["paperfax"] = theirs
        demo.seed(url, public_url=address)
        with tenant(ours.id):
            assert Connection.objects.filter(vendor="paperfax").count() == 3
        stay = {"property": "beach-condo-123", "room": "condo", "rate": "bar", "guest": {"name": "Ada Example"}}
        sandbox = Sandbox(url, client)
        sandbox.call("POST", "paperfax/bookings", {**stay, "check_in": "2030-05-01", "check_out": "2030-05-03"})
        assert [status for _, status in rings(sandbox)] == [200]
    with tenant(ours.id):
        assert list(Message.objects.values_list("vendor", "booking_ref")) == [("paperfax", "PF1")]


def test_a_ring_without_its_seal_is_refused(stack_that_is_rung: Stack, address: str) -> None:
    stack = stack_that_is_rung
    door = f"{address}/api/webhooks/paperfax/{stack.account('paperfax')}"
    sheet = b"000009 F-x PF9\nnew\nNobody\nDOUBLE/BAR\n2027-01-01..2027-01-03\n200.00"
    assert httpx.post(door, content=sheet, headers={"x-fax-seal": "00"}).status_code == 401
    assert stack.rows("SELECT 1 FROM inbox_message") == []


def test_a_vendor_that_only_brings_bookings_is_told_nothing_and_owes_nothing(stack_that_is_not_told: Stack) -> None:
    stack = stack_that_is_not_told
    seen = stack.seen("paperfax")
    stack.set_rates(("double", "bar", 5, 9, {"price": 15_000}))
    stack.guest_books("paperfax", 10, 2, force=True)
    assert stack.pull("paperfax") == 1
    stack.settle()
    assert stack.sold_at("channex", 10)["available"] == 1
    outcome = stack.reconcile("paperfax", full=True)
    assert (outcome.done, outcome.pushed, outcome.why) == (True, 0, "")
    assert stack.reconcile("paperfax", full=True, dry_run=True).plan == []
    assert {one["path"] for one in stack.requests("paperfax", seen)} == {"/tray", "/stamps"}
    assert stack.rows("SELECT last_error, failures FROM distribution_connection WHERE vendor = 'paperfax'") == [("", 0)]
    waits = "SELECT count(*) FROM distribution_dirty WHERE connection_id = %s"
    assert stack.rows(waits, stack.connections["paperfax"]) == [(0,)]
    assert [row[:2] for row in stack.bookings()] == [("paperfax", "confirmed")]


def test_no_file_outside_its_folder_names_it() -> None:
    found = subprocess.run(
        ["grep", "-rli", "paperfax", "src", "tests", "--include=*.py", "--include=*.toml", "--include=*.html"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert {name for name in found.stdout.split() if not name.startswith("tests/extension/")} == set()
