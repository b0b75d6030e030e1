"""Several machines in one: network namespaces on a switch of their own, which end with the process that made them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from innsync.ops.chaos.place import NotPossible
from innsync.ops.files import open_log
from innsync.ops.postgres_place import Account

INSIDE = "INNSYNC_CHAOS_INSIDE"
NETWORK = "10.213.0"
HERE = f"{NETWORK}.1"
_SWITCH = "switch"
_NEEDED = ("ip", "unshare", "setpriv", "mount")


def refuse_unless_possible() -> None:
    """Raises NotPossible."""
    import shutil

    if sys.platform != "linux" or os.geteuid() != 0:
        raise NotPossible("machines are network namespaces here, which root makes on Linux alone")
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    if missing:
        raise NotPossible(f"{', '.join(missing)} is missing (Debian: `apt install iproute2 util-linux`)")


def again_inside(command: Sequence[str]) -> int:
    """Run the command where all it starts, mounts and connects ends with it. Answers its exit code. Raises NotPossible."""
    refuse_unless_possible()
    apart = ("unshare", "--fork", "--pid", "--mount", "--mount-proc", "--net", "--kill-child=SIGKILL")
    with tempfile.TemporaryDirectory(prefix="innsync-chaos-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # the databases run as another user
        # Its files lie there, so that they go with it however it ends.
        return subprocess.call([*apart, *command], env={**os.environ, INSIDE: "1", "TMPDIR": folder})


@dataclass(frozen=True, slots=True)
class Machine:
    """One of them. address: at which the others reach it."""

    name: str
    address: str

    def start(
        self,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        account: Account | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a program there, as that user."""
        who: tuple[str, ...] = ()
        if account is not None and account.is_other:
            who = ("setpriv", f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups")
        with open_log(log) as output:
            return subprocess.Popen(
                ["ip", "netns", "exec", self.name, *who, *command],
                cwd="/",
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def cut(self) -> None:
        """Nothing that it sends arrives, nor what is sent to it: nobody is told."""
        _ip("-n", _SWITCH, "link", "set", f"to-{self.name}", "down")

    def mend(self) -> None:
        _ip("-n", _SWITCH, "link", "set", f"to-{self.name}", "up")


def lay_out(names: Sequence[str]) -> dict[str, Machine]:
    """Make the machines and their switch, and connect ourselves to it at HERE. To be called inside."""
    assert os.environ.get(INSIDE), "else it would be laid out where others live"
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    Path("/run/netns").mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run/netns"], check=True)
    _ip("link", "set", "lo", "up")
    _ip("netns", "add", _SWITCH)
    _ip("-n", _SWITCH, "link", "add", "bridge", "type", "bridge")
    _ip("-n", _SWITCH, "link", "set", "bridge", "up")
    _connect("here", HERE, within=None)
    machines = {name: Machine(name, f"{NETWORK}.{number}") for number, name in enumerate(names, start=11)}
    for machine in machines.values():
        _ip("netns", "add", machine.name)
        _ip("-n", machine.name, "link", "set", "lo", "up")
        _connect(machine.name, machine.address, within=machine.name)
    return machines


def _connect(name: str, address: str, *, within: str | None) -> None:
    there = ("-n", within) if within else ()
    plug = f"to-{name}"
    _ip("-n", _SWITCH, "link", "add", plug, "type", "veth", "peer", "name", "net0")
    _ip("-n", _SWITCH, "link", "set", "net0", "netns", within if within else str(os.getpid()))
    _ip("-n", _SWITCH, "link", "set", plug, "master", "bridge", "up")
    _ip(*there, "address", "add", f"{address}/24", "dev", "net0")
    _ip(*there, "link", "set", "net0", "up")


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotPossible(f"`ip {' '.join(words)}` failed: {done.stderr.strip()}")


def end(process: subprocess.Popen[bytes], *, within_s: float = 15.0) -> None:
    """Politely, then by force."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(within_s)
    if process.poll() is None:
        process.kill()
        process.wait()
