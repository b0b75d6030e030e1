"""English texts that a lower layer writes, so that whoever shows them can say them in another language.

The domain knows no languages. A text that it composes goes through a `Tongue`, whose English is the one that programs read;
a text that is written down, or that stands in a table, is marked by `told`. Catalogues are made from both.
"""

from __future__ import annotations

from datetime import date

MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)


def told(text: str) -> str:
    """The text itself. Marks it, or the sentence of an f-string, to be translated where it is shown."""
    return text


class Tongue:
    """How sentences, lists and dates are said; this one in English."""

    def say(self, text: str, **gaps: object) -> str:
        """The sentence with its gaps filled."""
        return text.format(**gaps)

    def day(self, day: date, *, beside: date | None = None) -> str:
        """`22 June 2026`; the year is left out where the date that is said after it has the same."""
        short = f"{day.day} {MONTHS[day.month - 1]}"
        return short if beside is not None and beside.year == day.year else f"{short} {day.year}"


ENGLISH = Tongue()
