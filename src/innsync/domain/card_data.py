"""Cutting card numbers and security codes out of a message before it is stored.

Two nets. Fields that are known to carry card data are emptied whatever they hold: attributes, elements, members of JSON
(also within text), form fields, and security codes that are named in free text. Any other digits that make a card number
are masked to their last four, alone or in groups. The message stays readable by its parser: only values change.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from collections.abc import Collection, Sequence

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
# That a name is a member's at all is asked first: it is quicker than what kind of name.
_MEMBER_NAME = rf"(?P<q>{_QUOTE})(?=[\w.\-]{{3,100}}(?P=q)\s{{0,20}}:){_NAME}(?P=q)"
_MEMBER = re.compile(
    rf"""(?i)({_MEMBER_NAME}\s{{0,20}}:\s{{0,20}})(?:(?P<v>{_QUOTE})(.{{0,600}}?)(?P=v)|(\d[\d ]{{0,30}}))"""
)
_NESTED = re.compile(rf"""(?is)({_MEMBER_NAME}\s{{0,20}}:\s{{0,20}}[\[{{])([^\]}}]{{0,600}})""")
_FORM = re.compile(rf"""(?i)((?:^|[&?\n])(?:[\w.\-]|\[|\]|%5b|%5d){{0,40}}?{_NAME}(?:\]|%5d)?=)([^&\s"'<]*)""")
_CODE_IN_TEXT = re.compile(
    r"(?i)\b((?:cvv2?|cvc2?|cvn2?|card verification|security code|verification code|sicherheitscode)\b"
    r"[^\d\n<>\"'&]{0,15})(?<![\d.])\d{3,4}(?!\d|\.\d)"
)

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_AN_ID = re.compile(_UUID)
_MARK = r"[ \t\-./_+\u00a0\u2000-\u200f\u2010-\u2015\u202f\u2060\u3000\ufeff\r\n]"
_BETWEEN = rf"(?:{_MARK}{{1,3}}|\\[nrt]|%20|%0[aAdD]|%[cC]2%[aA]0)"
_PARTED = re.compile(rf"({_BETWEEN})")
_GROUPS = rf"(?<!\d)\d{{1,19}}(?:{_BETWEEN}\d{{1,19}})+(?!\d)"
# As cards are printed. Parted in several ways, only such groups are one number: others may be amounts, dates, telephones.
_PRINTED = {(4, 4, 4, 4), (4, 6, 5), (4, 5, 6), (4, 6, 4), (4, 4, 4, 4, 3)}
# Digits and what parts them, in the escapes of JSON (also within text) and XML.
_ESCAPED = re.compile(
    r"\\{1,4}u(?P<j>00(?:3[0-9]|2[0def]|[aA]0)|20(?:0[0-9a-fA-F]|1[0-5]|2[fF]|60)|3000|[fF][eE][fF][fF])"
    r"|&#(?:0{0,6}(?P<d>4[5-9]|5[0-7]|32|160|8(?:19[2-9]|20\d|21[0-3]))|[xX]0{0,6}(?P<h>3[0-9]|2[0dDeEfF]|[aA]0|20(?:0[0-9a-fA-F]|1[0-5])));"
    r"|&nbsp;"
)
_RUN = re.compile(rf"{_UUID}|{_GROUPS}|(?<![\d])\d{{13,19}}(?!\d)")

# As only cards are grouped: what also parts amounts, fields and times of day may stand between.
_PRINTED_BY_MARKS = re.compile(
    r"(?<![\d*])(?<!\d\.)(?:\d{4}(?P<a>[,|:;])(?:\d{4}(?P=a)){2}\d{4}(?P<last>(?P=a)\d{3}(?!\d))?"
    r"|\d{4}(?P<b>[,|:;])(?:\d{6}(?P=b)\d{4,5}|\d{5}(?P=b)\d{6}))(?!\d|\.\d)"
)
# Behind a card, by its own mark: when it expires, or its code. Another number makes it a list of amounts.
_BEHIND_A_CARD = re.compile(r"[,|:;](?:(?:0?[1-9]|1[0-2])[,|:;/.\- ]?(?:20)?[2-4]\d|\d{3})(?!\d)")
# What the issuers' numbers begin with, and how long they are (ISO/IEC 7812): it tells a card from a mere identifier.
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|"
    r"3(?:0[0-5]|[689]\d)\d{11,16}|35(?:2[89]|[3-8]\d)\d{12,15}|6(?:011|4[4-9]\d|5\d\d|2\d\d)\d{12,15}|"
    r"(?:50|5[6-9]|6[0-9])\d{11,17}|220[0-4]\d{12,15}|8[12]\d{14}|9792\d{12}|2131\d{11}"
)
# As long as a telephone number of America with its extension: only in one piece or as it is printed is it a card.
_UATP = re.compile(r"1\d{14}")
_UATP_PRINTED = {(15,), (4, 5, 6), (4, 6, 5)}


# One of them is in every name of `_NAME` and every word of `_CODE_IN_TEXT`, in small letters.
_TELLING = (
    *(
        "card_n",
        "cardn",
        "cc_n",
        "ccn",
        "number_pan",
        "numberpan",
        "series_code",
        "seriescode",
        "cvv",
        "cvc",
        "cvn",
        "verification",
    ),
    *("security_code", "securitycode", "security code", "track_data", "trackdata", "track_1", "track1", "track_2"),
    *("track2", "magnetic", "sicherheitscode"),
)
# The one name that is a part of other words, such as occupancy.
_PAN = re.compile(r"pan(?!\w)")
# Letters that a search without regard to case takes for an i, an s or a k, and that have other small ones.
_LIKE_OTHERS = ("\u0130", "\u0131", "\u017f", "\u212a")
# The marks behind a name, what a code is called, or enough digits: without any of them none of the above is found.
_MAY_HOLD_ANY = re.compile(r"[=:<]|(?i:cv[vcn]|verification|code)|(?:\d\D*+){13}")
# What is cheap to look for, and without which the dear search behind it finds nothing.
_MAY_BE_MARKED = re.compile(r"\d{4}[,|:;]\d{4}")
_MAY_RUN = re.compile(rf"(?<!\d)\d(?:{_MARK}{{0,3}}\d){{12}}|[%\\]")
# From where a telling word begins to what must follow it.
_NESTS = re.compile(rf"[\w.\-]{{0,60}}{_QUOTE}\s{{0,20}}:\s{{0,20}}[\[{{]")
_IS_MEMBER = re.compile(rf"[\w.\-]{{0,60}}{_QUOTE}\s{{0,20}}:")
_SAYS_A_CODE = re.compile(r"[^\d\n<>\"'&]{0,20}\d?[^\d\n<>\"'&]{0,15}\d")


def is_card_number(digits: str) -> bool:
    """Whether 13 to 19 digits pass the Luhn check (ISO/IEC 7812-1, annex B) and are not all alike."""
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    total = 0
    for index, char in enumerate(reversed(digits)):
        digit = int(char) * (2 if index % 2 else 1)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


def _issued(*groups: str) -> bool:
    """Whether these groups, or the one piece, make a number that issuers give."""
    digits = "".join(groups)
    plain = digits if digits.isascii() else "".join(str(int(one)) for one in digits)
    given = _ISSUERS.fullmatch(plain) or (tuple(map(len, groups)) in _UATP_PRINTED and _UATP.fullmatch(plain))
    return bool(given) and is_card_number(plain)


def scrub(body: bytes, *, spare: Collection[str] = ()) -> bytes:
    """The message without card data, in its own encoding. spare: numbers that are known to be names, such as the booking's.

    A number that only happens to look like a card's is masked too: ids of channels are shorter, carry letters or are
    UUIDs. Better one reference unreadable than one card kept.
    """
    encoding = _encoding(body)
    return scrub_text(body.decode(encoding), spare=spare).encode(encoding)


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


def scrub_text(text: str, *, spare: Collection[str] = ()) -> str:
    """The text without card data. Doing it twice changes nothing more."""
    if not _MAY_HOLD_ANY.search(text):
        return text
    plain = _ESCAPED.sub(_unescape, text) if "\\" in text or "&" in text else text
    if plain != text:
        # Only for a card is a message written otherwise than it came.
        scrubbed = _scrub_plain(plain, spare)
        if scrubbed != plain:
            return scrubbed
    return _scrub_plain(text, spare)


def scrub_phone(text: str) -> str:
    """A telephone number as it was typed, unless it is a card's.

    Thirteen digits, fourteen after a plus, or an American number with a short extension are none.
    """
    digits = re.sub(r"\D", "", text)
    if len(digits) <= 13 or (len(digits) == 14 and text.lstrip().startswith("+")) or _UATP.fullmatch(digits):
        return text
    return _mask(text) if _issued(digits) else scrub_text(text)


def _unescape(found: re.Match[str]) -> str:
    """The digit or mark that is meant; a plain blank for all kinds of them."""
    code = int(found["d"]) if found["d"] else int(found["j"] or found["h"] or "20", 16)
    return chr(code) if code < 0x80 else " "


def _scrub_plain(text: str, spare: Collection[str]) -> str:
    if _telling_places(text):
        # A mark that a notation can't do without is looked for first: that takes next to nothing.
        if "=" in text:
            text = _ATTRIBUTE.sub(_attribute, text)
        if "<" in text:
            text = _ELEMENT.sub(lambda found: f"{found[1]}{_inner(found[3])}{found[4]}", text)
        if _tells(text, _IS_MEMBER):
            text = _MEMBER.sub(_member, text)
        if _tells(text, _NESTS):
            text = _NESTED.sub(lambda found: found[1] + re.sub(r"\d", "*", found[3]), text)
        if "=" in text:
            text = _FORM.sub(lambda found: found[1] + _mask(found[2]), text)
        if _tells(text, _SAYS_A_CODE):
            text = _CODE_IN_TEXT.sub(r"\1***", text)
    if _MAY_BE_MARKED.search(text):
        text = _by_marks(text)
    if not _MAY_RUN.search(text):
        return text
    # Dates and amounts are runs too, mostly too short for a card.
    return _RUN.sub(lambda found: found[0] if len(found[0]) < 13 or found[0] in spare else _run(found), text)


def _tells(text: str, follows: re.Pattern[str]) -> bool:
    """Whether that follows any telling word."""
    return any(follows.match(text, place) for place in _telling_places(text))


def _telling_places(text: str) -> Sequence[int]:
    """Where a word begins that tells of named fields: a hundred times quicker than to look for these."""
    small = text.lower()
    if len(small) != len(text) or any(letter in text for letter in _LIKE_OTHERS):
        return range(len(text))
    places = [found.start() for found in _PAN.finditer(small)]
    for word in _TELLING:
        place = small.find(word)
        while place >= 0:
            places.append(place)
            place = small.find(word, place + 1)
    return places


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
    if _AN_ID.fullmatch(text):
        return text
    if text.isdigit():
        return _one_piece(found)
    parts = _PARTED.split(text)
    groups, between = parts[::2], parts[1::2]
    kept: list[str] = []
    place = 0
    while place < len(groups):
        taken = _card_groups(groups, between, place)
        if taken:
            kept.append(_mask("".join(groups[place : place + taken])))
        else:
            kept.append(_mask(groups[place]) if is_card_number(groups[place]) else groups[place])
        place += max(taken, 1)
        kept += between[place - 1 : place]
    return "".join(kept)


def _by_marks(text: str) -> str:
    """The text with every card masked whose groups stand between commas, bars, colons or semicolons."""
    kept, place = [""], 0
    done = 0
    while found := _PRINTED_BY_MARKS.search(text, place):
        end = _end_of_card(found)
        place = end or found.start() + 4
        if end:
            kept += [text[done : found.start()], _mask(text[found.start() : end])]
            done = end
    return "".join([*kept, text[done:]])


def _end_of_card(found: re.Match[str]) -> int:
    """Where the card ends that begins here; 0 when these are other numbers."""
    text, mark = found.string, found["a"] or found["b"]
    for end in (found.end(), found.start("last")):
        if end > 0 and _issued(*text[found.start() : end].split(mark)):
            return 0 if _in_list(text, found.start(), end, mark) else end
    return 0


def _in_list(text: str, start: int, end: int, mark: str) -> bool:
    """Whether numbers between these places belong to a longer list of them, or are an array of JSON."""
    if mark == "|":
        return False
    before, after = text[max(0, start - 60) : start], text[end : end + 60]
    if before[-1:] == mark and before[-2:-1].isdigit():
        return True
    if after[:1] == mark and after[1:2].isdigit() and not _BEHIND_A_CARD.match(after):
        return True
    if mark != "," or not _LIST_BEFORE.search(before) or not _LIST_AFTER.match(after):
        return False
    # Outside a text, and so within the array that opened last.
    opened = text.rfind("[", max(0, start - 1000), start)
    return opened >= 0 and text.count('"', opened, start) % 2 == 0


_MEMBER_BEFORE = re.compile(r"""(\\{0,3}")\s{0,20}:\s{0,20}$""")
_LIST_BEFORE = re.compile(r"[\[,](?:\s|\\{1,3}[nrt]){0,20}$")
_LIST_AFTER = re.compile(r"(?:\s|\\{1,3}[nrt]){0,20}[,\]]")
_VALUE_AFTER = re.compile(r"\s{0,20}[,}\]]")


def _one_piece(found: re.Match[str]) -> str:
    """Digits in one piece, masked if they are a card's.

    Beside a letter, or as a number of JSON, they are more likely an id or a moment: only an issuer's number counts there.
    """
    text, whole = found[0], found.string
    before, after = whole[max(0, found.start() - 50) : found.start()], whole[found.end() : found.end() + 22]
    if _is_phone(text, before):
        return text
    value = _VALUE_AFTER.match(after) is not None
    member = _MEMBER_BEFORE.search(before) if value else None
    if member is not None:
        return f"{member[1]}{_mask(text)}{member[1]}" if _issued(text) else text
    beside = (before[-1:], after[:1])
    if (value and _LIST_BEFORE.search(before)) or any(one.isalpha() or one == "_" for one in beside):
        return _mask(text) if _issued(text) else text
    return _mask(text) if is_card_number(text) else text


def _is_phone(digits: str, before: str) -> bool:
    """An international telephone number; fifteen digits after a plus are rather an American Express card."""
    return len(digits) <= 14 and before.endswith("+") and not before[-2:-1].isalnum()


def _card_groups(groups: list[str], between: list[str], place: int) -> int:
    """How many of the groups from this place on make a card number together; 0 when none do."""
    size = len(groups[place])
    marks = between[place : place + 18]
    alike = "\n" not in "".join(marks[:1])
    for count, mark in enumerate(marks, 2):
        size += len(groups[place + count - 1])
        if size > 19:
            return 0
        alike = alike and mark == marks[0]
        if size >= 13:
            taken = groups[place : place + count]
            if (alike or tuple(map(len, taken)) in _PRINTED) and _issued(*taken):
                return count
    return 0
