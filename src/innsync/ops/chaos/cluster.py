"""A primary with a synchronous standby, and machines that serve the web and work, all on a network of their own."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from innsync.ops import postgres_place as place
from innsync.ops.chaos.machines import HERE, Machine, end
from innsync.ops.files import tail
from innsync.ops.postgres_settings import APPLICATION, OWNER, SUPERUSER
from innsync.ops.refusal import Refusal

PORT = 5432
WEB_PORT, SERVED_PORT = 8000, 8080
START_LIMIT_S = 90.0
AGAIN_AFTER_S = 1.0
REPLICATOR = "replicator"
STANDBY = "standby"
# As docs/howto/high-availability.md has them. That a commit waits for the standby is said to the one that is primary alone.
_SETTINGS = """
listen_addresses = '*'
port = {port}
unix_socket_directories = ''
wal_level = replica
max_wal_senders = 5
hot_standby = on
max_connections = 200
wal_sender_timeout = 5s
wal_receiver_timeout = 5s
tcp_keepalives_idle = 5
tcp_keepalives_interval = 2
tcp_keepalives_count = 3
tcp_user_timeout = 8s
client_connection_check_interval = 2s
lc_messages = C
"""
_ACCESS = "host all all {network}/24 scram-sha-256\nhost replication {replicator} {network}/24 scram-sha-256\n"
_WAITS_FOR_STANDBY = f"synchronous_standby_names={STANDBY}"


@dataclass(slots=True)
class Database:
    """One PostgreSQL server on a machine."""

    machine: Machine
    folder: Path
    log: Path
    programs: Path
    account: place.Account
    running: subprocess.Popen[bytes] | None = None

    def run(self, name: str, *words: str, password: str = "") -> None:
        """One of PostgreSQL's programs to its end, on this machine. Raises Refusal."""
        environment = {**place.clean_environment(), **({"PGPASSWORD": password} if password else {})}
        command = [str(self.programs / name), *words]
        done = self.machine.start(command, log=self.log, environment=environment, account=self.account)
        if done.wait(START_LIMIT_S):
            raise Refusal(f"{name} failed: {tail(self.log).strip()[-300:]}")

    def start(self, *settings: str) -> None:
        words = [word for setting in settings for word in ("-c", setting)]
        command = [str(self.programs / "postgres"), "-D", str(self.folder), *words]
        self.running = self.machine.start(
            command, log=self.log, environment=place.clean_environment(), account=self.account
        )

    def kill(self) -> int:
        """All its processes, as when the machine loses power."""
        assert self.running is not None
        head = psutil.Process(self.running.pid)
        family = [head, *head.children(recursive=True)]
        for process in family:
            process.send_signal(signal.SIGKILL)
        self.running.wait()
        return len(family)


@dataclass(slots=True)
class Node:
    """One machine with `innsync up`. gate: passes on what comes to the machine's address, as a proxy would."""

    machine: Machine
    folder: Path
    workers: int
    running: subprocess.Popen[bytes] | None = None
    gate: subprocess.Popen[bytes] | None = None
    again_at: float = 0.0

    @property
    def url(self) -> str:
        return f"http://{self.machine.address}:{SERVED_PORT}"


class Cluster:
    """To be made inside (see `machines`). Ends with this process, however that ends."""

    def __init__(self, *, folder: Path, machines: Mapping[str, Machine], report: Callable[[str], None]) -> None:
        self.folder = folder
        self._machines = machines
        self._report = report
        self._password = secrets.token_urlsafe(16)
        self._secrets = {"INNSYNC_SECRET_KEY": secrets.token_urlsafe(48)}
        account = place.server_account(folder / "none")
        programs = place.programs_for(account)
        self.primary, self.standby = (
            Database(machines[name], folder / name, folder / f"{name}.log", programs, account)
            for name in ("db1", "db2")
        )
        self.nodes = [Node(machines["app1"], folder / "app1", 2), Node(machines["app2"], folder / "app2", 1)]
        self.starts = 0

    @property
    def urls(self) -> list[str]:
        return [node.url for node in self.nodes]

    @property
    def logs(self) -> Path:
        return self.folder

    def url(self, role: str) -> str:
        """Of both servers: whichever takes writes is used."""
        hosts = ",".join(f"{one.machine.address}:{PORT}" for one in (self.primary, self.standby))
        return f"postgresql://{role}:{self._password}@{hosts}/innsync?target_session_attrs=read-write&connect_timeout=2"

    # --- databases --------------------------------------------------------------------------------------------

    def start_databases(self) -> None:
        """A primary, and a standby that has confirmed each commit before it counts."""
        place.own_folder(self.primary.folder, self.primary.account)
        password_file = self.folder / "password"
        password_file.write_text(self._password, "utf-8")
        password_file.chmod(0o644)
        words = (
            "-D",
            str(self.primary.folder),
            "-U",
            SUPERUSER,
            "--encoding=UTF8",
            "--locale=C",
            "--auth=scram-sha-256",
        )
        self.primary.run("initdb", *words, f"--pwfile={password_file}", "--no-instructions")
        network = HERE.rpartition(".")[0] + ".0"
        _append(self.primary.folder / "postgresql.conf", _SETTINGS.format(port=PORT))
        _append(self.primary.folder / "pg_hba.conf", _ACCESS.format(network=network, replicator=REPLICATOR))
        self.primary.start()
        with self._connect(self.primary) as database:
            self._prepare(database)
        words = ("-D", str(self.standby.folder), "-R", "-X", "stream", "-c", "fast")
        address = f"host={self.primary.machine.address} port={PORT} user={REPLICATOR} application_name={STANDBY}"
        place.own_folder(self.standby.folder, self.standby.account)
        self.standby.run("pg_basebackup", *words, "-d", address, password=self._password)
        self.standby.start()
        with self._connect(self.primary) as database:
            # Said on the primary alone: a standby that is promoted has nobody yet to wait for.
            setting, _, value = _WAITS_FOR_STANDBY.partition("=")
            database.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(setting), sql.Literal(value)))
            database.execute("SELECT pg_reload_conf()")
            self._until(
                "the standby did not follow",
                lambda: _one(database, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == 1,
            )

    def _prepare(self, database: psycopg.Connection) -> None:
        secret = sql.Literal(self._password)
        owner, application, replicator = map(sql.Identifier, (OWNER, APPLICATION, REPLICATOR))
        database.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(owner, secret))
        login = "CREATE ROLE {} LOGIN PASSWORD {} NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE"
        database.execute(sql.SQL(login).format(application, secret))
        database.execute(sql.SQL("CREATE ROLE {} REPLICATION LOGIN PASSWORD {}").format(replicator, secret))
        database.execute(sql.SQL("CREATE DATABASE innsync OWNER {}").format(owner))

    def _connect(self, database: Database) -> psycopg.Connection:
        address = make_conninfo(
            host=database.machine.address,
            port=PORT,
            user=SUPERUSER,
            password=self._password,
            dbname="postgres",
            connect_timeout=2,
        )
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            try:
                return psycopg.connect(address, autocommit=True)
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise Refusal(f"PostgreSQL did not come up: {tail(database.log).strip()[-300:]}") from None
                time.sleep(0.1)

    def promote(self) -> None:
        """The one step that a person, or a tool such as Patroni, takes."""
        with self._connect(self.standby) as database:
            database.execute("SELECT pg_promote(wait => true)")

    # --- machines that serve ----------------------------------------------------------------------------------

    def start_nodes(self) -> None:
        """The first brings the tables up to date."""
        for node in self.nodes:
            node.folder.mkdir()
            self._launch(node)
            gate = ("-m", "innsync.ops.chaos.forward", node.machine.address, str(SERVED_PORT), str(WEB_PORT))
            node.gate = node.machine.start(
                (sys.executable, *gate), log=node.folder / "gate.log", environment=self.environment(node)
            )
            self._until(f"{node.machine.name} did not start: {node.folder}", partial(_ready, node))

    def environment(self, node: Node) -> dict[str, str]:
        return {
            **{name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME", "LANG") if name in os.environ},
            **self._secrets,
            "DATABASE_URL": self.url(APPLICATION),
            "DATABASE_ADMIN_URL": self.url(OWNER),
            "INNSYNC_SANDBOX": "1",
            "INNSYNC_ALLOWED_HOSTS": node.machine.address,
            "PYTHONWARNINGS": "ignore",
        }

    def _launch(self, node: Node) -> None:
        up = ("-m", "innsync.ops.cli", "up", "--data-dir", str(node.folder / "data"))
        words = ("--port", str(WEB_PORT), "--workers", str(node.workers))
        node.running = node.machine.start(
            (sys.executable, *up, *words), log=node.folder / "up.log", environment=self.environment(node)
        )
        self.starts += 1

    def look(self) -> None:
        """Start again what ended, as each machine's service manager would."""
        now = time.monotonic()
        for node in self.nodes:
            if node.running is None or node.running.poll() is None:
                continue
            if not node.again_at:
                self._report(
                    f"the supervisor of {node.machine.name} ended: {tail(node.folder / 'up.log').strip()[-200:]}"
                )
                node.again_at = now + AGAIN_AFTER_S
            elif now >= node.again_at:
                node.again_at = 0.0
                self._launch(node)

    def workers(self, node: Node) -> list[psutil.Process]:
        return _named(node, "worker")

    def stop(self) -> None:
        for node in self.nodes:
            for process in (node.running, node.gate):
                if process is not None:
                    end(process)
        for database in (self.standby, self.primary):
            if database.running is not None and database.running.poll() is None:
                database.running.send_signal(signal.SIGINT)
                database.running.wait(START_LIMIT_S)
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def _until(why: str, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        while not done():
            if time.monotonic() > deadline:
                raise Refusal(f"The machines of the run are not ready: {why}.")
            time.sleep(0.1)


def _named(node: Node, name: str) -> list[psutil.Process]:
    found = []
    if node.running is not None and node.running.poll() is None:
        for process in psutil.Process(node.running.pid).children(recursive=True):
            try:
                if process.environ().get("INNSYNC_PROCESS", "").startswith(name):
                    found.append(process)
            except (psutil.Error, OSError):
                continue
    return found


def _ready(node: Node) -> bool:
    import httpx

    try:
        return httpx.get(f"{node.url}/readyz", timeout=3, trust_env=False).is_success
    except httpx.TransportError:
        return False


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def _one(database: psycopg.Connection, statement: str) -> object:
    row = database.execute(statement.encode()).fetchone()
    return row[0] if row else None
