"""Getting a command ready to work with the database."""

from __future__ import annotations

import os
from pathlib import Path

import django

from innsync.ops import logs


def use_database() -> None:
    """Set Django up on DATABASE_URL, or on the embedded database of a running `innsync up` in the data folder."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "innsync.config.settings")
    if not os.environ.get("DATABASE_URL"):
        from innsync.ops.postgres import EmbeddedPostgres

        data_dir = Path(os.environ.get("INNSYNC_DATA_DIR", ".innsync"))
        os.environ["DATABASE_URL"] = EmbeddedPostgres(data_dir).url("innsync_app")
        if (data_dir / "demo.json").exists():
            os.environ.setdefault("INNSYNC_SANDBOX", "1")
    logs.configure()
    django.setup()
