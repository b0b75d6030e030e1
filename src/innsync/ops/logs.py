"""Structured logs: one event a line, with the ids of what it belongs to, and without anything secret.

`configure()` once a process, before anything logs. Then `structlog.get_logger()` and standard logging end in the same place:
standard error, as JSON, or as key=value where a person looks on. Ids are bound for the time of a request or a job:

    with logs.bound(request_id=..., connection_id=...):
        log.info("pushed", cells=31)
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

import orjson
import structlog

from innsync.domain.redaction import clean

# Set by ourselves, so never secret, and read by machines.
_PLAIN = {"timestamp", "level", "logger", "process", "request_id", "job_id", "connection_id", "property_id"}
# They tell of each request or statement; what matters of it is logged by ourselves.
_QUIETER = {
    "httpx": "WARNING",
    "procrastinate": "WARNING",  # two lines for each job and each poll
    "httpcore": "WARNING",
    "django.request": "ERROR",
    "psycopg.pool": "WARNING",
    "urllib3": "WARNING",
}


def configure(*, stream: TextIO | None = None, level: str | None = None, as_json: bool | None = None) -> None:
    """Send all logs, ours and those of libraries, to `stream` (standard error). INNSYNC_LOG_LEVEL sets the level."""
    target = stream or sys.stderr
    threshold = (level or os.environ.get("INNSYNC_LOG_LEVEL") or "INFO").upper()
    machine = not target.isatty() if as_json is None else as_json
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _name_process,
                structlog.processors.format_exc_info,
                redact,
                _renderer(machine),
            ],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(threshold)
    for name, quieter in _QUIETER.items():
        logging.getLogger(name).setLevel(quieter)
    logging.captureWarnings(True)


def plain_lines(logger: str) -> Callable[[str, str, Mapping[str, Any]], None] | None:
    """Writes (event, request id, fields) as `configure` has lines written, in a tenth of the time, for hot paths.

    Fields are few and their texts mostly the same: what was cleaned once is remembered. None where such lines are not
    wanted as JSON.
    """
    root = logging.getLogger()
    handler = root.handlers[0] if root.handlers else None
    target = getattr(handler, "stream", None)
    ours = handler is not None and isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter)
    if not ours or target is None or getattr(target, "closed", False) or target.isatty():
        return None
    if not logging.getLogger(logger).isEnabledFor(logging.INFO):
        return None
    process = {"process": name} if (name := os.environ.get("INNSYNC_PROCESS")) else {}

    def write(event: str, request_id: str, fields: Mapping[str, Any]) -> None:
        line = {
            **{name: _cleaned(name, value) if isinstance(value, str) else value for name, value in fields.items()},
            "event": event,
            "request_id": request_id,
            "level": "info",
            "logger": logger,
            "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            **process,
        }
        with suppress(OSError, ValueError):  # as logging's own: what can't be logged keeps nobody from working
            target.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE).decode())
            target.flush()

    return write


@lru_cache(maxsize=4_096)
def _cleaned(name: str, text: str) -> Any:
    return clean(text, name=name)


@contextmanager
def bound(**ids: object) -> Iterator[None]:
    """Add these ids to every line that is logged inside, also by libraries. None is left out."""
    with structlog.contextvars.bound_contextvars(
        **{name: str(value) for name, value in ids.items() if value is not None}
    ):
        yield


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """The last step before a line is written: whatever reached the event, no secret leaves with it."""
    return {name: value if name in _PLAIN else clean(value, name=name) for name, value in event.items()}


def _name_process(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if name := os.environ.get("INNSYNC_PROCESS"):
        event["process"] = name
    return event


def _renderer(machine: bool) -> Any:
    if machine:
        return structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    return structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"], drop_missing=True)
