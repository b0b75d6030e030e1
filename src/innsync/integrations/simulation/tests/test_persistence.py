from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from innsync.integrations.conformance.server import serve_app
from innsync.integrations.simulation.app import build
from innsync.integrations.simulation.persistence import write_whole
from innsync.integrations.simulation.tests.conftest import HOUSE, NOW
from innsync.integrations.simulation.tests.driving import eventually, left, open_rooms, set_clock, wish
from innsync.integrations.simulation.tests.toyland.simulator import WORLD
from innsync.integrations.simulation.world import Clock


def test_a_world_survives_a_restart(tmp_path):
    with (
        serve_app(build([WORLD(Clock(stands_at=NOW))], state_folder=tmp_path)) as url,
        httpx.Client(base_url=url) as client,
    ):
        client.post("/_control/toyland/properties", json=HOUSE).raise_for_status()
        open_rooms(client)
        reference = client.post("/_control/toyland/bookings", json=wish()).json()["reference"]
        client.post("/_control/toyland/faults", json={"latency_ms": 1.5}).raise_for_status()
        client.patch("/_control/toyland/pace", json={"limits_per_min": {"ari": 77}}).raise_for_status()
        client.post("/_control/clock", json={"shift_s": 5.0}).raise_for_status()
        seen = client.get("/_control/toyland/requests").json()["last"]
    with (
        serve_app(build([WORLD(Clock(stands_at=NOW))], state_folder=tmp_path)) as url,
        httpx.Client(base_url=url) as client,
    ):
        assert left(client, "2027-03-02") == 1
        answer = client.get("/_control/toyland/bookings", params={"property": "harbour-house"})
        assert [booking["reference"] for booking in answer.json()["items"]] == [reference]
        told = client.get("/_control/toyland").json()
        assert told["faults"] == {"latency_ms": 1.5}
        assert told["limits_per_min"] == {"ari": 77}
        assert client.get("/_control/clock").json()["shift_s"] == 5
        assert client.get("/_control/toyland/requests").json()["last"] == seen


def test_a_file_that_can_not_be_read_is_put_aside(tmp_path, caplog):
    (tmp_path / "toyland.pickle").write_bytes(b"torn")
    with serve_app(build([WORLD(Clock(stands_at=NOW))], state_folder=tmp_path)) as url:
        assert httpx.get(f"{url}/_control/vendors").status_code == 200
    assert (tmp_path / "toyland.broken").read_bytes() == b"torn"
    assert "it begins anew" in caplog.text


def test_nothing_is_written_while_nothing_changes(tmp_path):
    with (
        serve_app(build([WORLD(Clock(stands_at=NOW))], state_folder=tmp_path)) as url,
        httpx.Client(base_url=url) as client,
    ):
        client.post("/_control/toyland/properties", json=HOUSE).raise_for_status()
        path = tmp_path / "toyland.pickle"
        eventually(path.exists)
        eventually(lambda: is_left_alone(path))


def is_left_alone(path: Path) -> bool:
    """Whether a second, which is how often a world that changes is written, passes without a write."""
    before = path.stat().st_mtime_ns
    time.sleep(1.3)
    return path.stat().st_mtime_ns == before


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "x.pickle"
    write_whole(path, b"old")

    def full_disk(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"


@pytest.fixture
def command(tmp_path) -> list[str]:
    return [
        str(Path(sys.executable).parent / "granian"),
        *(
            "--interface",
            "asgi",
            "--host",
            "127.0.0.1",
            "--no-ws",
            "--log-level",
            "warning",
            "--workers-kill-timeout",
            "1",
        ),
        "innsync.integrations.simulation.app:application",
    ]


def start(command: list[str], folder: Path, port: int) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "INNSYNC_SANDBOX_STATE": str(folder),
        "INNSYNC_CHANNEL_PACKAGES": "innsync.integrations.simulation.tests.toyland",
    }
    command = [*command, "--port", str(port)]
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    eventually(lambda: serves(port) or process.poll() is not None, within_s=60)
    assert process.poll() is None
    return process


def serves(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/_control/vendors").status_code == 200
    except httpx.TransportError:
        return False


def test_a_killed_sandbox_loses_a_second_at_most(command, tmp_path, free_port):
    base = f"http://127.0.0.1:{free_port}"
    process = start(command, tmp_path, free_port)
    try:
        with httpx.Client(base_url=base) as client:
            set_clock(client)
            client.post("/_control/toyland/properties", json=HOUSE).raise_for_status()
            open_rooms(client)
            client.post("/_control/toyland/bookings", json=wish(guest={"name": "Last"})).raise_for_status()
        state = tmp_path / "toyland.pickle"
        eventually(lambda: state.exists() and b"Last" in state.read_bytes())
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    process = start(command, tmp_path, free_port)
    try:
        with httpx.Client(base_url=base) as client:
            assert left(client, "2027-03-02") == 1
            assert client.get("/").status_code == 200
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_an_answer_is_withheld_under_the_real_server_too(command, tmp_path, free_port):
    base = f"http://127.0.0.1:{free_port}"
    process = start(command, tmp_path, free_port)
    try:
        with httpx.Client(base_url=base, timeout=30) as client, httpx.Client(base_url=base, timeout=2) as impatient:
            set_clock(client)
            client.post("/_control/toyland/properties", json=HOUSE).raise_for_status()
            client.post("/_control/toyland/faults", json={"timeout_after_apply": True}).raise_for_status()
            with pytest.raises(httpx.ReadTimeout):
                open_rooms(impatient)
            assert left(client, "2027-03-02") == 2
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
