"""Finds a Chromium for the browser tests, or installs Debian's where that is possible without asking.

Browser tests skip with a reason where there is none, except in continuous integration, where they fail.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")


def main() -> int:
    if os.environ.get("CHROMIUM") or any(shutil.which(name) for name in NAMES):
        return 0
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        print(
            "No Chromium was found: browser tests will be skipped. CHROMIUM=/path/to/chrome names one.", file=sys.stderr
        )
        return 0
    print("Installing Chromium for the browser tests.", file=sys.stderr)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
        done = subprocess.run([apt, *command], env=quiet, stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            print("Chromium could not be installed.", file=sys.stderr)
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
