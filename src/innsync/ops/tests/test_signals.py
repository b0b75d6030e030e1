"""Whoever asks us to end is heard, once, whatever the moment."""

from __future__ import annotations

import os
import signal
import time

import pytest

from innsync.ops import signals
from innsync.ops.signals import AGAIN_S, Stopped, ignore_signals, stopped_by_signals

LONG_S = 10 * AGAIN_S


class Finalized:
    """The signal comes while Python runs its finalizer, which lets no exception out."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0)  # the handler runs here


def test_a_signal_raises_stopped_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "AGAIN_S", 60)
    began = time.monotonic()
    with pytest.raises(Stopped), stopped_by_signals():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
    assert time.monotonic() - began < 30


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stop_that_python_drops_is_raised_again() -> None:
    went_on = False
    with pytest.raises(Stopped), stopped_by_signals():
        Finalized()
        went_on = True
        time.sleep(LONG_S)
    assert went_on


def test_the_ending_is_not_disturbed_by_more_signals_and_however_long_it_takes() -> None:
    ended = False
    with pytest.raises(Stopped), stopped_by_signals():
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(LONG_S)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
            try:
                raise KeyError("on the way")
            except KeyError:
                time.sleep(3 * AGAIN_S)
            ended = True
    assert ended


def test_an_ending_that_was_announced_is_not_disturbed_though_stopped_was_caught() -> None:
    with stopped_by_signals():
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(LONG_S)
        except Stopped:
            ignore_signals()
        time.sleep(2 * AGAIN_S)


def test_afterwards_signals_do_what_they_did() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}
    with pytest.raises(Stopped), stopped_by_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(LONG_S)
    assert {number: signal.getsignal(number) for number in before} == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
