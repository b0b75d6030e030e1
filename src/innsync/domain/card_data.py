"""Cutting card numbers and security codes out of a message before it is stored.

Two nets: fields that are known to carry card data are emptied whatever they hold, and any other run of 13 to 19 digits
that passes the Luhn check is masked to its last four. The message stays readable by its parser: only values change.
"""

from __future__ import annotations

import re

_NAMES = (
    r"card_?number|cardnumber|cc_?number|pan|series_?code|seriescode|cvv2?|cvc2?|cc_cvc|card_?code_?verification|"
    r"security_?code|verification_?(?:number|value)|card_?cvv|card_?cvc|track_?data|magnetic_?stripe"
)
_ATTRIBUTE = re.compile(rf"""(?i)(\b(?:\w+:)?(?:{_NAMES})\s*=\s*)("[^"]*"|'[^']*')""")
_ELEMENT = re.compile(rf"""(?is)(<(?:\w+:)?({_NAMES})(?:\s[^>]*)?>)([^<]*)(</)""")
_JSON = re.compile(rf"""(?i)((?:\\?["'])(?:{_NAMES})(?:\\?["'])\s*:\s*)((\\?["'])(?:(?!\3).)*\3|[\d ]+)""")
_FORM = re.compile(rf"""(?i)((?:^|&)(?:{_NAMES})=)([^&]*)""")
_DIGITS = re.compile(r"(?<![\w.-])\d(?:[ \-.]?\d){12,18}(?![\w-])")


def is_card_number(digits: str) -> bool:
    """Whether 13 to 19 digits pass the Luhn check (ISO/IEC 7812-1, annex B) and are not all alike."""
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    total = 0
    for index, char in enumerate(reversed(digits)):
        digit = int(char) * (2 if index % 2 else 1)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


def _mask(value: str) -> str:
    digits = re.sub(r"\D", "", value)
    return f"************{digits[-4:]}" if len(digits) >= 13 else "***"


def _quoted(match: re.Match[str]) -> str:
    value = match.group(2)
    mark = '\\"' if value.startswith('\\"') else value[0] if value[:1] in "\"'" else '"'
    inner = value[len(mark) : -len(mark)] if value.startswith(mark) else value
    return f"{match.group(1)}{mark}{_mask(inner) if inner.strip() else inner}{mark}"


def _bare(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match.group(0))
    return _mask(digits) if is_card_number(digits) else match.group(0)


def scrub(body: bytes) -> bytes:
    """The message without card data, in its own encoding where that is UTF-8 or a single-byte one.

    A number that only happens to pass the check (one in ten of that length) is masked too: ids of channels are shorter
    or carry letters. Better one reference unreadable than one card kept.
    """
    try:
        text, encoding = body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        text, encoding = body.decode("latin-1"), "latin-1"
    if "\x00" in text[:200] and encoding == "utf-8":
        return _scrub_wide(body)
    return scrub_text(text).encode(encoding)


def _scrub_wide(body: bytes) -> bytes:
    for encoding in ("utf-16-le", "utf-16-be"):
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "<" in text[:50] or "{" in text[:50]:
            return scrub_text(text).encode(encoding)
    return scrub_text(body.decode("latin-1").replace("\x00", "")).encode("latin-1")


def scrub_text(text: str) -> str:
    """The text without card data."""
    text = _ATTRIBUTE.sub(_quoted, text)
    text = _ELEMENT.sub(
        lambda match: (
            f"{match.group(1)}{_mask(match.group(3)) if match.group(3).strip() else match.group(3)}{match.group(4)}"
        ),
        text,
    )
    text = _JSON.sub(_quoted, text)
    text = _FORM.sub(lambda match: match.group(1) + (_mask(match.group(2)) if match.group(2) else ""), text)
    return _DIGITS.sub(_bare, text)
