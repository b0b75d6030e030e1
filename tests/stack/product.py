"""Innsync started as a person starts it: by its command, with all its processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from innsync.integrations.conformance.loopback import free_port

START_LIMIT_S = 170.0
# What a caller's own installation is named by; the one under test must not find it.
OURS = (
    "DATABASE_URL",
    "DATABASE_ADMIN_URL",
    "INNSYNC_SECRET_KEY",
    "INNSYNC_DATA_DIR",
    "INNSYNC_SANDBOX_URL",
    "INNSYNC_MIGRATING",
)


class Product:
    """One data folder with two ports of its own."""

    def __init__(self, *, demo: bool = True) -> None:
        self.demo = demo
        self.folder = Path(tempfile.mkdtemp(prefix="innsync-stack-"))
        self.folder.chmod(0o755)  # the database runs as another user when the tests run as root
        self.data_dir = self.folder / "data"
        self.port, self.sandbox_port = free_port(), free_port()
        self.running: subprocess.Popen[str] | None = None
        self.took_s = 0.0

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command on the folder to its end."""
        name, *rest = arguments
        return subprocess.run(
            [sys.executable, "-m", "innsync.ops.cli", name, "--data-dir", str(self.data_dir), *rest],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=START_LIMIT_S,
            check=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name not in OURS}

    def launch(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `innsync up --json` without waiting."""
        ports = ["--port", str(self.port), "--sandbox-port", str(self.sandbox_port)]
        where = ["--data-dir", str(self.data_dir)]
        demo = ["--demo"] if self.demo else []
        self.running = subprocess.Popen(
            [sys.executable, "-m", "innsync.ops.cli", "up", *where, *ports, *demo, "--json", *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return self.running

    def start(self, *arguments: str) -> dict[str, Any]:
        """Start and wait for its one line."""
        began = time.monotonic()
        process = self.launch(*arguments)
        assert process.stdout is not None
        line = process.stdout.readline()
        self.took_s = time.monotonic() - began
        if not line:
            raise AssertionError(f"it did not start: {process.communicate()[1]}")
        ready: dict[str, Any] = json.loads(line)
        return ready

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Ask it to end. Answers its exit code, and what else it wrote to standard output."""
        assert self.running is not None
        self.running.send_signal(number)
        output, _ = self.running.communicate(timeout=60)
        code, self.running = self.running.returncode, None
        return code, output

    def kill(self) -> None:
        """As the kernel does when memory runs out."""
        assert self.running is not None
        self.running.kill()
        self.running.communicate()
        self.running = None

    def end(self) -> None:
        if self.running is not None:
            self.stop()

    def processes(self) -> list[psutil.Process]:
        """Everything that works for this folder, however it came to be."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.status() != psutil.STATUS_ZOMBIE and self._is_ours(process):
                    found.append(process)
        return found

    def _is_ours(self, process: psutil.Process) -> bool:
        text = " ".join(process.cmdline())
        if process.pid == os.getpid():
            return False
        return str(self.data_dir) in text or process.environ().get("INNSYNC_DATA_DIR") == str(self.data_dir)

    def named(self, name: str) -> list[psutil.Process]:
        """The processes that the supervisor calls so, workers of a server included."""
        found = []
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("INNSYNC_PROCESS") == name:
                    found.append(process)
        return found

    def log(self, name: str) -> str:
        return (self.data_dir / "logs" / f"{name}.log").read_text("utf-8")

    def listening(self) -> list[int]:
        """Which of its ports somebody answers."""
        answered = []
        for port in (self.port, self.sandbox_port):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    answered.append(port)
        return answered
