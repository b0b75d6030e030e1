"""How far something is: a phase knows nothing of the one before it, and where no terminal is, lines come now and then."""

from __future__ import annotations

import pytest

from innsync.ops import progress


def test_a_phase_begins_anew() -> None:
    with progress.Screen() as screen:
        screen.phase("Playing", 10)
        screen.note("half of it", done=5)
        assert screen.task.percentage == 50
        screen.phase("Checking")
        assert (screen.task.total, screen.task.completed, screen.task.fields["note"]) == (None, 0, "")


def test_without_a_terminal_each_phase_is_a_line_and_notes_are_few(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with progress.Screen() as screen:
        screen.phase("Playing", 10)
        screen.note("not yet")
        monkeypatch.setattr(progress, "SAY_EVERY_S", 0.0)
        screen.note("3 [of] 10")
    assert capfd.readouterr() == ("", "Playing ...\nPlaying: 3 [of] 10\n")
