"""What stops a command and what an operator is told about it."""

from __future__ import annotations

import errno
from pathlib import Path


class Refusal(Exception):
    """One clear sentence for the operator; the command ends with exit code 1 and without a traceback."""


def of_os_error(error: OSError, *, place: Path) -> Refusal:
    """The sentence for a file system that refuses."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Refusal(
            f"The disk that holds {place} is full: free some space, or choose another folder with --data-dir."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Refusal(
            f"Innsync may not write to {place}: mend its owner or mode, or choose another folder with --data-dir."
        )
    return Refusal(f"Innsync can't use {place}: {error.strerror or error}.")
