"""All generated pages. `innsync docs` writes or checks them."""

from __future__ import annotations

from collections.abc import Callable

from innsync.ops.docs import adapters, api, channels, commands, data_model, errors, roles, settings

PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings.page,
    "commands.md": commands.page,
    "errors.md": errors.page,
    "channels.md": channels.page,
    "adapters.md": adapters.page,
    "data-model.md": data_model.page,
    "api.md": api.page,
    "roles.md": roles.page,
}


def pages() -> dict[str, str]:
    """Every generated page by its file name. Needs Django to be set up; reads no database."""
    return {name: write() for name, write in PAGES.items()}
