"""The product's own worker with nothing behind its jobs: assigning rooms does nothing, quickly or slowly; reconciling nothing.

`python -m tests.flows.idle_worker quick|slow`
"""

from __future__ import annotations

import os
import sys
import time

import django

SLOW_S = 60.0

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "innsync.config.settings")
    django.setup()
    from innsync.apps.distribution import reconcile
    from innsync.apps.reservations import services

    lasts_s = {"quick": 0.005, "slow": SLOW_S}[sys.argv[1]]
    services.assign_rooms = lambda **_: time.sleep(lasts_s)  # type: ignore[assignment]
    reconcile.reconcile = lambda **_: None  # type: ignore[assignment, return-value]
    from innsync.ops.worker import main

    sys.exit(main())
