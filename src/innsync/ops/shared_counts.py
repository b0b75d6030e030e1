"""Files in which the web processes count together, so that /metrics speaks for all of them whichever answers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# Read by prometheus_client when it is first imported.
SETTING = "PROMETHEUS_MULTIPROC_DIR"
ROOM_BYTES = 1 << 20


def begin(data_dir: Path) -> dict[str, str]:
    """A new folder, since what an earlier run counted is over. Answers what web processes must find in their environment.

    A folder that the operator's environment names is the operator's to empty.
    """
    if os.environ.get(SETTING):
        return {}
    folder = data_dir / "run" / "counts"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    return {SETTING: str(folder)}


def make_room() -> None:
    """In a web process, before anything counts: take the disk's room for its files.

    They are written through memory, and where the disk has no room for that the kernel ends the process. Without room it
    counts for itself alone.
    """
    folder = os.environ.get(SETTING)
    if not folder:
        return
    try:
        for kind in ("counter", "histogram"):
            file = Path(folder) / f"{kind}_{os.getpid()}.db"
            if not file.exists():
                file.write_bytes(bytes(ROOM_BYTES))
    except OSError:
        del os.environ[SETTING]
