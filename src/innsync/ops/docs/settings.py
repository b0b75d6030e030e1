"""What an operator can set."""

from __future__ import annotations

from django.conf import settings

from innsync.ops.docs import markdown

INTRO = """Innsync is set up through environment variables. None is needed to start: `innsync up` makes its own keys and its own
database on the first start and keeps both in the data directory. A value that is empty counts as not set."""


def page() -> str:
    rows = [
        (markdown.code(name), markdown.code(default) or "empty", meaning)
        for name, (default, meaning) in sorted(settings.SETTINGS.items())
    ]
    return markdown.page("Settings", INTRO, markdown.table(("name", "default", "what it means"), rows))
