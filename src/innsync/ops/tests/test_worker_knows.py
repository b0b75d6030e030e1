"""A worker knows all that there is to do, whichever module says it."""

from __future__ import annotations

import json
import subprocess
import sys

# In a process of its own: here, other tests have imported everything already.
PROGRAM = """
import importlib, json, pkgutil
import django
django.setup()
from innsync.ops import jobs
jobs.learn()
from procrastinate.contrib.django import app
from innsync.apps.events import relay

def known():
    return {
        "chores": sorted(work.__qualname__ for work in [*relay._chores, *relay._prompt_chores]),
        "topics": sorted(relay._handlers),
        "jobs": sorted(app.tasks),
    }

before = known()
import innsync.apps, innsync.portals
for package in (innsync.apps, innsync.portals):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if ".tests" not in module.name and ".migrations" not in module.name:
            importlib.import_module(module.name)
print(json.dumps([before, known()]))
"""


def test_no_module_says_of_anything_to_do_that_the_worker_does_not_hear_of() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    heard, all_there_is = json.loads(done.stdout.splitlines()[-1])
    assert heard == all_there_is
    assert "place" in heard["chores"], "events get their places"
