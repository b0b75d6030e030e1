"""Where web processes count together."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from innsync.ops import shared_counts


def test_each_start_counts_anew_in_a_folder_for_ourselves_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(shared_counts.SETTING, raising=False)
    folder = Path(shared_counts.begin(tmp_path)[shared_counts.SETTING])
    (folder / "counter_1.db").write_bytes(b"old")
    assert shared_counts.begin(tmp_path) == {shared_counts.SETTING: str(folder)}
    assert list(folder.iterdir()) == []
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_the_operators_own_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(shared_counts.SETTING, str(tmp_path / "own"))
    assert shared_counts.begin(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_a_process_takes_the_disks_room_before_it_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(shared_counts.SETTING, str(tmp_path))
    shared_counts.make_room()
    files = list(tmp_path.iterdir())
    assert sorted(file.name.split("_")[0] for file in files) == ["counter", "histogram"]
    assert all(file.stat().st_blocks * 512 >= shared_counts.ROOM_BYTES for file in files)


def test_a_process_without_room_counts_for_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(shared_counts.SETTING, str(tmp_path / "gone"))
    shared_counts.make_room()
    assert shared_counts.SETTING not in os.environ
