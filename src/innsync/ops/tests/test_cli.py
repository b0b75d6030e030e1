"""The command line: found by itself, quick, and clear when it refuses."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from uuid import uuid4

import psycopg
import pytest

from innsync.integrations.conformance.loopback import free_port
from innsync.ops import cli, commands, databases, installation, locks
from innsync.ops.commands.up import in_words
from innsync.ops.files import secret_key
from innsync.ops.installation import Ready
from innsync.ops.refusal import Refusal, of_os_error


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DATABASE_URL", "DATABASE_ADMIN_URL", "INNSYNC_SECRET_KEY", "INNSYNC_MIGRATING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("INNSYNC_DATA_DIR", str(tmp_path / "data"))


def innsync(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "innsync.ops.cli", *arguments]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )


def refusal_of(done: subprocess.CompletedProcess[str]) -> str:
    """The one sentence on standard error."""
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("innsync: ")
    assert line.endswith(".")
    return line.removeprefix("innsync: ")


class TestCommands:
    def test_every_module_in_the_folder_is_a_command(self) -> None:
        files = {path.stem for path in Path(commands.__path__[0]).glob("*.py") if not path.stem.startswith("_")}
        assert {name.replace("-", "_") for name in cli.catalogue()} == files
        assert {"up", "sandbox", "doctor", "manage", "backup", "restore"} <= set(cli.catalogue())

    @pytest.mark.parametrize("name", sorted(cli.catalogue()))
    def test_every_command_explains_itself(self, name: str) -> None:
        done = innsync(name, "--help")
        assert done.returncode == 0, done.stderr
        assert "--data-dir" in done.stdout

    def test_starting_everything_loads_no_django_here(self) -> None:
        program = (
            "import sys; from innsync.ops import cli; cli.build_parser(cli.load('up')); print('django' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "False"

    def test_a_command_may_say_that_it_needs_no_database(self, monkeypatch: pytest.MonkeyPatch) -> None:
        module = ModuleType("innsync.ops.commands.greet")
        module.__dict__.update(
            NAME="greet", HELP="say hello", NEEDS_DATABASE=False, configure=lambda parser: None, run=lambda args: 7
        )
        monkeypatch.setattr(cli, "catalogue", lambda: {"greet": "say hello"})
        monkeypatch.setattr(cli, "load", lambda name: module)
        assert cli.main(["greet"]) == 7

    def test_without_an_installation_a_command_says_so(self, tmp_path: Path) -> None:
        assert refusal_of(innsync("backup", str(tmp_path / "file"))).startswith("There is no installation in ")

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--data-dir", "{}", "keys", "list"],
            ["--data-dir={}", "keys", "list"],
            ["keys", "--data-dir", "{}", "list"],
            ["keys", "list", "--data-dir", "{}"],
            ["doctor", "--data-dir={}", "--json"],
        ],
    )
    def test_the_data_folder_may_be_named_anywhere_in_the_line(
        self, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        named: list[Path] = []
        monkeypatch.setattr(cli, "run", lambda module, options: named.append(options.data_dir) or 0)
        assert cli.main([word.format(tmp_path / "there") for word in arguments]) == 0
        assert named == [tmp_path / "there"]

    @pytest.mark.parametrize("arguments", [["up", "--port", "0"], ["up", "--port", "x"], ["up", "--workers", "0"], []])
    def test_what_makes_no_sense_is_refused_with_exit_code_2(self, arguments: list[str]) -> None:
        assert innsync(*arguments).returncode == 2


class TestRefusals:
    """Before anything is started, in one sentence."""

    @pytest.mark.parametrize(("option", "more"), [("--port", []), ("--sandbox-port", ["--demo"])])
    def test_a_taken_port(self, option: str, more: list[str]) -> None:
        more = [*more, "--port", str(free_port())] if more else []
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            done = innsync("up", *more, option, str(port))
        assert refusal_of(done) == f"Port {port} is taken by another program: choose another with {option}."

    def test_one_port_for_two_servers(self) -> None:
        assert "can't share a port" in refusal_of(innsync("up", "--demo", "--port", "8123", "--sandbox-port", "8123"))

    def test_a_running_installation(self, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        with locks.hold(tmp_path / "data" / "innsync.lock"):
            sentence = refusal_of(innsync("up"))
        assert sentence.startswith(f"Innsync is already running on {tmp_path / 'data'} (process {os.getpid()})")

    def test_a_data_folder_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "data").write_text("")
        assert str(tmp_path / "data") in refusal_of(innsync("up"))

    def test_a_folder_below_one_that_can_not_be_written(self) -> None:
        assert refusal_of(innsync("up", "--data-dir", "/proc/innsync")).startswith("Innsync can")

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("postgresql://u:s3cr3t@127.0.0.1:1/x", "can't be reached: .*Connection refused"),
            ("postgresql://u:s3cr3t@no-such-host.invalid/x", "can't be reached: "),
            ("postgresq://u:s3cr3t@127.0.0.1/x", "is not a PostgreSQL address"),
            ("mysql://u:s3cr3t@127.0.0.1/x", "is not a PostgreSQL address"),
            ("postgresql:///x?host=/nowhere/at/all", "can't be reached: "),
        ],
    )
    def test_a_wrong_address_of_a_database_is_told_without_its_password(self, url: str, words: str) -> None:
        import re

        sentence = refusal_of(innsync("up", "--port", str(free_port()), DATABASE_URL=url))
        assert "DATABASE_URL" in sentence
        assert re.search(words, sentence), sentence
        assert "s3cr3t" not in sentence

    @pytest.mark.parametrize("command", [["status"], ["backup", "file"], ["manage", "migrate"], ["keys", "list"]])
    def test_every_command_says_so_when_the_database_can_not_be_reached(self, command: list[str]) -> None:
        sentence = refusal_of(innsync(*command, DATABASE_URL="postgresql://u:s3cr3t@127.0.0.1:1/x"))
        assert sentence.startswith("The database named by DATABASE_URL can't be reached: ")
        assert "s3cr3t" not in sentence

    def test_a_database_without_our_tables(self, admin_url: str) -> None:
        name = f"empty_{uuid4().hex[:8]}"
        with psycopg.connect(admin_url, autocommit=True) as server:
            server.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
            server.execute(
                "DO $$ BEGIN CREATE ROLE innsync_app LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
            )
        url = psycopg.conninfo.make_conninfo(admin_url, dbname=name)
        done = innsync("keys", "list", DATABASE_URL=url, INNSYNC_SECRET_KEY="x" * 50)
        assert refusal_of(done).startswith("The database has no tables of Innsync, or older ones")

    def test_an_old_postgresql(self) -> None:
        with old_server() as port:
            done = innsync(
                "up", "--port", str(free_port()), DATABASE_URL=f"postgresql://u@127.0.0.1:{port}/x?sslmode=disable"
            )
        sentence = "The database named by DATABASE_URL is PostgreSQL 14.11: Innsync needs 15 or newer."
        assert refusal_of(done) == sentence

    def test_fifteen_is_new_enough(self) -> None:
        databases.refuse_old(150_000)
        with pytest.raises(Refusal):
            databases.refuse_old(149_999)

    def test_too_little_room_on_the_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=29_000_000))
        with pytest.raises(Refusal, match="is full: 29 MB are free and 300 MB needed"):
            installation.refuse_full_disk(tmp_path)
        (tmp_path / "postgres").mkdir()
        with pytest.raises(Refusal, match="is full: 29 MB are free and 30 MB needed"):
            installation.refuse_full_disk(tmp_path)

    @pytest.mark.parametrize(
        ("number", "words"),
        [
            (errno.ENOSPC, "is full"),
            (errno.EDQUOT, "is full"),
            (errno.EACCES, "may not write"),
            (errno.EROFS, "may not write"),
        ],
    )
    def test_what_the_file_system_refuses(self, number: int, words: str) -> None:
        assert words in str(of_os_error(OSError(number, os.strerror(number)), place=Path("/d")))


class TestDatabases:
    def test_unchanged_migrations_are_known_without_django(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "run").mkdir()
        migrations = databases.Migrations(data_dir=tmp_path, url="unused")
        monkeypatch.setattr(migrations, "_applied", lambda: "as it is")
        assert not migrations.are_applied()
        migrations.remember()
        assert migrations.are_applied()
        monkeypatch.setattr(migrations, "_applied", lambda: "somebody else's database")
        assert not migrations.are_applied()

    def test_a_changed_file_asks_for_a_migration(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "run").mkdir()
        migrations = databases.Migrations(data_dir=tmp_path, url="unused")
        monkeypatch.setattr(migrations, "_applied", lambda: "as it is")
        migrations.remember()
        monkeypatch.setattr(databases, "migration_files", lambda: "another")
        assert not migrations.are_applied()

    def test_a_servers_words_become_part_of_a_sentence(self) -> None:
        error = psycopg.OperationalError('connection failed: FATAL:  password authentication failed for user "u"\nmore')
        assert databases.reason(error) == 'password authentication failed for user "u"'


class TestFiles:
    def test_the_secret_key_is_made_once_and_private(self, tmp_path: Path) -> None:
        key = secret_key(tmp_path)
        assert len(key) >= 50
        assert secret_key(tmp_path) == key
        assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600

    def test_an_empty_key_file_is_not_taken_for_a_key(self, tmp_path: Path) -> None:
        (tmp_path / "secret_key").touch()
        assert len(secret_key(tmp_path)) >= 50

    def test_a_lock_knows_its_holder_and_ends_with_it(self, tmp_path: Path) -> None:
        path = tmp_path / "lock"
        assert not locks.is_held(path)
        with locks.hold(path):
            assert locks.is_held(path)
            with pytest.raises(locks.Held) as held:
                locks.hold(path)
            assert held.value.pid == os.getpid()
        assert not locks.is_held(path)
        locks.hold(path).close()


class TestWords:
    def test_ready_is_said_to_people(self) -> None:
        user = {"email": "a@demo.example", "password": "p", "role": "administrator"}
        text = in_words(Ready("http://127.0.0.1:8000", "http://127.0.0.1:8090", "isk_x", [user]))
        assert text.splitlines()[0] == "ready http://127.0.0.1:8000"
        assert "a@demo.example  p  (administrator)" in text
        assert "isk_x" in text

    def test_ready_is_said_to_programs_in_one_line(self) -> None:
        text = Ready("http://127.0.0.1:8000", None, None, []).as_json()
        assert text == '{"ready": "http://127.0.0.1:8000", "sandbox": null, "api_key": null, "users": []}'


@contextmanager
def old_server() -> Iterator[int]:
    """Greets as PostgreSQL 14.11 does (protocol 3.0: authentication ok, a parameter, ready)."""
    greeting = b"R\0\0\0\x08\0\0\0\0" + parameter(b"server_version", b"14.11") + parameter(b"client_encoding", b"UTF8")

    def greet() -> None:
        talk, _ = listener.accept()
        with talk:
            talk.recv(4096)
            talk.sendall(greeting + b"Z\0\0\0\x05I")
            talk.recv(4096)

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=greet)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def parameter(name: bytes, value: bytes) -> bytes:
    body = name + b"\0" + value + b"\0"
    return b"S" + (len(body) + 4).to_bytes(4, "big") + body


def test_a_proxy_that_can_not_be_read_is_refused_at_once() -> None:
    sentence = refusal_of(innsync("up", "--port", str(free_port()), INNSYNC_TRUSTED_PROXIES="10.0.0.1/8"))
    assert sentence == "INNSYNC_TRUSTED_PROXIES holds '10.0.0.1/8': write an address, or a network such as 10.0.0.0/8."


@pytest.mark.parametrize(
    "url", ["http://[::1", "hub.example.com", "http://", "https://hub.example.com:web", "ftp://hub"]
)
def test_a_public_address_that_can_not_be_read_is_refused_at_once(url: str) -> None:
    sentence = refusal_of(innsync("up", "--port", str(free_port()), INNSYNC_PUBLIC_URL=url))
    assert sentence == f"INNSYNC_PUBLIC_URL is {url!r}: write an address such as https://hub.example.com."
