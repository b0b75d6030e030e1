"""The embedded PostgreSQL: it survives what happens to it, and lets nobody else in."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from innsync.ops import postgres_place as place
from innsync.ops.postgres import EmbeddedPostgres, make_data_dir, reason_for_failure
from innsync.ops.postgres_settings import access_text, server_settings
from innsync.ops.refusal import Refusal

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Short and open to other users, as pytest's own folders are not."""
    folder = Path(tempfile.mkdtemp(prefix="innsync-test-"))
    folder.chmod(0o755)
    yield folder / "d"
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    folder = Path(tempfile.mkdtemp(prefix="innsync-test-"))
    folder.chmod(0o755)
    with EmbeddedPostgres(folder / "d", fast=True) as running:
        yield running
    shutil.rmtree(folder)


def remember(server: EmbeddedPostgres, word: str) -> None:
    with server.connect(role="innsync_owner") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS memory (word text)")
        connection.execute("INSERT INTO memory VALUES (%s)", [word])


def remembered(server: EmbeddedPostgres) -> list[str]:
    with server.connect() as connection:
        return [word for (word,) in connection.execute("SELECT word FROM memory ORDER BY word")]


def servers_of(data_dir: Path) -> list[int]:
    cluster = os.path.realpath(data_dir / "postgres")
    return [
        process.pid
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "postgres" and cluster in (process.info["cmdline"] or [])
    ]


def start_in_child(data_dir: Path) -> subprocess.Popen[str]:
    """A process that starts the server, says so, and then sleeps."""
    program = f"""
        import time
        from pathlib import Path
        from innsync.ops.postgres import EmbeddedPostgres
        server = EmbeddedPostgres(Path({str(data_dir)!r}))
        server.start()
        print(server.pid, flush=True)
        time.sleep(600)
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline().strip().isdigit()
    return child


class TestLife:
    def test_data_survives_a_restart(self, data_dir: Path) -> None:
        with EmbeddedPostgres(data_dir) as server:
            remember(server, "kept")
        assert servers_of(data_dir) == []
        with EmbeddedPostgres(data_dir) as server:
            assert remembered(server) == ["kept"]

    def test_what_was_committed_survives_a_killed_server(self, data_dir: Path) -> None:
        with EmbeddedPostgres(data_dir) as server:
            remember(server, "committed")
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
        with EmbeddedPostgres(data_dir) as server:
            assert remembered(server) == ["committed"]

    def test_a_killed_parent_leaves_no_server_and_blocks_no_start(self, data_dir: Path) -> None:
        parent = start_in_child(data_dir)
        parent.kill()
        parent.communicate()
        started = time.monotonic()
        with EmbeddedPostgres(data_dir) as server:
            assert time.monotonic() - started < 60
            remember(server, "again")
            assert len(servers_of(data_dir)) == 1

    def test_a_server_without_a_parent_is_stopped_before_the_next_start(self, data_dir: Path) -> None:
        """As on a system that has no parent-death signal."""
        with EmbeddedPostgres(data_dir) as server:
            remember(server, "orphan's")
            orphan = server._server
            server._server = None
        assert orphan is not None
        assert orphan.poll() is None
        with EmbeddedPostgres(data_dir) as server:
            assert remembered(server) == ["orphan's"]
            assert orphan.wait(10) == 0
        assert servers_of(data_dir) == []

    def test_a_stale_pid_file_naming_a_living_process_blocks_no_start(self, data_dir: Path) -> None:
        with EmbeddedPostgres(data_dir) as server:
            remember(server, "kept")
        (data_dir / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{data_dir / 'postgres'}\n")
        with EmbeddedPostgres(data_dir) as server:
            assert remembered(server) == ["kept"]

    def test_a_first_start_that_was_cut_off_is_begun_again(self, data_dir: Path) -> None:
        make_data_dir(data_dir)
        half = data_dir / "postgres.new"
        half.mkdir()
        (half / "PG_VERSION").write_text("18\n")
        with EmbeddedPostgres(data_dir, fast=True) as server:
            assert server.pid is not None
        assert not half.exists()

    def test_a_second_process_is_refused_in_one_sentence(self, data_dir: Path) -> None:
        with (
            EmbeddedPostgres(data_dir, fast=True),
            pytest.raises(Refusal, match=r"in use by another process \(\d+\)\.$"),
        ):
            EmbeddedPostgres(data_dir).start()

    def test_stopping_twice_or_before_starting_does_no_harm(self, data_dir: Path) -> None:
        server = EmbeddedPostgres(data_dir, fast=True)
        server.stop()
        server.start()
        server.stop()
        server.stop()
        assert server.pid is None

    def test_another_major_version_is_refused_and_its_data_left_alone(self, data_dir: Path) -> None:
        with EmbeddedPostgres(data_dir, fast=True):
            pass
        version = data_dir / "postgres" / "PG_VERSION"
        version.write_text("15\n")
        with pytest.raises(Refusal, match="is PostgreSQL 15's and this is PostgreSQL 18"):
            EmbeddedPostgres(data_dir).start()
        version.write_text("18\n")
        with EmbeddedPostgres(data_dir, fast=True) as server:
            assert server.pid is not None

    def test_a_broken_server_says_why_and_leaves_nothing_running(self, data_dir: Path) -> None:
        with EmbeddedPostgres(data_dir, fast=True):
            pass
        (data_dir / "postgres" / "custom.conf").write_text("no_such_setting = 1\n")
        (data_dir / "postgres" / "custom.conf").chmod(0o644)
        with pytest.raises(Refusal, match=r"PostgreSQL did not start: .*no_such_setting|configuration file"):
            EmbeddedPostgres(data_dir).start()
        assert servers_of(data_dir) == []

    def test_a_path_too_long_for_a_socket_gets_a_private_short_one(self, data_dir: Path) -> None:
        deep = data_dir / ("long" * 20) / ("path" * 10)
        with EmbeddedPostgres(deep, fast=True) as server:
            assert not server.socket_folder.is_relative_to(deep)
            assert server.socket_folder.stat().st_mode & 0o777 == 0o700
            remember(server, "reached")
        server.socket_folder.rmdir()

    def test_somebody_elses_folder_is_not_taken_for_the_socket(self, tmp_path: Path) -> None:
        target = tmp_path / "theirs"
        target.mkdir()
        (tmp_path / "link").symlink_to(target)
        account = place.account_by_uid(os.geteuid())
        with pytest.raises(Refusal, match="belongs to somebody else"):
            place._private_folder(tmp_path / "link", account)

    def test_databases_come_and_go(self, server: EmbeddedPostgres) -> None:
        server.create_database("one_more")
        with server.connect(role="innsync_app", database="one_more") as connection:
            assert connection.info.dbname == "one_more"
        server.create_database("one_more")
        server.drop_database("one_more")
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            server.connect(database="one_more")


class TestHardening:
    def test_it_listens_on_no_port(self, server: EmbeddedPostgres) -> None:
        with server.connect() as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert server.pid is not None
        kinds = {connection.family for connection in psutil.Process(server.pid).net_connections(kind="all")}
        assert kinds == {socket.AF_UNIX}

    def test_only_its_user_may_enter_the_folders(self, server: EmbeddedPostgres) -> None:
        for folder in (server.socket_folder, server.data_dir / "postgres", server.data_dir / "logs"):
            assert folder.stat().st_mode & 0o077 == 0, folder

    def test_nobody_is_trusted(self, server: EmbeddedPostgres) -> None:
        with server.connect() as connection:
            rules = connection.execute("SELECT type, auth_method, error FROM pg_hba_file_rules").fetchall()
        assert {method for _, method, _ in rules} == {"peer", "reject"}
        assert {error for _, _, error in rules} == {None}
        assert {method for kind, method, _ in rules if kind != "local"} == {"reject"}
        assert "trust" not in access_text()

    @needs_root
    def test_another_user_can_not_reach_the_socket(self, server: EmbeddedPostgres) -> None:
        assert_refused(server, "Permission denied")

    @needs_root
    def test_another_user_who_reached_the_socket_would_not_be_let_in(self, server: EmbeddedPostgres) -> None:
        """The second wall: peer authentication."""
        path = server.socket_folder / ".s.PGSQL.5432"
        server.socket_folder.chmod(0o755)
        path.chmod(0o777)
        try:
            assert_refused(server, "Peer authentication failed")
        finally:
            server.socket_folder.chmod(0o700)
            path.chmod(0o700)

    @needs_root
    def test_it_does_not_run_as_root(self, server: EmbeddedPostgres) -> None:
        assert server.pid is not None
        process = psutil.Process(server.pid)
        assert 0 not in process.uids()
        assert 0 not in process.gids()
        groups = next(
            line for line in Path(f"/proc/{server.pid}/status").read_text().splitlines() if line.startswith("Groups")
        )
        assert "0" not in groups.split()[1:]

    @needs_root
    def test_it_runs_below_a_folder_that_only_root_may_enter(self, data_dir: Path) -> None:
        data_dir.parent.chmod(0o700)
        with EmbeddedPostgres(data_dir, fast=True) as server:
            remember(server, "kept")
            away = (data_dir / "postgres").resolve()
            assert away.stat().st_mode & 0o777 == 0o700
        with EmbeddedPostgres(data_dir, fast=True) as server:
            assert remembered(server) == ["kept"]
        shutil.rmtree(away)
        server.socket_folder.rmdir()

    @needs_root
    def test_programs_that_only_root_may_reach_run_from_a_copy(
        self, data_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(place, "SHARED_FOLDER", data_dir.parent / "shared")
        monkeypatch.setattr(place, "may_enter", lambda account, folder: "site-packages" not in str(folder))
        with EmbeddedPostgres(data_dir, fast=True) as server:
            assert server.programs.is_relative_to(data_dir.parent / "shared")
            program = psutil.Process(server.pid).exe()
            assert Path(program).is_relative_to(data_dir.parent / "shared")
            remember(server, "kept")

    @needs_root
    def test_it_works_for_a_normal_user(self, data_dir: Path) -> None:
        nobody = pwd.getpwnam("nobody")
        os.chown(data_dir.parent, nobody.pw_uid, nobody.pw_gid)
        program = f"""
            import os, sys, importlib.util
            from pathlib import Path
            from innsync.ops.postgres import EmbeddedPostgres
            os.setgroups([]); os.setgid({nobody.pw_gid}); os.setuid({nobody.pw_uid})
            with EmbeddedPostgres(Path({str(data_dir)!r}), fast=True) as server:
                with server.connect(role="innsync_app") as connection:
                    print(connection.execute("SELECT current_user").fetchone()[0])
                    print(Path({str(data_dir)!r}).stat().st_mode & 0o777)
        """
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False
        )
        assert done.stdout.split() == ["innsync_app", str(0o700)], done.stderr

    def test_the_applications_login_can_neither_pass_row_security_nor_change_tables(
        self, server: EmbeddedPostgres
    ) -> None:
        query = (
            "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication FROM pg_roles WHERE rolname = %s"
        )
        with server.connect() as connection:
            for role in ("innsync_app", "innsync_owner"):
                assert connection.execute(query, [role]).fetchone() == (False,) * 5
        with server.connect(role="innsync_app") as connection:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE TABLE sneaked (n int)")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SET ROLE innsync_owner")

    def test_the_application_works_in_the_owners_tables(self, server: EmbeddedPostgres) -> None:
        with server.connect(role="innsync_owner") as connection:
            connection.execute("CREATE TABLE shared (id int GENERATED ALWAYS AS IDENTITY, word text)")
            connection.execute(
                "CREATE TABLE stays (during daterange, room int, EXCLUDE USING gist (room WITH =, during WITH &&))"
            )
        with server.connect(role="innsync_app") as connection:
            connection.execute("INSERT INTO shared (word) VALUES ('a')")
            connection.execute("UPDATE shared SET word = 'b'")
            assert connection.execute("DELETE FROM shared RETURNING word").fetchone() == ("b",)

    def test_a_role_given_powers_by_hand_loses_them_at_the_next_start(self, data_dir: Path) -> None:
        with EmbeddedPostgres(data_dir, fast=True) as server, server.connect() as connection:
            connection.execute("ALTER ROLE innsync_app BYPASSRLS")
        with EmbeddedPostgres(data_dir, fast=True) as server, server.connect() as connection:
            query = "SELECT rolbypassrls FROM pg_roles WHERE rolname = 'innsync_app'"
            assert connection.execute(query).fetchone() == (False,)

    def test_its_log_shows_no_value_of_a_failing_statement(self, server: EmbeddedPostgres) -> None:
        with server.connect(role="innsync_owner") as connection:
            connection.execute("CREATE TABLE people (email text PRIMARY KEY)")
            connection.execute("INSERT INTO people VALUES ('sarah@example.com')")
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute("INSERT INTO people VALUES ('sarah@example.com')")
        log = server.log.read_text()
        assert "duplicate key" in log
        assert "sarah" not in log


def assert_refused(server: EmbeddedPostgres, reason: str) -> None:
    """`nobody` tries all roles with the wheel's own psql."""
    nobody = place.account_by_uid(pwd.getpwnam("nobody").pw_uid)
    for role in ("postgres", "innsync_owner", "innsync_app"):
        done = place.run_as(nobody, [str(server.programs / "psql"), server.url(role), "-c", "SELECT 1"], check=False)
        assert done.returncode == 2
        assert reason in done.stderr


class TestSettings:
    def test_only_tests_give_up_durability(self, tmp_path: Path) -> None:
        assert "fsync" not in server_settings(socket_folder=tmp_path, fast=False)
        assert server_settings(socket_folder=tmp_path, fast=True)["fsync"] == "off"

    def test_they_are_what_the_server_runs_with(self, data_dir: Path) -> None:
        with EmbeddedPostgres(data_dir) as server, server.connect() as connection:
            for name, value in (("fsync", "on"), ("synchronous_commit", "on"), ("jit", "off"), ("TimeZone", "UTC")):
                assert connection.execute("SELECT current_setting(%s)", [name]).fetchone() == (value,)
            query = "SELECT datcollate, datlocprovider, datlocale FROM pg_database WHERE datname = 'innsync'"
            assert connection.execute(query).fetchone() == ("C", "b", "C.UTF-8")
            assert connection.execute("SHOW data_checksums").fetchone() == ("on",)


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("PANIC:  could not write to file: No space left on device", "The disk that holds /d is full"),
        ("2026 FATAL:  lock file exists\nLOG: bye", "PostgreSQL did not start: lock file exists"),
        ("", "it gave no reason"),
    ],
)
def test_a_failure_is_told_in_one_sentence(output: str, sentence: str) -> None:
    assert sentence in reason_for_failure(output, data_dir=Path("/d"))
