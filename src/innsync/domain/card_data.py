"""Cutting card numbers and security codes out of a message before it is stored.

Two nets. Fields that are known to carry card data are emptied whatever they hold: attributes, elements, members of JSON
(also within text), form fields, and security codes that are named in free text. Any other digits that make a card number
are masked to their last four, alone or in groups. The message stays readable by its parser: only values change.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE

# Any word that contains one of these, whatever stands before and after: cardNumber, cc_number, cardCvvCode ...
_PARTS = (
    r"card_?(?:number|num|no)(?![a-z])|cc_?(?:number|num|no)(?![a-z])|account_?number_?pan|series_?code|cvv|cvc|"
    r"security_?code|verification_?(?:number|value)|code_?verification|card_?verification|track_?(?:data|1|2)|"
    r"magnetic_?stripe"
)
_NAME = rf"(?:[\w.\-]{{0,40}}?(?:{_PARTS})[\w\-]{{0,20}}|pan)"
_QUOTE = r"""\\{0,3}["']"""

_ATTRIBUTE = re.compile(rf"""(?i)((?<![\w.\-"'])(?:\w{{1,40}}:)?{_NAME}\s{{0,5}}=\s{{0,5}})("[^"<]*"|'[^'<]*')""")
_ELEMENT = re.compile(rf"""(?is)(<((?:\w{{1,40}}:)?{_NAME})(?:\s[^<>]*)?(?<!/)>)(.{{0,600}}?)(</\2\s*>)""")
_MEMBER = re.compile(
    rf"""(?i)((?P<q>{_QUOTE}){_NAME}(?P=q)\s{{0,20}}:\s{{0,20}})(?:(?P<v>{_QUOTE})(.{{0,600}}?)(?P=v)|(\d[\d ]{{0,30}}))"""
)
_NESTED = re.compile(rf"""(?is)((?P<q>{_QUOTE}){_NAME}(?P=q)\s{{0,20}}:\s{{0,20}}[\[{{])([^\]}}]{{0,600}})""")
_FORM = re.compile(rf"""(?i)((?:^|[&?\n])(?:[\w.\-]|\[|\]|%5b|%5d){{0,40}}?{_NAME}(?:\]|%5d)?=)([^&\s"'<]*)""")
_CODE_IN_TEXT = re.compile(
    r"(?i)\b((?:cvv2?|cvc2?|cvn2?|card verification|security code|verification code|sicherheitscode)\b"
    r"[^\d\n<>\"'&]{0,15})(?<![\d.])\d{3,4}(?!\d|\.\d)"
)

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_GROUPS = r"(?<!\d)\d{1,19}(?:(?P<s>[ \-./_+\u00a0\u2009\u202f]|%20)\d{1,19}(?:(?P=s)\d{1,19})*)(?!\d)"
_RUN = re.compile(rf"{_UUID}|{_GROUPS}|(?<![\d])\d{{13,19}}(?!\d)")

# What the issuers' numbers begin with, and how long they are (ISO/IEC 7812): it tells a card from a mere identifier.
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|"
    r"3(?:0[0-5]|[689]\d)\d{11,16}|35(?:2[89]|[3-8]\d)\d{12,15}|6(?:011|4[4-9]\d|5\d\d|2\d\d)\d{12,15}|"
    r"(?:50|5[6-9]|6[0-9])\d{11,17}"
)


def is_card_number(digits: str) -> bool:
    """Whether 13 to 19 digits pass the Luhn check (ISO/IEC 7812-1, annex B) and are not all alike."""
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    total = 0
    for index, char in enumerate(reversed(digits)):
        digit = int(char) * (2 if index % 2 else 1)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


def _issued(digits: str) -> bool:
    return _ISSUERS.fullmatch(digits) is not None and is_card_number(digits)


def scrub(body: bytes) -> bytes:
    """The message without card data, in its own encoding.

    A number that only happens to look like a card's is masked too: ids of channels are shorter, carry letters or are
    UUIDs. Better one reference unreadable than one card kept.
    """
    encoding = _encoding(body)
    return scrub_text(body.decode(encoding)).encode(encoding)


def _encoding(body: bytes) -> str:
    """One that reads these bytes and writes the same again."""
    for mark, encoding in (
        (BOM_UTF8, "utf-8"),
        (BOM_UTF32_LE, "utf-32-le"),
        (BOM_UTF32_BE, "utf-32-be"),
        (BOM_UTF16_LE, "utf-16-le"),
        (BOM_UTF16_BE, "utf-16-be"),
    ):
        if body.startswith(mark) and _fits(body, encoding):
            return encoding
    if b"\x00" in body:
        # Without a mark, the zero bytes of what is mostly Latin letters tell which half of each is the upper one.
        even, odd = body[::2].count(0), body[1::2].count(0)
        for encoding in ("utf-16-be", "utf-16-le") if even > odd else ("utf-16-le", "utf-16-be"):
            if max(even, odd) * 4 > len(body) and _fits(body, encoding):
                return encoding
    return "utf-8" if _fits(body, "utf-8") else "latin-1"


def _fits(body: bytes, encoding: str) -> bool:
    try:
        body.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def scrub_text(text: str) -> str:
    """The text without card data. Doing it twice changes nothing more."""
    text = _ATTRIBUTE.sub(_attribute, text)
    text = _ELEMENT.sub(lambda found: f"{found[1]}{_inner(found[3])}{found[4]}", text)
    text = _MEMBER.sub(_member, text)
    text = _NESTED.sub(lambda found: found[1] + re.sub(r"\d", "*", found[3]), text)
    text = _FORM.sub(lambda found: found[1] + _mask(found[2]), text)
    text = _CODE_IN_TEXT.sub(r"\1***", text)
    return _RUN.sub(_run, text)


def _mask(value: str) -> str:
    """Nothing of a value but the last four of a card number, where it is one or was one before it was masked."""
    if not value.strip():
        return value
    digits = re.sub(r"%20|\D", "", value)
    masked = re.search(r"[*xX•]{4}", value) is not None
    keeps = len(digits) >= 13 or (masked and len(digits) >= 4)
    return f"************{digits[-4:]}" if keeps else "***"


def _attribute(found: re.Match[str]) -> str:
    mark = found[2][0]
    return f"{found[1]}{mark}{_mask(found[2][1:-1])}{mark}"


_TEXT = re.compile(r"(?s)(<!\[CDATA\[)(.*?)(\]\]>)|(<[^>]*>)|([^<]+)")


def _inner(content: str) -> str:
    """What an element holds with all its text masked, tags and CDATA marks left."""
    return _TEXT.sub(
        lambda found: f"{found[1]}{_mask(found[2])}{found[3]}" if found[1] else found[4] or _mask(found[5]), content
    )


def _member(found: re.Match[str]) -> str:
    if found["v"] is None:
        return f"{found[1]}{found['q']}{_mask(found[5])}{found['q']}"
    return f"{found[1]}{found['v']}{_mask(found[4])}{found['v']}"


def _run(found: re.Match[str]) -> str:
    """A run of digits, alone or in groups: every card number in it masked."""
    text = found[0]
    separator = found["s"]
    if separator is None:
        return _mask(text) if text.isdigit() and _alone(found) else text
    groups = text.split(separator)
    kept: list[str] = []
    place = 0
    while place < len(groups):
        taken = _card_groups(groups, place)
        if taken:
            kept.append(_mask("".join(groups[place : place + taken])))
        else:
            kept.append(_mask(groups[place]) if is_card_number(groups[place]) else groups[place])
        place += max(taken, 1)
    return separator.join(kept)


def _alone(found: re.Match[str]) -> bool:
    """Digits in one piece. Beside a letter they are more likely part of an id: only an issuer's number counts there."""
    text, whole = found[0], found.string
    before = whole[found.start() - 1 : found.start()]
    after = whole[found.end() : found.end() + 1]
    if before.isalpha() or before == "_" or after.isalpha() or after == "_":
        return _issued(text)
    return is_card_number(text)


def _card_groups(groups: list[str], place: int) -> int:
    """How many of the groups from this place on make a card number together; 0 when none do."""
    digits = ""
    for count, group in enumerate(groups[place : place + 19], 1):
        digits += group
        if len(digits) > 19:
            return 0
        if count > 1 and len(digits) >= 13 and _issued(digits):
            return count
    return 0
