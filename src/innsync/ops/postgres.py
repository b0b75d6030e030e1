"""The embedded PostgreSQL: made on the first start, hardened, started and stopped with Innsync.

    with EmbeddedPostgres(Path(".innsync")) as server:
        psycopg.connect(server.url(role="innsync_app"))

The server opens no port. Its socket lies in a folder that only its own user may enter, and `peer` authentication admits
that user and the one who started it; the data survives restarts and crashes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self
from urllib.parse import quote, urlencode

import psutil
import psycopg
from psycopg import sql

from innsync.ops import locks, orphans
from innsync.ops import postgres_place as place
from innsync.ops import postgres_settings as settings
from innsync.ops.files import open_log, tail
from innsync.ops.refusal import Refusal, of_os_error

Role = Literal["postgres", "innsync_owner", "innsync_app"]
DATABASE = "innsync"
PORT = 5432
# A first look at a crashed server with a full write-ahead log on a slow disk takes minutes, not seconds.
START_LIMIT_S = 600.0
STOP_LIMIT_S = 60.0


class EmbeddedPostgres:
    """One PostgreSQL server whose files lie below `data_dir`.

    `fast` gives up durability for speed and is for tests alone. Start it from the main thread: the server stops
    when the thread that started it ends, so that no killed parent leaves it behind.
    Raises Refusal with a sentence for the operator.
    """

    def __init__(self, data_dir: Path, *, fast: bool = False, start_limit_s: float = START_LIMIT_S) -> None:
        self.data_dir = data_dir.absolute()
        self.fast = fast
        self.start_limit_s = start_limit_s
        self.log = self.data_dir / "logs" / "postgres.log"
        self._lock: IO[str] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._socket_folder: Path | None = None
        self._programs: Path | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- life -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the server and wait until it answers; make data, roles and database where they are missing."""
        try:
            make_data_dir(self.data_dir)
            self._take_lock()
            self._start_locked()
        except BaseException as error:
            self.stop()
            if isinstance(error, OSError):
                raise of_os_error(error, place=self.data_dir) from error
            raise

    def stop(self, *, limit_s: float = STOP_LIMIT_S) -> None:
        """End all sessions and shut down cleanly; harmless when it does not run."""
        if self._server is not None:
            _shut_down(self._server, limit_s=limit_s)
            self._server = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._server.pid if self._server is not None and self._server.poll() is None else None

    def _take_lock(self) -> None:
        try:
            self._lock = locks.hold(self.data_dir / "postgres.lock")
        except locks.Held as held:
            raise Refusal(f"The database in {self.data_dir} is in use by another process ({held.pid}).") from None

    def _start_locked(self) -> None:
        account = place.server_account(self.data_dir / "postgres")
        self._programs = place.programs_for(account)
        self._socket_folder = place.socket_folder(self.data_dir, account)
        cluster = place.cluster_folder(self.data_dir, account)
        refuse_foreign(cluster, account=account)
        end_leftovers(cluster)
        if not (cluster / "PG_VERSION").exists():
            self._initialize(cluster, account)
        refuse_other_version(cluster, programs=self._programs)
        self._configure(cluster, account)
        self._launch(cluster, account)
        self._wait_until_ready()
        self._make_roles()
        self.create_database(DATABASE)

    def _initialize(self, cluster: Path, account: place.Account) -> None:
        half = cluster.with_name(f"{cluster.name}.new")
        if half.exists():  # of a first start that was cut off
            shutil.rmtree(half)
        place.own_folder(half, account)
        command = [str(self.programs / "initdb"), "-D", str(half), "-U", settings.SUPERUSER, "--encoding=UTF8"]
        # The server's own C.UTF-8 sorts the same on every machine, for ever; no library's upgrade spoils an index.
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        command += ["--auth-local=peer", "--auth-host=reject", "--no-instructions"]
        done = place.run_as(account, [*command, "--no-sync"] if self.fast else command, check=False)
        if done.returncode != 0:
            raise Refusal(reason_for_failure(done.stderr, data_dir=self.data_dir))
        cluster.rmdir()
        half.rename(cluster)

    def _configure(self, cluster: Path, account: place.Account) -> None:
        ourselves = place.account_by_uid(os.geteuid())
        values = settings.server_settings(socket_folder=self.socket_folder, fast=self.fast)
        write_as(account, cluster / "postgresql.conf", settings.configuration_text(values))
        write_as(account, cluster / "pg_hba.conf", settings.access_text())
        write_as(account, cluster / "pg_ident.conf", settings.identity_text([ourselves.name, account.name]))

    def _launch(self, cluster: Path, account: place.Account) -> None:
        who = {"user": account.uid, "group": account.gid, "extra_groups": [account.gid]} if account.is_other else {}
        with open_log(self.log) as log:
            self._server = subprocess.Popen(  # type: ignore[call-overload]  # the arguments of a change of user
                [str(self.programs / "postgres"), "-D", str(cluster)],
                cwd="/",
                env=place.clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C at the terminal is the supervisor's to handle
                preexec_fn=orphans.die_with_parent(signal.SIGINT),
                **who,
            )

    def _wait_until_ready(self) -> None:
        assert self._server is not None
        deadline = time.monotonic() + self.start_limit_s
        while True:
            with contextlib.suppress(psycopg.OperationalError), self.connect(database="postgres") as connection:
                # One that is brought back to a moment answers before it is there, and takes no writes until then.
                if connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,):
                    return
            if self._server.poll() is not None:
                raise Refusal(reason_for_failure(tail(self.log), data_dir=self.data_dir))
            if time.monotonic() > deadline:
                raise Refusal(f"PostgreSQL did not come up in {self.start_limit_s:.0f} s: {self.log} says why.")
            time.sleep(0.03)

    # --- what is in it ----------------------------------------------------------------------------------------

    @property
    def programs(self) -> Path:
        """The folder of PostgreSQL's programs."""
        assert self._programs is not None, "not started"
        return self._programs

    @property
    def socket_folder(self) -> Path:
        """The folder of the socket."""
        assert self._socket_folder is not None, "not started"
        return self._socket_folder

    def url(self, role: Role = "innsync_app", database: str = DATABASE) -> str:
        """A libpq address of a database for one of the three roles."""
        where = urlencode({"host": str(self.socket_folder), "port": PORT})
        return f"postgresql://{quote(role)}@/{quote(database)}?{where}"

    def connect(self, *, role: Role = "postgres", database: str = DATABASE) -> psycopg.Connection:
        """A session that commits each statement by itself."""
        return psycopg.connect(self.url(role, database), autocommit=True, connect_timeout=10)

    def _make_roles(self) -> None:
        with self.connect(database="postgres") as connection:
            for role in (settings.OWNER, settings.APPLICATION):
                name = sql.Identifier(role)
                if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                    connection.execute(sql.SQL("CREATE ROLE {}").format(name))
                # Said again at each start: row-level security is worth nothing to a login that may pass it by.
                may_not = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION"
                connection.execute(sql.SQL("ALTER ROLE {} " + may_not).format(name))

    def create_database(self, name: str) -> None:
        """A database of the owner's in which the application may work but not change tables; nothing when it is there."""
        database = sql.Identifier(name)
        with self.connect(database="postgres") as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                owner = sql.Identifier(settings.OWNER)
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
        with self.connect(database=name) as connection, connection.transaction():
            prepared = "SELECT 1 FROM pg_extension WHERE extname = 'btree_gist'"
            if not connection.execute(prepared).fetchone():
                for statement in _PREPARE_DATABASE:
                    connection.execute(sql.SQL(statement).format(database=database))

    def drop_database(self, name: str) -> None:
        """Remove a database and end its sessions; nothing when it is not there."""
        with self.connect(database="postgres") as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


# The extension comes last: it says that all before it was done.
_PREPARE_DATABASE = (
    "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
    "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO innsync_app",
    "GRANT USAGE ON SCHEMA public TO innsync_app",
    "ALTER DEFAULT PRIVILEGES FOR ROLE innsync_owner IN SCHEMA public"
    " GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO innsync_app",
    "ALTER DEFAULT PRIVILEGES FOR ROLE innsync_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO innsync_app",
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
)


def make_data_dir(data_dir: Path) -> None:
    """The folder and its parts. Another user's server must pass through it, so root leaves it open to step into."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        passable = 0o711 if os.geteuid() == 0 else 0o700
        for folder, mode in ((data_dir, passable), (data_dir / "run", passable), (data_dir / "logs", 0o700)):
            folder.mkdir(exist_ok=True)
            folder.chmod(mode)
    except OSError as error:
        raise of_os_error(error, place=data_dir) from error


def refuse_foreign(cluster: Path, *, account: place.Account) -> None:
    if cluster.stat().st_uid != account.uid:
        raise Refusal(f"{cluster} belongs to another user: start Innsync as that user, or choose another --data-dir.")


def refuse_other_version(cluster: Path, *, programs: Path) -> None:
    """A major version can't read another's files."""
    found = (cluster / "PG_VERSION").read_text("utf-8").strip()
    output = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    ours = output.split()[-1].split(".")[0]
    if found != ours:
        raise Refusal(
            f"The data in {cluster} is PostgreSQL {found}'s and this is PostgreSQL {ours}: "
            "back it up with the version that wrote it and restore it into a new --data-dir."
        )


def end_leftovers(cluster: Path) -> None:
    """Stop cleanly a server whose parent was killed, and clear what a killed server left.

    We hold the lock, so whatever still works in the folder has no parent that looks after it.
    """
    left = orphans.working_in(cluster, name="postgres")
    head = postmaster_pid(cluster)
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGINT if process.pid == head else signal.SIGTERM)
    _, stubborn = psutil.wait_procs(left, timeout=STOP_LIMIT_S)
    for process in stubborn:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=10)
    # A killed server's file may name a process id that by now is somebody else's; PostgreSQL would give up.
    (cluster / "postmaster.pid").unlink(missing_ok=True)


def postmaster_pid(cluster: Path) -> int | None:
    try:
        first = (cluster / "postmaster.pid").read_text("utf-8").splitlines()[0]
    except (OSError, IndexError):
        return None
    return int(first) if first.isdigit() else None


def _shut_down(server: subprocess.Popen[bytes], *, limit_s: float) -> None:
    """Fast mode: sessions are ended, a checkpoint is written. Past the limit it stops as in a crash, which it survives."""
    for number, wait_s in ((signal.SIGINT, limit_s), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)):
        if server.poll() is None:
            server.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(wait_s)


def write_as(account: place.Account, path: Path, text: str) -> None:
    """Write a private file for the user, whole or not at all."""
    half = path.with_name(f"{path.name}.new")
    half.write_text(text, "utf-8")
    half.chmod(0o600)
    if account.is_other:
        os.chown(half, account.uid, account.gid)
    half.replace(path)


def reason_for_failure(output: str, *, data_dir: Path) -> str:
    """PostgreSQL's own words made into one sentence."""
    if "No space left on device" in output or "Disk quota exceeded" in output:
        return f"The disk that holds {data_dir} is full: free some space, or choose another folder with --data-dir."
    marks = ("PANIC:", "FATAL:", "initdb: error:")
    words = [line.split(mark, 1)[1].strip() for line in output.splitlines() for mark in marks if mark in line]
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    said = (words or lines or ["it gave no reason"])[-1]
    return f"PostgreSQL did not start: {said.rstrip('.')} (see {data_dir / 'logs'})."
