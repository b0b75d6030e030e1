"""A result as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from innsync.ops.bench.result import Result


def in_words(result: Result) -> str:
    detail = dict(result.detail)
    limit_is, latency_is = detail.pop("limit_is", ""), detail.pop("latency_is", "of one operation")
    tables = {key: value for key, value in detail.items() if _is_table(value)}
    sizes = {key: value for key, value in detail.items() if key not in tables}
    lines = [
        result.scenario,
        f"  ours     {result.ours:,.1f} {result.unit}",
        f"  limit    {result.limit:,.1f} {result.unit}: {limit_is}",
        f"  ratio    {result.ratio:.3f}",
        f"  latency  p50 {result.p50_ms:,.2f} ms, p99 {result.p99_ms:,.2f} ms, {latency_is}",
        *(f"  {key}: {_one_line(value)}" for key, value in _rows(tables)),
        *([f"  sizes    {_one_line(sizes)}"] if sizes else []),
    ]
    return "\n".join(lines)


def _rows(tables: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A line for each innermost mapping."""
    for name, table in tables.items():
        if any(_is_table(value) for value in table.values()):
            yield from ((f"{name}, {key}", value) for key, value in table.items())
        else:
            yield name, table


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping)


def _one_line(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())
