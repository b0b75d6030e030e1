"""The supervisor keeps its children running, and leaves none behind however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from innsync.ops import supervisor as supervision
from innsync.ops.processes import Process, StopOrder
from innsync.ops.supervisor import Supervisor, clear_leftovers, ending, pause_before_restart

SLEEPER = "import time; time.sleep(600)"
# Does not care for SIGTERM, and has a child that does not either.
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
print("deaf", flush=True)
time.sleep(600)
"""


def python(name: str, program: str, **more: object) -> Process:
    return Process(name=name, command=(sys.executable, "-c", textwrap.dedent(program)), **more)  # type: ignore[arg-type]


def eventually(condition: Callable[[], bool], *, within_s: float = 30.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


class World:
    """A supervisor in a folder of its own, and what it reported."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        (data_dir / "run").mkdir()
        (data_dir / "logs").mkdir()
        self.reports: list[str] = []
        self.supervisor = Supervisor(data_dir=data_dir, environment=os.environ, report=self.reports.append)

    def listed(self) -> list[int]:
        return [entry["pid"] for entry in json.loads((self.data_dir / "run" / "processes.json").read_text())]

    def log(self, name: str) -> str:
        path = self.supervisor.log_of(name)
        return path.read_text() if path.exists() else ""

    def watch_until(self, condition: Callable[[], bool]) -> bool:
        def looked() -> bool:
            self.supervisor.look()
            return condition()

        return eventually(looked)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.supervisor.stop(grace_s=1)


class TestRunning:
    def test_a_childs_output_goes_to_its_own_private_log(self, world: World) -> None:
        world.supervisor.start(python("speaker", f"print('hello', flush=True); {SLEEPER}"))
        assert eventually(lambda: world.log("speaker") == "hello\n")
        assert world.supervisor.log_of("speaker").stat().st_mode & 0o777 == 0o600

    def test_a_child_knows_its_name_and_its_own_settings(self, world: World) -> None:
        program = f"import os; print(os.environ['INNSYNC_PROCESS'], os.environ['EXTRA'], flush=True); {SLEEPER}"
        world.supervisor.start(python("known", program, environment={"EXTRA": "x"}))
        assert eventually(lambda: world.log("known") == "known x\n")

    def test_a_child_that_dies_is_started_again_and_reported(self, world: World) -> None:
        world.supervisor.start(python("mortal", f"print('up', flush=True); {SLEEPER}"))
        assert eventually(lambda: world.log("mortal") == "up\n")
        os.kill(world.listed()[0], signal.SIGKILL)
        assert world.watch_until(lambda: world.log("mortal") == "up\nup\n")
        assert len(world.reports) == 1
        assert world.reports[0].startswith("mortal was ended by SIGKILL; it starts again now.")

    def test_a_child_that_keeps_dying_is_started_ever_more_slowly(self, world: World) -> None:
        world.supervisor.start(python("doomed", "raise SystemExit('no luck')"))
        assert world.watch_until(lambda: len(world.reports) == 3)
        assert [("in 0.5 s" in r, "in 1.0 s" in r) for r in world.reports] == [
            (False, False),
            (True, False),
            (False, True),
        ]
        assert all(report.endswith("ends: no luck") for report in world.reports)
        assert not world.supervisor.is_up("doomed")

    def test_the_pause_doubles_to_half_a_minute(self) -> None:
        assert [pause_before_restart(n) for n in range(9)] == [0, 0.5, 1, 2, 4, 8, 16, 30, 30]

    def test_a_dead_leaders_own_children_are_ended_before_it_starts_again(self, world: World) -> None:
        """They would still hold its port."""
        program = f"import os, time; child = os.fork()\nif child: print(child, flush=True)\n{SLEEPER}"
        world.supervisor.start(python("leader", program))
        assert eventually(lambda: world.log("leader").strip().isdigit())
        grandchild = int(world.log("leader"))
        os.kill(world.listed()[0], signal.SIGKILL)
        assert world.watch_until(lambda: bool(world.reports))
        assert eventually(lambda: gone(grandchild))

    def test_a_log_that_grew_too_large_is_moved_aside_and_goes_on(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(supervision, "LOG_LIMIT_BYTES", 1000)
        moved = world.data_dir / "moved"
        program = f"""
            import os, time
            print('a' * 2000, flush=True)
            while not os.path.exists({str(moved)!r}):
                time.sleep(0.02)
            print('b', flush=True)
            time.sleep(600)
        """
        world.supervisor.start(python("chatty", program))
        assert eventually(lambda: len(world.log("chatty")) == 2001)
        world.supervisor.trim_logs()
        moved.touch()
        assert eventually(lambda: world.log("chatty") == "b\n")
        assert len((world.data_dir / "logs" / "chatty.log.1").read_text()) == 2001


class TestEnding:
    def test_stopping_ends_all_and_clears_the_list(self, world: World) -> None:
        for number in range(3):
            world.supervisor.start(python(f"sleeper-{number}", SLEEPER))
        pids = world.listed()
        world.supervisor.stop()
        assert all(map(gone, pids))
        assert not (world.data_dir / "run" / "processes.json").exists()

    def test_a_child_that_does_not_listen_is_ended_with_its_children(self, world: World) -> None:
        world.supervisor.start(python("stubborn", STUBBORN))
        assert eventually(lambda: world.log("stubborn") == "deaf\ndeaf\n")
        (leader,) = world.listed()
        family = [leader, *(child.pid for child in psutil.Process(leader).children())]
        assert len(family) == 2
        world.supervisor.stop(grace_s=0.3)
        assert eventually(lambda: all(map(gone, family)))

    def test_those_who_work_end_before_the_world_they_talk_to(self, world: World) -> None:
        program = """
            import signal, time
            def end(*_):
                time.sleep({slow})
                with open({file!r}, "a") as file: file.write({name!r})
                raise SystemExit
            signal.signal(signal.SIGTERM, end)
            print("set", flush=True)
            time.sleep(600)
        """
        order = str(world.data_dir / "order")
        for name, slow, stage in (("outside", 0, StopOrder.OUTSIDE_WORLD), ("work", 0.5, StopOrder.WORK)):
            text = program.format(slow=slow, file=order, name=f"{name} ")
            world.supervisor.start(python(name, text, stop_order=stage))
            assert eventually(lambda name=name: world.log(name) == "set\n")
        world.supervisor.stop()
        assert Path(order).read_text() == "work outside "

    @pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
    def test_killing_the_supervisor_ends_its_children(self, tmp_path: Path) -> None:
        parent, child = supervisor_in_a_process(tmp_path, SLEEPER)
        parent.kill()
        parent.communicate()
        assert eventually(lambda: gone(child))

    def test_what_survived_a_killed_supervisor_is_cleared_by_the_next_start(self, tmp_path: Path) -> None:
        parent, child = supervisor_in_a_process(tmp_path, STUBBORN)
        assert eventually(lambda: len((tmp_path / "logs" / "child.log").read_text().split()) == 2)
        parent.kill()
        parent.communicate()
        assert not gone(child)
        assert clear_leftovers(tmp_path, patience_s=0.5) == 1
        assert eventually(lambda: gone(child))
        assert clear_leftovers(tmp_path) == 0

    def test_a_process_that_only_has_the_same_number_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "run").mkdir()
        stranger = subprocess.Popen([sys.executable, "-c", SLEEPER], start_new_session=True)
        listed = [{"pid": stranger.pid, "started": psutil.Process(stranger.pid).create_time() - 100}]
        (tmp_path / "run" / "processes.json").write_text(json.dumps(listed))
        try:
            assert clear_leftovers(tmp_path) == 0
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()

    @pytest.mark.parametrize("text", ["", "{", "[1]", '[{"pid": 5}]', "null"])
    def test_a_list_cut_off_in_writing_blocks_nothing(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "processes.json").write_text(text)
        assert clear_leftovers(tmp_path) == 0

    def test_an_ending_is_named(self) -> None:
        assert ending(-9) == "was ended by SIGKILL"
        assert ending(3) == "ended with exit code 3"


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def supervisor_in_a_process(data_dir: Path, program: str) -> tuple[subprocess.Popen[str], int]:
    """A supervisor with one child, and that child's process id."""
    for folder in ("run", "logs"):
        (data_dir / folder).mkdir()
    text = f"""
        import os, sys, time
        from pathlib import Path
        from innsync.ops.processes import Process
        from innsync.ops.supervisor import Supervisor
        supervisor = Supervisor(data_dir=Path({str(data_dir)!r}), environment=os.environ, report=print)
        supervisor.start(Process("child", (sys.executable, "-c", {textwrap.dedent(program)!r})))
        print(supervisor._children[0].running.pid, flush=True)
        time.sleep(600)
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(text)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline())


def test_a_machine_that_can_not_start_a_process_or_write_is_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full."""
    world = World(tmp_path)
    world.supervisor.start(python("dies", "raise SystemExit(1)"))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(supervision, "open_log", full)
    monkeypatch.setattr(supervision, "write_private", full)
    try:
        assert eventually(lambda: world.supervisor.look() or any("No space" in said for said in world.reports))
        monkeypatch.undo()
        assert eventually(lambda: world.supervisor.look() or "dies ended with exit code 1" in world.reports[-1])
    finally:
        world.supervisor.stop()
