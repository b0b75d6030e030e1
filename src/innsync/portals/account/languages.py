"""Which languages the portal speaks: English, and those that there are translations for."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

LOCALE = Path(__file__).resolve().parent.parent / "locale"


@cache
def offered_languages() -> tuple[tuple[str, str], ...]:
    """(code, name in itself), of those that somebody could read a whole page in."""
    return tuple(
        (code, name)
        for code, name in settings.LANGUAGES
        if code == settings.LANGUAGE_CODE
        or (LOCALE / translation.to_locale(code) / "LC_MESSAGES" / "django.mo").exists()
    )


def fitting(*wanted: str) -> str:
    """The first of the wanted that is offered, also for `es-MX`; English where none is."""
    offered = {code for code, _ in offered_languages()}
    for code in wanted:
        for known in (code.lower(), code.lower().partition("-")[0]):
            if known in offered:
                return known
    return settings.LANGUAGE_CODE


def of_browser(header: str) -> str:
    """What an Accept-Language header asks for."""
    return fitting(*(code for code, _ in parse_accept_lang_header(header)))
