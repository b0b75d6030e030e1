"""Load from separate processes: each makes its own operation and repeats it until the time is over."""

from __future__ import annotations

import importlib
import multiprocessing
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from queue import Empty
from typing import Any

START_LIMIT_S = 60.0
WARM_UP = 5
_CONTEXT = multiprocessing.get_context("spawn")


@dataclass(slots=True)
class Measured:
    """How many operations a second all clients did together, and how long each took."""

    per_second: float
    latencies_ms: list[float]


def run_clients(make: str, *, clients: int, seconds: float, arguments: Mapping[str, object]) -> Measured:
    """make: "module:function" of a function that answers the operation, called with seed=... and the arguments.

    Raises RuntimeError when a client fails.
    """
    ready = _CONTEXT.Barrier(clients)
    parts = [(make, seed, seconds, dict(arguments), ready) for seed in range(clients)]
    latencies = [one for part in collect(_client, parts, within_s=seconds * 2) for one in part]
    return Measured(len(latencies) / seconds, latencies)


def collect(work: Callable[..., None], parts: Sequence[tuple[Any, ...]], *, within_s: float) -> list[Any]:
    """What each part came to, in any order: `work(*part, answers)` in a process of its own puts one answer, text if it failed.

    Raises RuntimeError when one failed, or has not answered so long after its start.
    """
    answers: Any = _CONTEXT.Queue()
    processes = [_CONTEXT.Process(target=work, args=(*part, answers), daemon=True) for part in parts]
    _start(processes)
    found = []
    try:
        for _ in processes:
            found.append(answers.get(timeout=START_LIMIT_S + within_s))
            if isinstance(found[-1], str):
                raise RuntimeError(found[-1])
        for process in processes:
            process.join(5)
    except Empty:
        raise RuntimeError("a client of the benchmark ended without an answer") from None
    finally:
        for process in processes:
            process.terminate()
            process.join(5)
    return found


def _start(processes: Sequence[BaseProcess]) -> None:
    """Ctrl-C at a terminal reaches all its processes: let it be ours alone, who end the clients."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        for process in processes:
            process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _client(make: str, seed: int, seconds: float, arguments: dict[str, object], ready: Barrier, answers: Any) -> None:
    import django

    try:
        django.setup()
        module, _, name = make.partition(":")
        operation: Callable[[], None] = getattr(importlib.import_module(module), name)(seed=seed, **arguments)
        for _ in range(WARM_UP):
            operation()
        ready.wait(START_LIMIT_S)
        answers.put(_repeat(operation, seconds))
    except Exception as error:
        ready.abort()
        answers.put(f"{type(error).__name__}: {error}")


def _repeat(operation: Callable[[], None], seconds: float) -> list[float]:
    latencies = []
    now = time.perf_counter()
    end = now + seconds
    while now < end:
        operation()
        done = time.perf_counter()
        latencies.append((done - now) * 1000)
        now = done
    return latencies
