"""An upgrade without a pause: the release before this one and this one, side by side on one database."""

from __future__ import annotations

import io
import secrets
import shutil
import subprocess
import tarfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests.stack.product import Product
from tests.stack.test_promises import World, tonight

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]
ROOT = Path(__file__).parents[2]
BEFORE = "af4cc1992a390120ab40408e144ad3887f9eefa1"
"""The commit of the release before this one."""


class Release(Product):
    """Of a source of its own, on a database that it shares."""

    def __init__(self, source: Path, *, demo: bool, shared: dict[str, str]) -> None:
        super().__init__(demo=demo)
        self.source, self.shared = source, shared

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "PYTHONPATH": str(self.source), **self.shared}


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The source of the release before."""
    found = subprocess.run(["git", "-C", str(ROOT), "archive", BEFORE, "src"], capture_output=True, check=False)
    if found.returncode:
        pytest.skip("this copy of the source has no history: the release before can't be had from it")
    with tarfile.open(fileobj=io.BytesIO(found.stdout)) as files:
        files.extractall(tmp_path, filter="data")
    return tmp_path / "src"


@pytest.fixture
def shared(admin_url: str) -> Iterator[dict[str, str]]:
    """What both know of the installation."""
    name = f"innsync_test_{uuid4().hex[:12]}"
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        url = psycopg.conninfo.make_conninfo(admin_url, dbname=name)
        try:
            yield {"DATABASE_URL": url, "INNSYNC_SECRET_KEY": secrets.token_hex(32), "INNSYNC_SANDBOX": "1"}
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_two_releases_sell_from_one_stock_while_the_newer_takes_over(before: Path, shared: dict[str, str]) -> None:
    old = Release(before, demo=True, shared=shared)
    new = Release(ROOT / "src", demo=False, shared=shared)
    worlds: list[World] = []
    try:
        ready = old.start()
        by_old = World(old, ready)
        worlds.append(by_old)
        by_old.wait_for("single", tonight(30), 8)
        assert by_old.book("single", tonight(30)).status_code == 201

        with ThreadPoolExecutor(2) as guests:
            # Guests go on booking at the older one while the newer one brings the tables up to date and begins.
            meanwhile = guests.submit(
                lambda: [by_old.book("double", tonight(60 + day)).status_code for day in range(40)]
            )
            by_new = World(new, {**ready, "ready": new.start()["ready"]})
            worlds.append(by_new)
            assert Counter(meanwhile.result()) == {201: 40}

            def last_rooms(world: World) -> Counter[int]:
                return Counter(
                    world.book("suite", tonight(120 + day)).status_code for day in range(20) for _ in range(4)
                )

            sold = sum(guests.map(last_rooms, (by_old, by_new)), Counter())
        assert sold == {201: 80, 409: 80}, "four suites a night"

        for seller, world in (("booking_com", by_old), ("expedia", by_new), ("channex", by_new)):
            night = tonight({"booking_com": 40, "expedia": 41, "channex": 42}[seller])
            world.guest_books(seller, "family", night)
            by_old.wait_for("family", night, 5)
            by_new.wait_for("family", night, 5)
        for day in range(20):
            by_new.wait_for("suite", tonight(120 + day), 0)

        assert by_new.book("single", tonight(31)).status_code == 201
        by_old.wait_for("single", tonight(31), 7)
    finally:
        for world in worlds:
            world.client.close()
            world.api.close()
        for release in (new, old):
            release.end()
            shutil.rmtree(release.folder, ignore_errors=True)
