"""A result as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from innsync.ops.bench.result import Result, Target


def in_words(result: Result) -> str:
    detail = dict(result.detail)
    limit_is, latency_is = detail.pop("limit_is", ""), detail.pop("latency_is", "of one operation")
    bytes_are = detail.pop("bytes_are", "an operation")
    tables = {key: value for key, value in detail.items() if _is_table(value)}
    sizes = {key: value for key, value in detail.items() if key not in tables}
    if result.scale:
        sizes = {"scale": f"{result.scale:g}", **sizes}
    lines = [
        result.scenario,
        f"  ours     {result.ours:,.1f} {result.unit}",
        f"  limit    {result.limit:,.1f} {result.unit}: {limit_is}",
        f"  ratio    {result.ratio:.3f}",
        f"  latency  p50 {result.p50_ms:,.2f} ms, p99 {result.p99_ms:,.2f} ms, {latency_is}",
        *_costs(result, bytes_are),
        *(f"  {_verdict(target)}" for target in result.targets),
        *(f"  {key}: {_one_line(value)}" for key, value in _rows(tables)),
        *([f"  sizes    {_one_line(sizes)}"] if sizes else []),
    ]
    return "\n".join(lines)


def _costs(result: Result, bytes_are: str) -> Iterator[str]:
    if result.statements is not None:
        yield f"  database {result.statements:,.1f} statements an operation"
    if result.bytes is not None:
        yield f"  bytes    {result.bytes:,.0f}, {bytes_are}"
    if result.memory_mb is not None:
        yield f"  memory   {result.memory_mb:,.0f} MB at most, our processes together"


def _verdict(target: Target) -> str:
    held = "held" if target.held else "MISSED"
    return f"{held:8} {target.name}: {target.wanted_in_words}, reached {_figure(target.reached)}"


def _figure(value: float) -> str:
    return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}"


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
