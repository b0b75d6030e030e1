"""The configuration files of the embedded PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import psutil

MIB = 1024 * 1024
SUPERUSER = "postgres"
OWNER = "innsync_owner"
APPLICATION = "innsync_app"
ROLES = (SUPERUSER, OWNER, APPLICATION)
IDENTITY_MAP = "innsync"

# Statements and error details can hold guests' data, so neither is written to the server's log.
_QUIET = {
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_min_duration_statement": "-1",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_timezone": "UTC",
    "lc_messages": "C",
}
_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "128MB",
}


def server_settings(*, socket_folder: Path, fast: bool) -> dict[str, str]:
    """All that differs from PostgreSQL's own defaults. `fast` gives up durability, for tests only."""
    memory = memory_bytes()
    settings = {
        # Reached through the socket only: there is no port to guard.
        "listen_addresses": "",
        "port": "5432",
        "unix_socket_directories": str(socket_folder),
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "password_encryption": "scram-sha-256",
        "shared_buffers": f"{_between(64, memory // 8 // MIB, 512)}MB",
        "effective_cache_size": f"{max(256, memory // 2 // MIB)}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": "128MB",
        "wal_buffers": "16MB",
        "wal_compression": "on",
        "min_wal_size": "128MB",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "jit": "off",
        # Short statements over few rows: a second process costs more than it saves, and /dev/shm is tiny in containers.
        "max_parallel_workers_per_gather": "0",
        # Queues and stock change all the time; waiting for a fifth of a table to die makes them slow.
        "autovacuum_naptime": "15s",
        "autovacuum_vacuum_scale_factor": "0.05",
        "autovacuum_analyze_scale_factor": "0.05",
        "timezone": "UTC",
        "datestyle": "iso, ymd",
        "track_io_timing": "on",
    }
    return settings | _QUIET | (_FAST if fast else {})


def configuration_text(settings: dict[str, str]) -> str:
    lines = [f"{name} = {_quoted(value)}" for name, value in settings.items()]
    return "\n".join(["# Written anew at each start; put your own settings into custom.conf.", *lines, _INCLUDE, ""])


_INCLUDE = "include_if_exists = 'custom.conf'"


def access_text() -> str:
    """pg_hba.conf: the operating system says who is at the socket; nobody is trusted and no network is let in."""
    return (
        "# Written anew at each start.\n"
        f"local all all peer map={IDENTITY_MAP}\n"
        f"local replication {SUPERUSER} peer map={IDENTITY_MAP}\n"
        "host all all all reject\n"
    )


def identity_text(users: Iterable[str]) -> str:
    """pg_ident.conf: which operating system users may take our roles."""
    lines = [f"{IDENTITY_MAP} {_quoted_name(user)} {role}" for user in sorted(set(users)) for role in ROLES]
    return "\n".join(["# Written anew at each start.", *lines, ""])


def memory_bytes() -> int:
    """What this machine, or the container that we run in, may use."""
    total = int(psutil.virtual_memory().total)
    limits = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
    for limit in limits:
        try:
            text = limit.read_text("utf-8").strip()
        except OSError:
            continue
        if text.isdigit():
            return min(total, int(text))
    return total


def _between(low: int, value: int, high: int) -> int:
    return max(low, min(value, high))


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _quoted_name(user: str) -> str:
    return '"' + user.replace('"', '""') + '"'
