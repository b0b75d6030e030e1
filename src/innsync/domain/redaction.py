"""What must never stand in a log, cut out of anything that is about to be written there.

Card numbers are taken out wherever they stand; secrets by the name of their field, by their shape, or by the words around them; of
an e-mail address enough is left to recognise it by. Values inside containers are cleaned too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

CUT = "[cut]"
CARD = "[card number cut]"

_SECRET_NAME = re.compile(
    r"authorization|api[-_]?key|secret|passw|passphrase|token|cookie|credential|signature|private[-_]?key"
    r"|cvv|cvc|\bcsc\b|card[-_]?number|\bpan\b|\bpwd\b|ticket",
    re.IGNORECASE,
)
# Thirteen to nineteen digits, however grouped; a longer run of digits is an identifier, not a card.
_MAYBE_CARD = re.compile(r"(?<![\d.])\d(?:[ \-.\u00a0\u2009]{0,2}\d){12,18}(?![\d])")
_SHAPES = (
    # our own API keys, webhook secrets and common vendors' live keys
    (re.compile(r"\b(isk|whsec|sk|pk|rk)_[A-Za-z0-9_\-]{6,}"), r"\1_" + CUT),
    # JSON web tokens
    (re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"), CUT),
    (re.compile(r"\b(Basic|Bearer|Digest|Token)\s+[A-Za-z0-9+/=._~\-]{6,}", re.IGNORECASE), r"\1 " + CUT),
    # user:password@ in an address
    (re.compile(r"(\w://[^\s/:@]*):[^\s@]+@"), r"\1:" + CUT + "@"),
    (
        re.compile(
            r"(?P<name>[\w-]*(?:passw(?:or)?d|passwd|secret|token|api[_-]?key|x-api-key|cvv|cvc|authorization)[\w-]*"
            r"[\"']?\s*[:=]\s*)(?P<quote>[\"']?)(?!\[cut\]|(?:Basic|Bearer|Digest|Token)\s)[^\s\"'&,;}]+(?P=quote)",
            re.IGNORECASE,
        ),
        r"\g<name>\g<quote>" + CUT + r"\g<quote>",
    ),
    # <CVV>123</CVV>, <Password>x</Password> in vendors' XML
    (
        re.compile(r"(<(?:\w+:)?(?:\w*(?:password|secret|token|cvv|cvc|seriescode)\w*)\b[^>]*>)[^<]+", re.IGNORECASE),
        r"\1" + CUT,
    ),
)
_EMAIL = re.compile(r"\b([A-Za-z0-9])[A-Za-z0-9._%+'\-]*@([A-Za-z0-9.\-]+\.[A-Za-z]{2,})\b")
DEPTH_LIMIT = 8


def clean(value: Any, *, name: str = "", depth: int = 0) -> Any:
    """The value without what is secret; of the same kind, so far as it holds text."""
    if name and _SECRET_NAME.search(name) and value not in (None, "", True, False):
        return CUT
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, bytes):
        return clean_text(value.decode("utf-8", "replace"))
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return CARD if is_card_number(str(value)) else value
    if depth >= DEPTH_LIMIT:
        return "[too deep]"
    if isinstance(value, Mapping):
        return {clean_text(str(key)): clean(item, name=str(key), depth=depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(item, depth=depth + 1) for item in value]
    return clean_text(str(value))


def clean_text(text: str) -> str:
    """The text without card numbers and secrets, and with e-mail addresses shortened to `s***@example.com`."""
    text = _MAYBE_CARD.sub(_cut_if_card, text)
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return _EMAIL.sub(r"\1***@\2", text)


def _cut_if_card(found: re.Match[str]) -> str:
    return CARD if is_card_number(re.sub(r"\D", "", found.group())) else found.group()


def is_card_number(digits: str) -> bool:
    """Whether it is 13 to 19 digits that pass the Luhn check (ISO/IEC 7812-1, annex B)."""
    if not (13 <= len(digits) <= 19 and digits.isascii() and digits.isdigit()) or len(set(digits)) == 1:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
