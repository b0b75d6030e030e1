"""English that lower layers wrote, told again in the reader's language.

Refusals, causes and reasons are English where they arise: programs read them, and they are kept in the database. Those that
are marked (see domain/wording.py) are in the catalogues with a `{gap}` for each part that varies; here the sentence is
found again by its fixed words. What is not ours, as a channel's own words, stays as it is.
"""

from __future__ import annotations

import gettext as catalogues
import re
from datetime import date
from functools import cache, lru_cache

from django.utils import translation
from django.utils.translation import gettext as _

from innsync.domain.wording import Tongue, told
from innsync.portals import formats
from innsync.portals.account.languages import LOCALE

# What is kept as a bare word, and stands for itself or in the gap of a sentence.
WORDS = (
    *(told("check_in"), told("check_out"), told("undo_check_in"), told("undo_check_out")),
    *(told("confirm"), told("mark_no_show"), told("reinstate")),
    *(told("active"), told("released"), told("expired"), told("booked")),
    *(told("accepted"), told("partly refused"), told("refused"), told("unknown"), told("failed")),
    *(told("availability"), told("rates"), told("restrictions"), told("prices"), told("rates and restrictions")),
    *(told("first load"), told("full sync asked for by hand"), told("the vendor's limit is used up")),
    *(told("no connection"), told("no answer"), told("the answer is too slow"), told("not an address")),
)

_GAP = re.compile(r"\{(\w+)\}")
_FEWEST_FIXED_LETTERS = 4
_TELLING_LETTERS = 8
_LONGEST = 500


def retell(text: str) -> str:
    """The text in the reader's language; the text itself where it is nobody's sentence here."""
    language = translation.get_language() or "en"
    return text if not text or language == "en" else _retold(text, language)


@lru_cache(maxsize=10_000)
def _retold(text: str, language: str) -> str:
    whole = _(text)
    if whole != text:
        return whole
    if (day := _day(text)) is not None:
        return formats.short_day(day)
    if len(text) > _LONGEST:
        return text
    for pattern, sentence in _sentences(language):
        found = pattern.fullmatch(text)
        if found:
            return _(sentence).format(**{name: _retold(value, language) for name, value in found.groupdict().items()})
    return text


@cache
def _sentences(language: str) -> list[tuple[re.Pattern[str], str]]:
    """The sentences with gaps, those with the most fixed letters first: the nearest of two that fit wins."""
    found: dict[str, re.Pattern[str]] = {}
    # Of the catalogue itself: there is no other list of what is said. Django merges catalogues the same way.
    for message in getattr(_catalogue(language), "_catalog", {}):
        sentence = message if isinstance(message, str) else ""
        gaps = _GAP.findall(sentence)
        if (
            gaps
            and "\x04" not in sentence
            and len(set(gaps)) == len(gaps)
            and _fixed(sentence) >= _FEWEST_FIXED_LETTERS
        ):
            # A gap takes one word only where few fixed words tell the sentence from somebody else's.
            any_text = r".+?" if ":" in sentence or _fixed(sentence) >= _TELLING_LETTERS else r"\S+"
            parts = _GAP.split(sentence)
            pattern = (f"(?P<{part}>{any_text})" if index % 2 else re.escape(part) for index, part in enumerate(parts))
            found[sentence] = re.compile("".join(pattern), re.DOTALL)
    return [(found[one], one) for one in sorted(found, key=lambda one: (-_fixed(one), one))]


def _fixed(sentence: str) -> int:
    return sum(letter.isalpha() for letter in _GAP.sub("", sentence))


def _catalogue(language: str) -> catalogues.NullTranslations:
    return catalogues.translation("django", str(LOCALE), [translation.to_locale(language)], fallback=True)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == len("2026-11-21") else None
    except ValueError:
        return None


class ReadersTongue(Tongue):
    """The reader's language for what the domain composes."""

    def say(self, text: str, **gaps: object) -> str:
        return _(text).format(**gaps)

    def day(self, day: date, *, beside: date | None = None) -> str:
        return formats.long_day(day, with_year=beside is None or beside.year != day.year)
