"""Lets a command find the installation that runs on a data folder, or bring up its database for itself."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from psycopg.conninfo import make_conninfo

from innsync.ops import databases, locks
from innsync.ops.files import secret_key, write_private
from innsync.ops.postgres import EmbeddedPostgres
from innsync.ops.postgres_settings import SUPERUSER
from innsync.ops.refusal import Refusal

# What a command needs to see the same world as the running processes.
_EMBEDDED = "INNSYNC_DATABASE_IS_EMBEDDED"
_SHARED = (
    "DATABASE_URL",
    "DATABASE_ADMIN_URL",
    _EMBEDDED,
    "INNSYNC_SANDBOX",
    "INNSYNC_SANDBOX_URL",
    "INNSYNC_PUBLIC_URL",
)


def default_data_dir() -> Path:
    return Path(os.environ.get("INNSYNC_DATA_DIR") or ".innsync").absolute()


def announce(data_dir: Path, environment: Mapping[str, str]) -> None:
    """Say where the database and the sandbox of this folder are, to ourselves alone."""
    shared = {name: environment[name] for name in _SHARED if name in environment}
    write_private(data_dir / "run" / "environment.json", json.dumps(shared))


def withdraw(data_dir: Path) -> None:
    (data_dir / "run" / "environment.json").unlink(missing_ok=True)


def announced(data_dir: Path) -> dict[str, str] | None:
    """What the running installation announced; None when none runs, whatever a killed one left."""
    if locks.is_held(data_dir / "innsync.lock"):
        with contextlib.suppress(OSError, ValueError):
            found: dict[str, str] = json.loads((data_dir / "run" / "environment.json").read_text("utf-8"))
            return found
    return None


@contextlib.contextmanager
def environment_of(data_dir: Path) -> Iterator[None]:
    """The environment in which Django finds this folder's database, for as long as the context lasts.

    DATABASE_URL of the caller counts first, then a running installation, then the stopped one's own database, which is
    started for the while. Raises Refusal when there is none of these, or when the one that the caller names can't be used.
    """
    before = dict(os.environ)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "innsync.config.settings")
    os.environ["INNSYNC_DATA_DIR"] = str(data_dir)
    try:
        with contextlib.ExitStack() as stack:
            if os.environ.get("DATABASE_URL"):
                databases.check_address(os.environ["DATABASE_URL"], setting="DATABASE_URL")
            else:
                os.environ.update(announced(data_dir) or _started_for_a_while(data_dir, stack))
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def is_at_rest(data_dir: Path) -> bool:
    """Inside `environment_of`: whether the database is this folder's own and runs only for the present command."""
    return bool(os.environ.get(_EMBEDDED)) and not locks.is_held(data_dir / "innsync.lock")


def maintenance_url() -> str:
    """Inside `environment_of`: the login that sees all rows, for dumps. Of another server it is the owner's login."""
    url = os.environ["DATABASE_URL"]
    if os.environ.get(_EMBEDDED):
        return make_conninfo(url, user=SUPERUSER)
    return os.environ.get("DATABASE_ADMIN_URL") or url


def forget_migrations(data_dir: Path) -> None:
    """After the tables were changed from outside: the next start looks at them anew."""
    (data_dir / "run" / "migrated.json").unlink(missing_ok=True)


def _started_for_a_while(data_dir: Path, stack: contextlib.ExitStack) -> dict[str, str]:
    if not (data_dir / "postgres" / "PG_VERSION").exists():
        raise Refusal(
            f"There is no installation in {data_dir}: start one with `innsync up`, or name it with --data-dir."
        )
    server = stack.enter_context(EmbeddedPostgres(data_dir))
    secret_key(data_dir)  # the settings read it from its file
    # The demo's channels are on this machine, also while it is stopped.
    sandbox = {"INNSYNC_SANDBOX": "1"} if (data_dir / "demo.json").exists() else {}
    return embedded_environment(server) | sandbox


def embedded_environment(server: EmbeddedPostgres) -> dict[str, str]:
    """How others find the embedded server."""
    return {
        "DATABASE_URL": server.url("innsync_app"),
        "DATABASE_ADMIN_URL": server.url("innsync_owner"),
        _EMBEDDED: "1",
    }
