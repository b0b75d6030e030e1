"""What `innsync new-channel` lays out works as it is, wherever it stands and whatever it is called."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from innsync.ops.cli import main
from innsync.ops.refusal import Refusal
from innsync.ops.scaffold import TEMPLATE, lay_out

ROOT = Path(__file__).parents[5]
NAMES = ("acme_travel", "x1", "the_very_long_winded_regional_channel_42")


def run(*command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **environment}
    return subprocess.run([sys.executable, *command], cwd=cwd, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_formatted_and_linted_as_the_project_is(tmp_path: Path, name: str) -> None:
    lay_out(name=name, parent=tmp_path)
    rules = ("--no-cache", "--config", str(ROOT / "pyproject.toml"), str(tmp_path))
    for result in (
        run("-m", "ruff", "check", *rules, cwd=ROOT),
        run("-m", "ruff", "format", "--check", *rules, cwd=ROOT),
    ):
        assert result.returncode == 0, result.stdout + result.stderr


def test_it_is_strictly_typed(tmp_path: Path) -> None:
    lay_out(name="acme_travel", parent=tmp_path)
    command = ("-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(tmp_path / "cache"), "acme_travel")
    result = run(*command, cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_its_own_tests_pass_beside_innsync(tmp_path: Path) -> None:
    lay_out(name="acme_travel", parent=tmp_path, title="Acme Travel & Sons")
    command = ("-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "--import-mode=importlib", "acme_travel")
    result = run(*command, cwd=tmp_path, PYTHONPATH=str(tmp_path), INNSYNC_CHANNEL_PACKAGES="acme_travel")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "passed" in result.stdout
    assert "skipped" not in result.stdout


def test_the_registry_finds_it_with_its_title(tmp_path: Path) -> None:
    lay_out(name="acme_travel", parent=tmp_path, title="Acme Travel & Sons")
    look = "from innsync.integrations.manifest import adapter; print(adapter('acme_travel').manifest.name)"
    result = run("-c", look, cwd=tmp_path, PYTHONPATH=str(tmp_path), INNSYNC_CHANNEL_PACKAGES="acme_travel")
    assert result.stdout.strip() == "Acme Travel & Sons", result.stderr


def test_nothing_of_the_template_is_left_over(tmp_path: Path) -> None:
    files = lay_out(name="acme_travel", parent=tmp_path)
    assert len(files) == len([one for one in TEMPLATE.rglob("*") if one.is_file() and "__pycache__" not in one.parts])
    for file in files:
        text = file.read_text("utf-8")
        assert not any(word in text for word in ("new_channel", "NewChannel", "New Channel")), file


def test_the_command_tells_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new-channel", "acme_travel", "--to", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "acme_travel/manifest.toml" in told
    assert (tmp_path / "acme_travel" / "adapter.py").exists()


@pytest.mark.parametrize("name", ["Acme", "acme-travel", "1acme", "acme__travel", "../acme", "class", "", "a" * 41])
def test_a_name_that_is_no_package_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refusal):
        lay_out(name=name, parent=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_title_that_would_break_the_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal):
        lay_out(name="acme", parent=tmp_path, title='Acme"')


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()
    with pytest.raises(Refusal, match="is there already"):
        lay_out(name="acme", parent=tmp_path)
    assert list((tmp_path / "acme").iterdir()) == []
