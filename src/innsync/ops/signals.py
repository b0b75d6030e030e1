"""The wish of a person or of the system that we end."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from types import FrameType

# After which a wish that was lost is uttered again.
AGAIN_S = 0.5
SOON_S = 0.02
_undisturbed = 0


class Stopped(BaseException):
    """Somebody asked us to end. Not an Exception, so that nothing on its way takes it for a failure."""


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal raise Stopped, once; later ones do not disturb the ending.

    Python drops what is raised in a finalizer, or in what it calls around a fork. So Stopped is raised again for as long as
    it does not make anything end.
    """
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup asked for it
        numbers.append(signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in [*numbers, signal.SIGALRM]}

    def stop(_number: int, _frame: FrameType | None) -> None:
        if _undisturbed:
            signal.signal(signal.SIGALRM, stop)
            signal.setitimer(signal.ITIMER_REAL, SOON_S, AGAIN_S)
        elif not _is_ending():
            ignore_signals()
            signal.signal(signal.SIGALRM, stop)
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S, AGAIN_S)
            raise Stopped

    for number in numbers:
        signal.signal(number, stop)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number in before:
            signal.signal(number, before[number])


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """What is begun in here is done: a wish to end waits until then. Without it, a process could be started and, before
    it is written down, forgotten.
    """
    global _undisturbed
    _undisturbed += 1
    try:
        yield
    finally:
        _undisturbed -= 1


def ignore_signals() -> None:
    """From here on the ending runs to its end."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _is_ending() -> bool:
    """Whether what the signal interrupted is a `finally` or `except` on the way of a Stopped."""
    error = sys.exc_info()[1]
    while error is not None and not isinstance(error, Stopped):
        error = error.__context__
    return error is not None
