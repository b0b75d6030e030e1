"""A real PostgreSQL for every test that asks for one: started once, one migrated database a test process.

Tests commit for real. They do not clean up: each makes an organization of its own, and row-level security keeps it apart.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import django
import httpx._transports.default as http_clients
import psycopg
import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says something about the machine, not about the law it checks.
# Examples are looked for at random, but not where a run judges a change: there the same ones are tried each time.
settings.register_profile(
    "steady",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI") == "true",
)
settings.load_profile("steady")

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "innsync.config.settings")
os.environ.setdefault("INNSYNC_SANDBOX", "1")
os.environ.setdefault("INNSYNC_ALLOWED_HOSTS", "testserver")  # the name that Django's test client calls
django.setup()

# A client reads all certificate authorities when it is made, for 20 ms, and tests make thousands: once will do.
http_clients.create_ssl_context = functools.cache(http_clients.create_ssl_context)

# Files whose tests share something that takes long to make: they stay in one process, and are begun first.
TOGETHER = (
    "tests/stack/test_start_and_stop.py",
    "tests/stack/test_promises.py",
    "tests/flows/test_bench.py",
    "_browser.py",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """By file where tests share much, else one by one.

    pytest-xdist's own groups are named by a suffix of the test's id, which pytest 9.2 does not let it change any more.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return file if file.endswith(TOGETHER) else nodeid

    return Scheduling(config, log) if config.getoption("dist") == "loadgroup" else None


DAYS_TURN = (ZoneInfo("UTC"), ZoneInfo("Europe/Lisbon"))  # by our clock, and at the hotels that tests make
TAKES_S, LONG_TAKES_S = 90, 300
LONG = ("tests/stack/", "tests/races/")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool | None, bool | None]:
    """A test has one today: it does not begin when the day might turn under it, but then. Its time limit starts after.

    Outside of any fixture, so that those shared by several tests are made after the wait too.
    """
    within_s = LONG_TAKES_S if item.nodeid.startswith(LONG) else TAKES_S
    left_s = [_until_midnight(zone) for zone in DAYS_TURN]
    time.sleep(max((left + 1 for left in left_s if left < within_s), default=0))
    return (yield)


def _until_midnight(zone: ZoneInfo) -> float:
    """Seconds."""
    now = datetime.now(zone)
    turns = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), zone)
    return (turns.astimezone(UTC) - now.astimezone(UTC)).total_seconds()


def _url(base: str, database: str) -> str:
    return psycopg.conninfo.make_conninfo(base, dbname=database)


@pytest.fixture(scope="session")
def admin_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The owner's address of a PostgreSQL for tests; INNSYNC_TEST_DATABASE_URL names one that runs already."""
    given = os.environ.get("INNSYNC_TEST_DATABASE_URL")
    if given:
        yield given
        return
    from innsync.ops.postgres import EmbeddedPostgres

    with tempfile.TemporaryDirectory(prefix="innsync-test-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103  # the server runs as another user when the tests run as root
        server = EmbeddedPostgres(Path(folder) / "data", fast=True)
        server.start()
        try:
            yield server.url("postgres", "postgres")
        finally:
            server.stop()


@pytest.fixture(scope="session")
def database_urls(admin_url: str) -> Iterator[tuple[str, str]]:
    """(application's address, owner's address) of a fresh, migrated database."""
    name = f"innsync_test_{uuid4().hex[:12]}"
    with psycopg.connect(admin_url, autocommit=True) as server:
        server.execute(
            "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'innsync_app') THEN"
            " CREATE ROLE innsync_app LOGIN NOSUPERUSER NOBYPASSRLS; END IF; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
        server.execute(f"CREATE DATABASE {name}")
    owner = _url(admin_url, name)
    migrated = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "django", "migrate", "-v", "0", "--skip-checks"],
        env={**os.environ, "DATABASE_URL": owner, "DATABASE_ADMIN_URL": owner, "INNSYNC_MIGRATING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert migrated.returncode == 0, migrated.stderr
    yield owner, owner
    with psycopg.connect(admin_url, autocommit=True) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def database(database_urls: tuple[str, str]) -> Iterator[str]:
    """Django, working in a fresh database as the application's role. Answers the database's address."""
    application, _ = database_urls
    os.environ["DATABASE_URL"] = application
    os.environ.pop("DATABASE_ADMIN_URL", None)
    from django.db import connections

    from innsync.config.settings import database as describe

    connections.settings["default"] = connections.configure_settings(
        {"default": describe(application, as_application=True)}
    )["default"]
    with contextlib.suppress(AttributeError):
        del connections["default"]
    yield application
    from innsync.apps.calls.recorder import recorder
    from innsync.apps.distribution.access import client

    recorder.end()
    client().close()
    for connection in connections.all():
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()


@pytest.fixture(scope="module")
def web(database: str) -> Iterator[str]:
    """The served application with its sockets, in this process: what a test patches holds there too. Answers its address."""
    from granian.server.embed import Server as Granian

    from innsync.config.server import Server

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Granian(Server(), port=port, log_enabled=False)
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="granian", daemon=True)
    thread.start()
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            break
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    loops[0].call_soon_threadsafe(server.stop)
    thread.join(10)
