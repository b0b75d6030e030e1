"""One command starts everything; however it ends, nothing is left running and nothing blocks the next start."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psutil
import pytest

from innsync.ops.installation import answers
from tests.stack.product import Product

pytestmark = pytest.mark.stack
# A second start takes less than five seconds on an idle machine; here other tests run beside it.
SECOND_START_S = 60.0


@pytest.fixture(scope="module")
def installed() -> Iterator[tuple[Product, dict[str, object]]]:
    """A folder after its first start, stopped again, and what that start printed."""
    product = Product()
    ready = product.start()
    assert product.stop() == (0, "")
    yield product, ready
    product.end()
    shutil.rmtree(product.folder)


@pytest.fixture
def product(installed: tuple[Product, dict[str, object]]) -> Iterator[Product]:
    """The same folder, stopped before and after each test."""
    product, _ = installed
    yield product
    product.end()


@pytest.fixture(scope="class")
def running(installed: tuple[Product, dict[str, object]]) -> Iterator[tuple[Product, dict[str, object]]]:
    """The same folder, started once for all tests of a class, and what that start printed: they leave it running."""
    product, _ = installed
    try:
        yield product, product.start()
    finally:
        product.end()


def whole(ready: dict[str, object]) -> bool:
    """All parts that are called from outside answer, and the database behind them."""
    return answers(f"{ready['ready']}/readyz") and answers(f"{ready['sandbox']}/_control/vendors")


def eventually(condition: Callable[[], bool], *, within_s: float = 60.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def unmounted(folder: Path) -> bool:
    """It is busy until the last process that worked in it is gone."""
    return subprocess.run(["umount", str(folder)], capture_output=True, check=False).returncode == 0


def first_words(product: Product) -> list[str]:
    """The three lines that it writes to standard error once it is ready, after what it did before."""
    assert product.running is not None
    assert product.running.stderr is not None
    lines = iter(product.running.stderr.readline, "")
    first = next(line for line in lines if "Bringing the tables" not in line)
    return [first, next(lines), next(lines)]


def errors_of(product: Product) -> str:
    """Stop it. Answers all that it wrote to standard error."""
    assert product.running is not None
    product.running.send_signal(signal.SIGTERM)
    errors = product.running.communicate(timeout=60)[1]
    product.running = None
    return errors


class TestReady:
    def test_the_first_start_says_who_may_enter(self, installed: tuple[Product, dict[str, object]]) -> None:
        product, ready = installed
        assert set(ready) == {"ready", "sandbox", "api_key", "users"}
        assert ready["ready"] == f"http://127.0.0.1:{product.port}"
        assert ready["sandbox"] == f"http://127.0.0.1:{product.sandbox_port}"
        assert str(ready["api_key"]).startswith("isk_")
        users = ready["users"]
        assert isinstance(users, list)
        assert users
        assert all(set(user) == {"email", "password", "role"} for user in users)
        assert "administrator" in {user["role"] for user in users}

    def test_without_the_demo_it_says_how_the_first_person_gets_in_until_there_is_one(self) -> None:
        product = Product(demo=False)
        try:
            assert product.start()["users"] == []
            told = first_words(product)
            assert "Nobody can sign in yet." in told[0]
            commands = [shlex.split(line) for line in told[1:]]
            assert [words[:3] for words in commands] == [["innsync", "user", "add"], ["innsync", "keys", "create"]]
            for words in commands:
                done = product.command(*words[1:-2])  # it names the folder by itself
                assert words[-2:] == ["--data-dir", str(product.data_dir)]
                assert done.returncode == 0, done.stderr
            product.stop()
            product.start()
            assert "Nobody" not in errors_of(product)
        finally:
            product.end()
            shutil.rmtree(product.folder)


class TestStartedAgain:
    def test_the_second_start_is_quick_and_says_the_same(
        self, installed: tuple[Product, dict[str, object]], running: tuple[Product, dict[str, object]]
    ) -> None:
        product, ready = running
        assert ready == installed[1]
        assert product.took_s < SECOND_START_S

    def test_all_parts_answer_and_the_doctor_is_content(self, running: tuple[Product, dict[str, object]]) -> None:
        product, ready = running
        assert answers(f"{ready['ready']}/healthz")
        assert eventually(lambda: answers(f"{ready['ready']}/readyz"))
        assert answers(f"{ready['sandbox']}/_control/vendors")
        assert {len(product.named(name)) for name in ("worker-1", "worker-2")} == {1}
        assert eventually(lambda: product.command("doctor").returncode == 0), product.command("doctor").stdout
        findings = json.loads(product.command("doctor", "--json").stdout)
        assert {finding["name"] for finding in findings} >= {"row-level security", "workers", "queue", "migrations"}
        assert {finding["status"] for finding in findings} == {"ok"}

    def test_the_application_is_bound_by_row_level_security(self, running: tuple[Product, dict[str, object]]) -> None:
        (worker,) = running[0].named("worker-1")
        assert "innsync_app@" in worker.environ()["DATABASE_URL"]

    def test_its_files_are_private(self, running: tuple[Product, dict[str, object]]) -> None:
        product, _ = running
        for name in ("secret_key", "demo.json", "run/environment.json", "run/processes.json", "logs/web.log"):
            assert (product.data_dir / name).stat().st_mode & 0o077 == 0, name
        assert product.data_dir.stat().st_mode & 0o066 == 0

    def test_a_second_one_on_the_same_folder_is_refused(self, running: tuple[Product, dict[str, object]]) -> None:
        product, _ = running
        done = product.command("up", "--port", "8123")
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.startswith(f"innsync: Innsync is already running on {product.data_dir} (process ")

    def test_restoring_under_it_is_refused(self, running: tuple[Product, dict[str, object]], tmp_path: Path) -> None:
        done = running[0].command("restore", str(tmp_path / "file"))
        assert done.returncode == 1
        assert "stop it before you restore" in done.stderr


class TestKilledParts:
    """One after another of the same run: each finds all parts in their places."""

    @pytest.mark.parametrize("name", ["worker-1", "web", "sandbox"])
    def test_a_killed_part_comes_back(self, running: tuple[Product, dict[str, object]], name: str) -> None:
        product, ready = running
        assert eventually(lambda: whole(ready))
        before = product.named(name)
        leader = min(before, key=lambda process: process.create_time())
        leader.kill()
        assert eventually(
            lambda: bool(product.named(name)) and not {p.pid for p in product.named(name)} & {p.pid for p in before}
        )
        assert eventually(lambda: answers(f"{ready['ready']}/healthz"))
        assert eventually(lambda: answers(f"{ready['sandbox']}/_control/vendors"))

    def test_a_killed_database_comes_back(self, running: tuple[Product, dict[str, object]]) -> None:
        product, ready = running
        assert eventually(lambda: whole(ready))
        pid = int((product.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: pid not in {process.pid for process in product.processes()})
        assert eventually(lambda: answers(f"{ready['ready']}/readyz"), within_s=60)


class TestEnding:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_ends_everything_cleanly(self, product: Product, number: signal.Signals) -> None:
        product.start()
        assert len(product.processes()) > 5
        assert product.stop(number) == (0, "")
        assert product.processes() == []
        assert product.listening() == []
        assert product.log("postgres").rstrip().endswith("database system is shut down")
        assert not (product.data_dir / "postgres" / "postmaster.pid").exists()

    @pytest.mark.parametrize("after_s", [0.1, 0.6, 1.2, 2.0])
    def test_a_signal_while_it_starts_leaves_nothing_either(self, product: Product, after_s: float) -> None:
        process = product.launch()
        time.sleep(after_s)
        product.stop()
        # Before it could say how it wants to end, the signal itself ends it.
        assert process.returncode in (0, -signal.SIGTERM)
        assert eventually(lambda: product.processes() == [])
        assert product.listening() == []

    def test_a_killed_supervisor_leaves_nothing_running(self, product: Product) -> None:
        product.start()
        product.kill()
        assert eventually(lambda: product.processes() == [])
        assert product.listening() == []

    def test_a_killed_supervisor_blocks_no_start_at_once(self, installed: tuple[Product, dict[str, object]]) -> None:
        product, first = installed
        product.start()
        product.kill()
        try:
            assert product.start() == first
        finally:
            product.end()
        assert product.processes() == []

    def test_killing_everything_at_once_blocks_no_start(self, installed: tuple[Product, dict[str, object]]) -> None:
        """As after a power cut."""
        product, first = installed
        product.start()
        victims = product.processes()
        for victim in victims:
            victim.kill()
        product.kill()
        psutil.wait_procs(victims, timeout=20)
        try:
            assert product.start() == first
        finally:
            product.end()


class TestFullDisk:
    @pytest.fixture
    def small(self) -> Iterator[Product]:
        """A new folder on a disk of its own with little more room than a start asks for."""
        product = Product()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=330m,mode=755", "tmpfs", str(product.folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if mounted.returncode != 0:
            product.folder.rmdir()
            pytest.skip(f"a small disk can't be mounted here: {mounted.stderr.strip()}")
        yield product
        product.end()
        assert eventually(lambda: unmounted(product.folder), within_s=10)
        product.folder.rmdir()

    @pytest.mark.parametrize("sign", ["postgres", "run/environment.json"])
    def test_a_disk_that_fills_while_it_starts_is_named(self, small: Product, sign: str) -> None:
        process = small.launch()
        assert eventually(lambda: (small.data_dir / sign).exists())
        with contextlib.suppress(OSError), (small.folder / "fill").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 20))
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 1
        assert output == ""
        assert f"The disk that holds {small.data_dir} is full" in errors.splitlines()[-1]
        assert eventually(lambda: small.processes() == [])
        assert small.listening() == []
        small.running = None


class TestBackup:
    def test_a_backup_made_while_it_runs_brings_all_back_elsewhere(self, product: Product, tmp_path: Path) -> None:
        product.start()
        file = tmp_path / "innsync.backup"
        done = product.command("backup", str(file))
        assert done.returncode == 0, done.stderr
        assert file.stat().st_mode & 0o777 == 0o600
        product.stop()
        elsewhere = Product()
        try:
            assert elsewhere.command("restore", str(file)).returncode == 0
            assert contents(elsewhere) == contents(product)
            assert contents(product)["reservations_booking"] > 0
            refused = elsewhere.command("restore", str(file))
            assert refused.returncode == 1
            assert "say --force" in refused.stderr
            assert elsewhere.command("restore", str(file), "--force").returncode == 0
            assert contents(elsewhere) == contents(product)
            for name in ("secret_key", "demo.json"):
                shutil.copy(product.data_dir / name, elsewhere.data_dir / name)
            elsewhere.start()
            told = errors_of(elsewhere)
            assert "don't know beach-condo-123, sea-breeze-villa, seaside-hotel" in told
            assert f"what they know is in {elsewhere.data_dir / 'sandbox'}" in told
            shutil.rmtree(elsewhere.data_dir / "sandbox")
            shutil.copytree(product.data_dir / "sandbox", elsewhere.data_dir / "sandbox")
            elsewhere.start()
            assert "don't know" not in errors_of(elsewhere)
        finally:
            elsewhere.end()
            shutil.rmtree(elsewhere.folder)

    def test_what_a_channel_sold_after_the_backup_comes_back_before_anything_is_sent(
        self, product: Product, tmp_path: Path
    ) -> None:
        """The channel was told that the booking is safe: its queue never brings it again."""
        ready = product.start()
        file = tmp_path / "innsync.backup"
        assert product.command("backup", str(file)).returncode == 0
        nights = (("check_in", 200), ("check_out", 203))
        stay = {name: str(datetime.now(UTC).date() + timedelta(days=days)) for name, days in nights}
        booking = {
            "property": "sea-breeze-villa",
            "room": "villa",
            "rate": "bar",
            "guest": {"name": "Gap Guest"},
            **stay,
        }
        where = f"{ready['sandbox']}/_control/expedia/bookings"
        reference = httpx.post(where, json=booking).raise_for_status().json()["reference"]
        assert eventually(lambda: reference in product.command("inbox", "--all").stdout)
        assert eventually(lambda: acknowledged(where, reference))
        product.stop()
        assert "fetches what the channels sold since" in product.command("restore", "--force", str(file)).stdout
        assert reference not in product.command("inbox", "--all").stdout
        restored_at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        product.start()
        assert eventually(lambda: reference in product.command("inbox", "--all").stdout, within_s=60)
        assert eventually(lambda: {one["state"] for one in status(product)} == {"active"}, within_s=60)
        assert eventually(
            lambda: all((one["last_audit_at"] or "") >= restored_at for one in status(product)), within_s=60
        )
        offers = httpx.get(
            f"{ready['ready']}/api/booking-engine/availability/sea-breeze-villa",
            params={**stay, "adults": 2},
            headers={"X-API-Key": str(ready["api_key"])},
        )
        assert offers.raise_for_status().json()["offers"] == []
        for vendor in ("booking_com", "channex", "expedia"):
            calendar = httpx.get(
                f"{ready['sandbox']}/_control/{vendor}/calendar",
                params={"property": "sea-breeze-villa", "from": stay["check_in"], "to": stay["check_in"]},
            )
            assert [day["available"] for day in calendar.raise_for_status().json()["days"]] == [0], vendor

    def test_a_file_that_is_no_backup_is_refused_before_anything_is_touched(
        self, product: Product, tmp_path: Path
    ) -> None:
        file = tmp_path / "file"
        file.write_text("not a backup")
        before = contents(product)
        done = product.command("restore", str(file), "--force")
        assert done.returncode == 1
        assert done.stderr == f"innsync: {file} is no backup of Innsync.\n"
        assert contents(product) == before


def acknowledged(where: str, reference: str) -> bool:
    """Whether the channel was told that this booking of the villa is safe here."""
    found = httpx.get(where, params={"property": "sea-breeze-villa"}).raise_for_status().json()["items"]
    return any(one["reference"] == reference and one["acknowledged"] for one in found)


def status(product: Product) -> list[dict[str, str | None]]:
    found: list[dict[str, str | None]] = json.loads(product.command("status", "--json").stdout)
    return found


def contents(product: Product) -> dict[str, int]:
    """How many rows each of the tables holds that only people's work changes."""
    from innsync.ops.postgres import EmbeddedPostgres

    tables = ("accounts_organization", "properties_property", "reservations_booking", "rates_rateday", "guests_guest")
    with EmbeddedPostgres(product.data_dir) as server, server.connect() as connection:
        counted = {}
        for table in tables:
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[arg-type]
            assert row is not None
            counted[table] = row[0]
        return counted


def test_metrics_speak_for_all_web_processes_whichever_answers_and_begin_anew_with_each_start(product: Product) -> None:
    series = 'innsync_http_requests_total{method="GET",route="unknown",status="404"}'

    def counted() -> list[float]:
        """Each time over a connection of its own, which any of the processes may take."""
        texts = [httpx.get(f"http://127.0.0.1:{product.port}/metrics").text for _ in range(12)]
        lines = [[line for line in text.splitlines() if line.startswith(series)] for text in texts]
        assert all(len(found) <= 1 for found in lines)
        return [float(found[0].rsplit(" ", 1)[1]) if found else 0.0 for found in lines]

    product.start()
    for _ in range(40):
        assert httpx.get(f"http://127.0.0.1:{product.port}/api/nowhere/at/all").status_code == 404
    assert counted() == [40.0] * 12
    # It is ready as soon as the web server is; workers say that they live once they have begun.
    deadline = time.monotonic() + 60
    while "\ninnsync_workers 4.0\n" not in httpx.get(f"http://127.0.0.1:{product.port}/metrics").text:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    product.stop()
    product.start()
    assert counted() == [0.0] * 12
