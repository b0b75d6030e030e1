"""Answers that are given at a moment of their own, so that it tells nobody how long making them took."""

from __future__ import annotations

import math
import time

from django.http import HttpRequest

ANSWER_AT = "innsync.answer_at"
"""Where the environment of a call (PEP 3333) keeps the moment, by the monotonic clock. Whoever serves it waits, in no thread."""


def hold(request: HttpRequest, *, began: float, beat_s: float) -> None:
    """Let the answer be given a whole number of beats after `began`: one, or more where it took longer."""
    beats = max(1, math.ceil((time.monotonic() - began) / beat_s))
    request.META[ANSWER_AT] = began + beats * beat_s
