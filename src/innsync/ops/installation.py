"""`innsync up`: from an empty folder to a served installation, and back to nothing running."""

from __future__ import annotations

import contextlib
import errno
import http.client
import ipaddress
import json
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import psycopg

from innsync.ops import databases, locks, processes, running, shared_counts
from innsync.ops.files import open_log, secret_key
from innsync.ops.postgres import EmbeddedPostgres, make_data_dir
from innsync.ops.refusal import Refusal, of_os_error
from innsync.ops.supervisor import Report, Supervisor, clear_leftovers, last_words

ROOM_TO_BEGIN_BYTES = 300_000_000
ROOM_TO_GO_ON_BYTES = 30_000_000
NO_ROOM_BYTES = 1_000_000
START_LIMIT_S = 120.0
LOOK_EVERY_S = 0.2
TRIM_EVERY_S = 60.0
DATABASE_AGAIN_S = (1.0, 2.0, 5.0, 10.0)
"""How long after each vain try the database is started again; the last of them from then on."""


@dataclass(frozen=True, slots=True)
class Options:
    """What an operator may choose."""

    data_dir: Path
    port: int
    sandbox_port: int
    workers: int
    demo: bool


@dataclass(frozen=True, slots=True)
class Ready:
    """What is served, and who may enter. nobody: there is nobody yet who could sign in."""

    url: str
    sandbox: str | None
    api_key: str | None
    users: list[dict[str, str]]
    nobody: bool = False

    def as_json(self) -> str:
        return json.dumps({"ready": self.url, "sandbox": self.sandbox, "api_key": self.api_key, "users": self.users})


class Installation:
    """Everything of one data folder. `start`, then `watch` until Stopped, and `stop` in any case."""

    def __init__(self, options: Options, *, report: Report) -> None:
        self.options = options
        self.data_dir = options.data_dir.absolute()
        self._report = report
        self._lock: IO[str] | None = None
        self._postgres: EmbeddedPostgres | None = None
        self._supervisor: Supervisor | None = None
        self._revive_at = 0.0
        self._vain_tries = 0

    def start(self) -> Ready:
        """Bring up all parts. Raises Refusal; the caller then stops what had been started."""
        try:
            return self._start()
        except OSError as error:
            raise of_os_error(error, place=self.data_dir) from error
        except psycopg.OperationalError as error:
            raise Refusal(f"The database went away while Innsync started: {_one_line(error)}") from error
        except Refusal as refusal:
            # A part that could not write could not say so in its log either.
            if self.data_dir.exists() and shutil.disk_usage(self.data_dir).free < NO_ROOM_BYTES:
                raise of_os_error(OSError(errno.ENOSPC, ""), place=self.data_dir) from refusal
            raise

    def _start(self) -> Ready:
        refuse_unreadable_networks("INNSYNC_TRUSTED_PROXIES")
        refuse_unreadable_url("INNSYNC_PUBLIC_URL")
        make_data_dir(self.data_dir)
        self._lock = take_lock(self.data_dir)
        clear_leftovers(self.data_dir)
        refuse_full_disk(self.data_dir)
        self._refuse_taken_ports()
        supervisor = Supervisor(data_dir=self.data_dir, environment=self._environment(), report=self._report)
        self._supervisor = supervisor
        if self.options.demo:
            state = str(self.data_dir / "sandbox")
            supervisor.start(processes.sandbox(port=self.options.sandbox_port, state=state))
        self._prepare_database(supervisor)
        running.announce(self.data_dir, supervisor.environment)
        self._migrate(supervisor)
        supervisor.start(processes.web(port=self.options.port, environment=shared_counts.begin(self.data_dir)))
        for worker in processes.workers(count=self.options.workers):
            supervisor.start(worker)
        demo = self._seed(supervisor) if self.options.demo else {}
        if demo.get("unlisted"):
            self._report(
                f"The sandbox channels don't know {', '.join(demo['unlisted'])}: what they know is in"
                f" {self.data_dir / 'sandbox'}, which no backup holds. Stop, copy that folder from the installation that"
                " was backed up, and start again; until then nothing is sold or updated there."
            )
        self._wait_for(supervisor, "web", f"{self.url}/healthz")
        return Ready(
            url=self.url,
            sandbox=self.sandbox_url if self.options.demo else None,
            api_key=demo.get("api_key"),
            users=demo.get("users", []),
            nobody=not databases.holds_people(supervisor.environment["DATABASE_ADMIN_URL"]),
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.options.port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.options.sandbox_port}"

    def watch(self) -> None:
        """Keep all parts running; returns only by the exception that a signal raises."""
        assert self._supervisor is not None
        trim_at = time.monotonic() + TRIM_EVERY_S
        while True:
            time.sleep(LOOK_EVERY_S)
            self._supervisor.look()
            self._revive()
            if time.monotonic() >= trim_at:
                self._supervisor.trim_logs()
                trim_at = time.monotonic() + TRIM_EVERY_S

    def _revive(self) -> None:
        """Start the database again when it ended, and go on trying: its disk may be full only for a while.

        What needs it meanwhile answers that it is away, and is there when it is back.
        """
        postgres, now = self._postgres, time.monotonic()
        if postgres is None or postgres.pid is not None or now < self._revive_at:
            return
        if not self._vain_tries:
            self._report(f"PostgreSQL ended and starts again. Its log: {postgres.log}")
        try:
            postgres.stop()
            postgres.start()
        except (Refusal, psycopg.Error) as error:
            pause_s = DATABASE_AGAIN_S[min(self._vain_tries, len(DATABASE_AGAIN_S) - 1)]
            self._revive_at = time.monotonic() + pause_s
            self._vain_tries += 1
            self._report(f"{_one_line(error)} It is tried again in {pause_s:.0f} s.")
        else:
            if self._vain_tries:
                self._report("PostgreSQL is back.")
            self._vain_tries = 0

    def stop(self) -> None:
        """End all that runs, the database last."""
        if self._supervisor is not None:
            self._supervisor.stop()
        if self._postgres is not None:
            self._postgres.stop()
        if self._lock is not None:
            running.withdraw(self.data_dir)
            self._lock.close()
            self._lock = None

    # --- the parts of a start ---------------------------------------------------------------------------------

    def _environment(self) -> dict[str, str]:
        given = os.environ
        ours = {
            "DJANGO_SETTINGS_MODULE": "innsync.config.settings",
            "INNSYNC_DATA_DIR": str(self.data_dir),
            "INNSYNC_SECRET_KEY": given.get("INNSYNC_SECRET_KEY") or secret_key(self.data_dir),
            "INNSYNC_PUBLIC_URL": given.get("INNSYNC_PUBLIC_URL") or self.url,
            "PYTHONUNBUFFERED": "1",
        }
        if self.options.demo:
            ours |= {"INNSYNC_SANDBOX": "1", "INNSYNC_SANDBOX_URL": self.sandbox_url}
        return {**given, **ours}

    def _refuse_taken_ports(self) -> None:
        refuse_taken(self.options.port, option="--port")
        if self.options.demo:
            if self.options.sandbox_port == self.options.port:
                raise Refusal("The web server and the sandbox can't share a port: choose another with --sandbox-port.")
            refuse_taken(self.options.sandbox_port, option="--sandbox-port")

    def _prepare_database(self, supervisor: Supervisor) -> None:
        url = os.environ.get("DATABASE_URL")
        if url:
            databases.check_address(url, setting="DATABASE_URL")
            admin = os.environ.get("DATABASE_ADMIN_URL")
            if admin:
                databases.check_address(admin, setting="DATABASE_ADMIN_URL")
            supervisor.environment |= {"DATABASE_URL": url, "DATABASE_ADMIN_URL": admin or url}
            return
        self._postgres = EmbeddedPostgres(self.data_dir)
        self._postgres.start()
        supervisor.environment |= running.embedded_environment(self._postgres)

    def _migrate(self, supervisor: Supervisor) -> None:
        owner = supervisor.environment["DATABASE_ADMIN_URL"]
        migrations = databases.Migrations(data_dir=self.data_dir, url=owner)
        if migrations.are_applied():
            return
        self._report("Bringing the tables up to date.")
        self._run(supervisor, "migrate", processes.migrate(), INNSYNC_MIGRATING="1")
        migrations.remember()

    def _seed(self, supervisor: Supervisor) -> dict[str, Any]:
        self._wait_for(supervisor, "sandbox", f"{self.sandbox_url}/_control/vendors")
        output = self._run(supervisor, "demo", processes.seed_demo())
        try:
            found: dict[str, Any] = json.loads(output.splitlines()[-1])
        except (IndexError, ValueError):
            raise Refusal(f"The sample portfolio could not be read: see {supervisor.log_of('demo')}.") from None
        return found

    def _run(self, supervisor: Supervisor, name: str, command: tuple[str, ...], **extra: str) -> str:
        """Run a command to its end, its errors into its log; answers its output."""
        log = supervisor.log_of(name)
        environment = {**supervisor.environment, **extra, "INNSYNC_PROCESS": name}
        with open_log(log) as errors:
            done = subprocess.run(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, check=False
            )
        if done.returncode != 0:
            raise Refusal(f"The step '{name}' failed: {last_words(log)} (see {log}).")
        return done.stdout.decode("utf-8", "replace")

    def _wait_for(self, supervisor: Supervisor, name: str, url: str) -> None:
        """Until the process answers with success. Raises Refusal when it dies, or the time is over."""
        deadline = time.monotonic() + START_LIMIT_S
        while not answers(url):
            supervisor.look()
            log = supervisor.log_of(name)
            if not supervisor.is_up(name):
                raise Refusal(f"The {name} process did not start: {last_words(log)} (see {log}).")
            if time.monotonic() > deadline:
                raise Refusal(f"The {name} process did not answer in {START_LIMIT_S:.0f} s: see {log}.")
            time.sleep(0.05)


def answers(url: str) -> bool:
    """Whether our own server says 2xx there."""
    where = urlsplit(url)
    with contextlib.closing(http.client.HTTPConnection(where.netloc, timeout=5)) as connection:
        try:
            connection.request("GET", where.path)
            with connection.getresponse() as response:
                return 200 <= response.status < 300
        except (OSError, http.client.HTTPException):
            return False


def _one_line(error: Exception) -> str:
    """What it says, as a sentence of one line."""
    return f"{' '.join(str(error).split()).rstrip('.')}."


def take_lock(data_dir: Path) -> IO[str]:
    try:
        return locks.hold(data_dir / "innsync.lock")
    except locks.Held as held:
        who = f" (process {held.pid})" if held.pid else ""
        raise Refusal(
            f"Innsync is already running on {data_dir}{who}: stop it first, or choose another folder with --data-dir."
        ) from None


def refuse_unreadable_networks(setting: str) -> None:
    """Raises Refusal for a list of addresses that would trust nobody because of a slip of the pen."""
    for one in filter(None, (part.strip() for part in os.environ.get(setting, "").split(","))):
        try:
            ipaddress.ip_network(one)
        except ValueError:
            raise Refusal(f"{setting} holds {one!r}: write an address, or a network such as 10.0.0.0/8.") from None


def refuse_unreadable_url(setting: str) -> None:
    """Raises Refusal for an address without a scheme or a host: nothing would be answered to under its name."""
    given = os.environ.get(setting, "")
    try:
        parts = urlsplit(given)
        readable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        readable = False
    if given and not readable:
        raise Refusal(f"{setting} is {given!r}: write an address such as https://hub.example.com.")


def refuse_taken(port: int, *, option: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except PermissionError:
            raise Refusal(f"Port {port} is reserved for the system: choose another with {option}.") from None
        except (OSError, OverflowError):
            raise Refusal(f"Port {port} is taken by another program: choose another with {option}.") from None


def refuse_full_disk(data_dir: Path) -> None:
    """There must be room to begin with, or to go on with once there is a database."""
    needed = ROOM_TO_GO_ON_BYTES if (data_dir / "postgres").exists() else ROOM_TO_BEGIN_BYTES
    free = shutil.disk_usage(data_dir).free
    if free < needed:
        raise Refusal(
            f"The disk that holds {data_dir} is full: {free // 1_000_000} MB are free and {needed // 1_000_000} MB needed; "
            "free some space, or choose another folder with --data-dir."
        )
