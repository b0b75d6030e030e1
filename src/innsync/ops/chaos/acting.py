"""Doing acts, each in a thread of its own, and ending them."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from innsync.ops.chaos.plan import Act

if TYPE_CHECKING:
    from innsync.ops.sandbox_link import Sandbox

ENDS_WITHIN_S = 60.0


@dataclass(slots=True, kw_only=True)
class Acting(ABC):
    """An act of the kind "kill web" is done by the method `_kill_web`. killed: how many processes so far."""

    sandbox: Sandbox
    report: Callable[[str], None]
    killed: int = 0
    _threads: list[threading.Thread] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def begin(self, act: Act) -> None:
        thread = threading.Thread(target=self._do, args=(act,), name=act.kind, daemon=True)
        self._threads.append(thread)
        thread.start()

    def end(self) -> None:
        """Give back everything, and wait until it is."""
        self._over.set()
        for thread in self._threads:
            thread.join(ENDS_WITHIN_S)
        self._mend()
        for vendor in self.sandbox.vendors():
            self._faults(vendor, {})

    @abstractmethod
    def _mend(self) -> None:
        """Give back what acts took, whether or not they did so themselves."""

    def _do(self, act: Act) -> None:
        try:
            getattr(self, f"_{act.kind.replace(' ', '_')}")(act)
        except Exception as error:  # what is to be struck may be down already
            self.report(f"{act.kind} came to nothing: {error!r}")

    def _wait(self, act: Act) -> None:
        self._over.wait(act.lasts_s)

    def _weather(self, act: Act) -> None:
        self._faults(act.detail["vendor"], {name: value for name, value in act.detail.items() if name != "vendor"})

    def _faults(self, vendor: str, faults: Mapping[str, Any]) -> None:
        try:
            if faults:
                self.sandbox.call("POST", f"{vendor}/faults", dict(faults))
            else:
                self.sandbox.call("DELETE", f"{vendor}/faults")
        except httpx.HTTPError as error:
            self.report(f"the faults of {vendor} could not be set: {error}")
