"""The limit: the bare statements on the same database, by pgbench."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from uuid import UUID

from psycopg.conninfo import conninfo_to_dict

from innsync.ops.postgres_place import bundled_programs
from innsync.ops.refusal import Refusal

_RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_VARIABLES = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}


def transactions_per_second(script: str, *, organization_id: UUID, clients: int, seconds: float) -> float:
    """How many of these transactions the database does in a second. Raises Refusal without pgbench."""
    jobs = min(clients, os.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script.sql"
        file.write_text(script, "utf-8")
        done = subprocess.run(
            [
                _pgbench(),
                "--no-vacuum",
                "--protocol=prepared",
                f"--client={clients}",
                f"--jobs={jobs}",
                f"--time={max(1, round(seconds))}",
                f"--file={file}",
            ],
            env={**_environment(), "PGOPTIONS": f"-c innsync.organization={organization_id}"},
            capture_output=True,
            text=True,
            check=False,
        )
    found = _RATE.search(done.stdout)
    if done.returncode or not found:
        raise Refusal(f"pgbench failed: {(done.stderr or done.stdout).strip()[-300:]}")
    return float(found[1])


def _pgbench() -> str:
    folder = bundled_programs()
    beside = folder / "pgbench" if folder else None
    found = str(beside) if beside and beside.exists() else shutil.which("pgbench")
    if not found:
        raise Refusal("The benchmarks need pgbench: install PostgreSQL's client programs.")
    return found


def _environment() -> dict[str, str]:
    address = conninfo_to_dict(os.environ["DATABASE_URL"])
    return {**os.environ, **{_VARIABLES[key]: str(value) for key, value in address.items() if key in _VARIABLES}}
