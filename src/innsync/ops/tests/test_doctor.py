"""The doctor finds what is wrong, says what to do, and is not stopped by what is missing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from innsync.ops import doctor, doctor_checks
from innsync.ops.commands.doctor import application_login
from innsync.ops.doctor import Finding, Patient, Status
from innsync.ops.postgres import EmbeddedPostgres

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    folder = Path(tempfile.mkdtemp(prefix="innsync-test-"))
    folder.chmod(0o755)
    with EmbeddedPostgres(folder / "d", fast=True) as running:
        yield running
    shutil.rmtree(folder)


@pytest.fixture
def owner(server: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    """The owner's session in an empty database."""
    server.create_database("examined")
    with server.connect(role="innsync_owner", database="examined") as connection:
        yield connection
    server.drop_database("examined")


@pytest.fixture
def patient(server: EmbeddedPostgres, owner: psycopg.Connection, tmp_path: Path) -> Iterator[Patient]:
    with doctor_checks.reach(server.url("innsync_app", "examined")) as connection:
        yield Patient(data_dir=tmp_path, now=NOW, database=connection)


def only(findings: Iterator[Finding]) -> Finding:
    (finding,) = findings
    return finding


class TestTenantsApart:
    def test_a_table_without_row_security_is_a_hole(self, owner: psycopg.Connection, patient: Patient) -> None:
        owner.execute("CREATE TABLE secrets (organization_id uuid)")
        finding = only(doctor_checks.tenants_apart(patient))
        assert finding.status is Status.FAIL
        assert "secrets" in finding.detail
        assert finding.remedy

    @pytest.mark.parametrize("left_out", ["ENABLE", "FORCE", "POLICY"])
    def test_it_must_be_on_forced_and_with_a_policy(
        self, owner: psycopg.Connection, patient: Patient, left_out: str
    ) -> None:
        owner.execute("CREATE TABLE guests (organization_id uuid)")
        steps = {
            "ENABLE": "ALTER TABLE guests ENABLE ROW LEVEL SECURITY",
            "FORCE": "ALTER TABLE guests FORCE ROW LEVEL SECURITY",
            "POLICY": "CREATE POLICY own ON guests USING (true)",
        }
        for name, step in steps.items():
            if name != left_out:
                owner.execute(step)  # type: ignore[arg-type]
        assert only(doctor_checks.tenants_apart(patient)).status is Status.FAIL
        owner.execute(steps[left_out])  # type: ignore[arg-type]
        assert only(doctor_checks.tenants_apart(patient)) == Finding(
            "row-level security", Status.OK, "forced on 1 tables of tenants"
        )

    def test_tables_read_across_tenants_are_named_exceptions(self, owner: psycopg.Connection, patient: Patient) -> None:
        for table in doctor_checks.READ_ACROSS_TENANTS:
            owner.execute(f"CREATE TABLE {table} (organization_id uuid)")  # type: ignore[arg-type]
        assert only(doctor_checks.tenants_apart(patient)).status is Status.OK

    def test_an_empty_database_is_told_clearly(self, patient: Patient) -> None:
        assert only(doctor_checks.tenants_apart(patient)).status is Status.WARN


class TestRole:
    def test_the_applications_own_role_is_bound(self, patient: Patient) -> None:
        assert only(doctor_checks.application_role(patient)).status is Status.OK

    def test_a_superuser_is_not(self, server: EmbeddedPostgres, patient: Patient) -> None:
        with server.connect(role="postgres") as connection:
            finding = only(doctor_checks.application_role(Patient(patient.data_dir, NOW, connection)))
        assert finding.status is Status.FAIL
        assert "postgres is not bound" in finding.detail


class TestWaiting:
    @pytest.mark.parametrize(
        ("table", "look"),
        [
            ("events_outbox", doctor_checks.outbox),
            ("distribution_dirty", doctor_checks.unsent),
            ("procrastinate_jobs", doctor_checks.queue),
            ("procrastinate_workers", doctor_checks.workers),
        ],
    )
    def test_a_table_that_is_not_there_yet_is_no_failure(
        self, patient: Patient, table: str, look: doctor.Check
    ) -> None:
        (finding,) = look(patient)
        assert finding.status is Status.WARN
        assert finding.detail == f"the table {table} is not there yet"

    @pytest.mark.parametrize(
        ("age", "status"),
        [(None, Status.OK), (1, Status.OK), (20, Status.WARN), (120, Status.FAIL)],
    )
    def test_an_old_outbox_row_is_told_by_its_age(
        self, owner: psycopg.Connection, patient: Patient, age: int | None, status: Status
    ) -> None:
        owner.execute("CREATE TABLE events_outbox (created_at timestamptz)")
        if age is not None:
            owner.execute("INSERT INTO events_outbox VALUES (%s)", [NOW - timedelta(seconds=age)])
        finding = only(doctor_checks.outbox(patient))
        assert finding.status is status
        if age:
            assert f"for {age} s" in finding.detail

    def test_what_began_after_we_looked_at_the_clock_has_waited_no_time(
        self, owner: psycopg.Connection, patient: Patient
    ) -> None:
        owner.execute("CREATE TABLE events_outbox (created_at timestamptz)")
        owner.execute("INSERT INTO events_outbox VALUES (%s)", [NOW + timedelta(seconds=1)])
        finding = only(doctor_checks.outbox(patient))
        assert finding == Finding("outbox", Status.OK, "1 change waits for its consequences, the oldest for 0 s")

    def test_of_an_installation_that_is_stopped_on_purpose_nothing_that_waits_is_a_failure(
        self, owner: psycopg.Connection, patient: Patient
    ) -> None:
        owner.execute("CREATE TABLE events_outbox (created_at timestamptz)")
        owner.execute("INSERT INTO events_outbox VALUES (%s)", [NOW - timedelta(days=9)])
        assert only(doctor_checks.outbox(patient)).status is Status.FAIL
        finding = only(doctor_checks.outbox(replace(patient, at_rest=True)))
        assert finding.status is Status.WARN
        assert finding.remedy == "`innsync up` goes on with it."

    def test_connections_with_an_unsent_difference_are_counted_once(
        self, owner: psycopg.Connection, patient: Patient
    ) -> None:
        owner.execute("CREATE TABLE distribution_dirty (connection_id int, since timestamptz)")
        since = NOW - timedelta(minutes=20)
        owner.execute("INSERT INTO distribution_dirty VALUES (1, %s), (1, %s), (2, %s)", [since, NOW, NOW])
        finding = only(doctor_checks.unsent(patient))
        assert finding.status is Status.FAIL
        assert finding.detail == "2 connections have an unsent difference, the oldest for 1200 s"

    def test_workers_are_alive_while_their_heart_beats(self, owner: psycopg.Connection, patient: Patient) -> None:
        owner.execute("CREATE TABLE procrastinate_workers (last_heartbeat timestamptz)")
        assert only(doctor_checks.workers(patient)).status is Status.WARN
        owner.execute("INSERT INTO procrastinate_workers VALUES (%s)", [NOW - timedelta(minutes=1)])
        assert only(doctor_checks.workers(patient)).status is Status.WARN
        owner.execute("INSERT INTO procrastinate_workers VALUES (%s)", [NOW - timedelta(seconds=1)])
        assert only(doctor_checks.workers(patient)) == Finding("workers", Status.OK, "1 alive")


class TestMachine:
    @pytest.mark.parametrize(("free", "status"), [(10**11, Status.OK), (10**9, Status.WARN), (10**8, Status.FAIL)])
    def test_the_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, status: Status) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
        assert only(doctor_checks.disk(Patient(tmp_path / "not" / "there", NOW))).status is status

    def test_a_key_that_others_may_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("INNSYNC_SECRET_KEY", raising=False)
        assert only(doctor_checks.secret_key(Patient(tmp_path, NOW))).status is Status.WARN
        path = tmp_path / "secret_key"
        path.write_text("k")
        path.chmod(0o640)
        finding = only(doctor_checks.secret_key(Patient(tmp_path, NOW)))
        assert finding.status is Status.FAIL
        assert finding.remedy == f"Run `chmod 600 {path}`."
        path.chmod(0o600)
        assert only(doctor_checks.secret_key(Patient(tmp_path, NOW))).status is Status.OK

    def test_a_clock_that_differs_from_the_databases(self, patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
        assert only(doctor_checks.clock(patient)).status is Status.OK
        monkeypatch.setattr(doctor_checks, "_one", lambda *_: datetime.now(UTC) + timedelta(seconds=30))
        finding = only(doctor_checks.clock(patient))
        assert finding.status is Status.FAIL
        assert "differ by 30" in finding.detail or "differ by 29" in finding.detail

    def test_a_python_too_new(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert only(doctor_checks.python(Patient(tmp_path, NOW))).status is Status.OK
        monkeypatch.setattr(doctor_checks.sys, "version_info", (3, 15, 0))
        assert only(doctor_checks.python(Patient(tmp_path, NOW))).status is Status.FAIL


class TestExamination:
    def test_a_check_that_breaks_is_a_finding_and_stops_no_other(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(doctor, "_checks", [])

        @doctor.check()
        def broken_one(_patient: Patient) -> Iterator[Finding]:
            raise RuntimeError("out of order")
            yield

        @doctor.check(needs_database=True)
        def not_asked(_patient: Patient) -> Iterator[Finding]:
            raise AssertionError

        @doctor.check()
        def sound(_patient: Patient) -> Iterator[Finding]:
            yield doctor.ok("sound", "fine")

        first, second = doctor.examine(Patient(tmp_path, NOW))
        assert (first.name, first.status) == ("broken one", Status.FAIL)
        assert "out of order" in first.detail
        assert second == Finding("sound", Status.OK, "fine")

    def test_a_migrated_database_is_well_and_what_is_not_says_what_to_do(self, database: str, tmp_path: Path) -> None:
        with doctor_checks.reach(application_login(database)) as connection:
            findings = {finding.name: finding for finding in doctor.examine(Patient(tmp_path, NOW, connection))}
        for name in ("database", "clock", "application role", "row-level security", "migrations"):
            assert findings[name].status is Status.OK, findings[name]
        assert all(finding.status is Status.OK or finding.remedy for finding in findings.values())
