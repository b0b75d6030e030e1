"""Getting a command ready to work with the database."""

from __future__ import annotations

import django

from innsync.ops import logs


def use_database() -> None:
    """Set Django up. Where the database is, `running.environment_of` has said in the environment."""
    logs.configure()
    django.setup()
