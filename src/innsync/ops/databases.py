"""Judging the database that an operator named, and whether its tables are up to date."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
from pathlib import Path

import psycopg

import innsync
from innsync.ops.files import write_private
from innsync.ops.refusal import Refusal

OLDEST_SERVER = 15
# What brings tables of its own.
_WITH_MIGRATIONS = ("Django", "django-allauth", "procrastinate")


def check_address(url: str, *, setting: str) -> None:
    """Connect once. Raises Refusal with one sentence that never shows the password."""
    try:
        with psycopg.connect(url, connect_timeout=10, autocommit=True) as connection:
            refuse_old(connection.info.server_version, setting=setting)
    except psycopg.ProgrammingError:
        # libpq's own words would repeat the address with its password.
        raise Refusal(
            f"{setting} is not a PostgreSQL address: it looks like postgresql://user:password@host:5432/database."
        ) from None
    except psycopg.OperationalError as error:
        raise Refusal(f"The database named by {setting} can't be reached: {reason(error)}.") from None


def refuse_old(server_version: int, *, setting: str = "DATABASE_URL") -> None:
    """`server_version` as libpq counts: 150004 is 15.4."""
    if server_version < OLDEST_SERVER * 10_000:
        raise Refusal(
            f"The database named by {setting} is PostgreSQL {server_version // 10_000}.{server_version % 10_000}: "
            f"Innsync needs {OLDEST_SERVER} or newer."
        )


def holds_people(url: str) -> bool:
    """Whether anybody may sign in. `url` is the owner's, of a database whose tables are up to date."""
    with psycopg.connect(url, connect_timeout=10, autocommit=True) as connection:
        row = connection.execute("SELECT EXISTS (SELECT FROM accounts_user WHERE is_active)").fetchone()
        return bool(row and row[0])


def reason(error: psycopg.OperationalError) -> str:
    """The server's or the network's own words, on one line, without a final stop."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    words = re.sub(r"^connection failed: ", "", lines[0]) if lines else "no reason was given"
    return re.sub(r"(FATAL|ERROR):\s+", "", words).rstrip(".?! ")


class Migrations:
    """Knows without Django whether there is anything to migrate, so that a second start loses no time."""

    def __init__(self, *, data_dir: Path, url: str) -> None:
        self._kept = data_dir / "run" / "migrated.json"
        self._url = url

    def are_applied(self) -> bool:
        """True only when both our migration files and the database are as they were after the last migration."""
        try:
            kept = json.loads(self._kept.read_text("utf-8"))
        except (OSError, ValueError):
            return False
        applied = self._applied()
        return applied is not None and kept == {"files": migration_files(), "applied": applied}

    def remember(self) -> None:
        write_private(self._kept, json.dumps({"files": migration_files(), "applied": self._applied()}))

    def _applied(self) -> str | None:
        """A digest of the migrations that the database has; None before the first."""
        try:
            with psycopg.connect(self._url, connect_timeout=10) as connection:
                query = "SELECT app, name, applied FROM django_migrations ORDER BY id"
                return hashlib.sha256(repr(connection.execute(query).fetchall()).encode()).hexdigest()
        except psycopg.errors.UndefinedTable:
            return None


def migration_files() -> str:
    """A digest of all that can change tables: our files, and the versions of packages with their own."""
    digest = hashlib.sha256()
    root = Path(innsync.__file__).parent
    for path in sorted(root.glob("**/migrations/*")):
        if path.suffix in (".py", ".sql"):
            digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update((root / "config" / "settings.py").read_bytes())  # names the installed apps
    for package in _WITH_MIGRATIONS:
        digest.update(f"{package} {importlib.metadata.version(package)}\n".encode())
    return digest.hexdigest()
