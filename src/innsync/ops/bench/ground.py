"""A database of the run's own on the installation's server: the installation is not touched, and nothing is left."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from innsync.ops import databases, processes, running
from innsync.ops.postgres import EmbeddedPostgres
from innsync.ops.postgres_settings import APPLICATION
from innsync.ops.refusal import Refusal

# Any number that nobody else locks in the installation's database.
ONE_RUN_AT_A_TIME = 0x42454E4348
DROP_LIMIT_S = 15.0
_ADDRESSES = ("DATABASE_URL", "DATABASE_ADMIN_URL")
# What an installation sets for its own public face, or shares between its processes, and the addresses it answers to.
_NOT_OURS = ("INNSYNC_ALLOWED_HOSTS", "INNSYNC_MIGRATING", "PROMETHEUS_MULTIPROC_DIR")


@dataclass(slots=True)
class Ground:
    """maintenance: the login that makes and drops. prefix: with which only databases of runs on this installation begin.

    folder: for logs and keys of the processes that a scenario starts. kept: whether there is something to begin from.
    """

    maintenance: str
    owner: str
    prefix: str
    folder: Path
    kept: bool = False

    @property
    def name(self) -> str:
        """The database that a scenario works in."""
        return f"{self.prefix}_run"

    @property
    def empty(self) -> str:
        """The database that has tables and no rows."""
        return f"{self.prefix}_empty"

    @property
    def filled(self) -> str:
        """The database that has what every scenario begins from, of which each gets a copy."""
        return f"{self.prefix}_filled"

    def begin_anew(self) -> None:
        """A fresh database, so that no scenario meets another's rows. Nobody of ours may be connected to the last one."""
        self._drop(self.name)
        self._create(self.name, like=self.filled if self.kept else self.empty)

    def keep(self) -> None:
        """Begin anew from what the present database holds, from now on. Nobody of ours may be connected to it."""
        self._drop(self.filled)
        self._create(self.filled, like=self.name)
        self.kept = True

    def forget(self) -> None:
        """Begin anew from empty tables again."""
        self._drop(self.filled)
        self.kept = False

    def prepare(self) -> None:
        """Remove what a killed run left, and make the tables once."""
        self.clear()
        self._create(self.empty, like="template1")
        address = {name: make_conninfo(os.environ[name], dbname=self.empty) for name in _ADDRESSES}
        done = subprocess.run(
            processes.migrate(),
            env={**os.environ, **address, "INNSYNC_MIGRATING": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            words = done.stderr.strip().splitlines() or ["it gave no reason"]
            raise Refusal(f"The tables of the benchmark could not be made: {words[-1]}")

    def clear(self) -> None:
        """Drop what runs on this installation made."""
        for name in (self.name, self.filled, self.empty):
            self._drop(name)

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.maintenance, autocommit=True, connect_timeout=10)

    def _create(self, name: str, *, like: str) -> None:
        # By files: the other way, through the log, takes several times as long for a large one.
        words = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY file_copy")
        with self.connect() as connection:
            connection.execute(words.format(*map(sql.Identifier, (name, like, self.owner))))

    def _drop(self, name: str) -> None:
        """Ends the sessions in it where we may; else waits for them, since their processes have been ended."""
        deadline = time.monotonic() + DROP_LIMIT_S
        while True:
            try:
                with self.connect() as connection:
                    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
                return
            except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse) as error:
                if time.monotonic() > deadline:
                    raise Refusal(f"The benchmark's database {name} could not be dropped: drop it by hand.") from error
                time.sleep(0.2)


@contextlib.contextmanager
def own_ground(data_dir: Path) -> Iterator[Ground]:
    """The environment in which Django and all processes find the run's own database; dropped in the end, come what may.

    On the server of DATABASE_URL, else of the installation in `data_dir`, whether it runs or not; where there is none, on a
    server that is made for the run. Raises Refusal.
    """
    before = dict(os.environ)
    with contextlib.ExitStack() as stack:
        stack.callback(os.environ.update, before)
        stack.callback(os.environ.clear)
        folder = stack.enter_context(_folder())
        _find_server(data_dir, folder, stack)
        made = _ground(folder)
        stack.enter_context(_alone(made))
        stack.enter_context(_role_as_it_was(made))
        stack.callback(made.clear)
        _name_everything(made)
        made.prepare()
        _point_at(made.name)
        yield made


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="innsync-bench-"))
    if os.geteuid() == 0:  # a server that is made for the run works as another user
        folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _find_server(data_dir: Path, folder: Path, stack: contextlib.ExitStack) -> None:
    has_data = (data_dir / "postgres" / "PG_VERSION").exists()
    if os.environ.get("DATABASE_URL") or has_data or running.announced(data_dir) is not None:
        stack.enter_context(running.environment_of(data_dir))
    else:
        server = EmbeddedPostgres(folder / "server")
        # Where the server's user may not enter the folder, the files lie elsewhere.
        stack.callback(lambda: shutil.rmtree((folder / "server" / "postgres").resolve(), ignore_errors=True))
        stack.enter_context(server)
        os.environ.update(running.embedded_environment(server))
    admin = os.environ.get("DATABASE_ADMIN_URL")
    if admin:
        databases.check_address(admin, setting="DATABASE_ADMIN_URL")
    os.environ["DATABASE_ADMIN_URL"] = admin or os.environ["DATABASE_URL"]


def _ground(folder: Path) -> Ground:
    """Raises Refusal when the login may not make databases."""
    maintenance = running.maintenance_url()
    with psycopg.connect(maintenance, autocommit=True, connect_timeout=10) as connection:
        may = "SELECT rolsuper OR rolcreatedb, current_user FROM pg_roles WHERE rolname = current_user"
        row = connection.execute(may).fetchone()
    if row is None or not row[0]:
        who = row[1] if row else "the login"
        raise Refusal(
            f"The benchmarks work in a database of their own, and {who} may not make one:"
            " name a login with CREATEDB in DATABASE_ADMIN_URL."
        )
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True, connect_timeout=10) as connection:
        (owner,) = connection.execute("SELECT current_user").fetchone() or ("",)
    return Ground(maintenance, owner, _prefix(conninfo_to_dict(maintenance).get("dbname")), folder)


def _prefix(database: object) -> str:
    """The same for each run on an installation, so that the next finds what a killed one left, and no other's."""
    return f"innsync_bench_{hashlib.sha256(str(database).encode()).hexdigest()[:12]}"


@contextlib.contextmanager
def _alone(ground: Ground) -> Iterator[None]:
    with ground.connect() as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [ONE_RUN_AT_A_TIME]).fetchone()
        if row != (True,):
            raise Refusal("Another `innsync bench` runs on this database, and each would measure the other.")
        yield


@contextlib.contextmanager
def _role_as_it_was(ground: Ground) -> Iterator[None]:
    """The first migration on a server makes the application's role, which belongs to no database."""
    with ground.connect() as connection:
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APPLICATION]).fetchone()
    try:
        yield
    finally:
        if not known:
            # Somebody else may have begun to use it.
            with contextlib.suppress(psycopg.errors.DependentObjectsStillExist), ground.connect() as connection:
                connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(APPLICATION)))


def _name_everything(ground: Ground) -> None:
    """The installation's settings, without those that would lead back to it."""
    for name in _NOT_OURS:
        os.environ.pop(name, None)
    os.environ.update(
        {
            "DJANGO_SETTINGS_MODULE": "innsync.config.settings",
            "INNSYNC_DATA_DIR": str(ground.folder),
            "INNSYNC_SECRET_KEY": secrets.token_urlsafe(48),
            "INNSYNC_SANDBOX": "1",
        }
    )


def _point_at(database: str) -> None:
    for name in _ADDRESSES:
        os.environ[name] = make_conninfo(os.environ[name], dbname=database)
