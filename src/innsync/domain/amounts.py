"""Numbers and amounts as people type them, in any country's way. What could be two numbers is refused, not guessed.

The rates grid reads them alike in its own language (static/portals/rates/amounts.js); both are held to one table of cases.
"""

from __future__ import annotations

import re
from decimal import Decimal

from innsync.domain.errors import InvalidField, InvalidMoney
from innsync.domain.money import Money, minor_digits

_SPACES = re.compile(r"[\s'’]")
_WIDE = re.compile("[\uff0b-\uff19]")
"""Digits and signs as a Japanese keyboard writes them."""
_WIDE_TO_PLAIN = 0xFEE0
_ONE_SIGN = re.compile(r"([0-9]*)(?:([.,])([0-9]*))?")
_GROUPED = re.compile(r"([0-9]{1,3}([.,])(?:[0-9]{2,3}\2)*[0-9]{3})(?:(?!\2)[.,]([0-9]*))?")
"""Also by twos, as in India: `1,23,456`."""
_A_GROUP = 3


def readings(typed: str, *, decimals: int = 2, decimal_sign: str = "") -> tuple[str, ...]:
    """What a number could mean, as plain decimals: nothing for what is no number, two where it could be either.

    One sign before three digits groups thousands where there are no decimals or where the writer's language has another
    decimal sign; where numbers have three decimals, it begins the fraction. Else it could be both: thousands come first.

    decimals: of such numbers. decimal_sign: of the language it is written in; empty where that is not known.
    """
    text = _WIDE.sub(lambda found: chr(ord(found[0]) - _WIDE_TO_PLAIN), typed)
    text = _SPACES.sub("", text).replace("\N{MINUS SIGN}", "-")
    minus, text = ("-" if text[:1] == "-" else "", text[1:] if text[:1] in ("+", "-") else text)
    if grouped := _GROUPED.fullmatch(text):
        whole, mark, fraction = grouped.groups()
        thousands = minus + re.sub("[.,]", "", whole)
        if text.count(mark) > 1 or fraction is not None:
            return (f"{thousands}.{fraction}" if fraction else thousands,)
        as_fraction = minus + whole.replace(",", ".")
        if decimals >= _A_GROUP or not whole.split(mark)[0].strip("0"):
            return (as_fraction,)
        if decimals == 0 or decimal_sign not in ("", mark):
            return (thousands,)
        return thousands, as_fraction
    plain = _ONE_SIGN.fullmatch(text)
    if plain is None or not (plain[1] or plain[3]):
        return ()
    return (f"{minus}{plain[1] or 0}.{plain[3]}" if plain[3] else minus + plain[1],)


def read_amount(typed: str, currency: str, *, decimal_sign: str = "") -> Money:
    """An amount in the currency. Raises InvalidField: its problem says why, its field is empty."""
    digits = minor_digits(currency)
    found = readings(typed, decimals=digits, decimal_sign=decimal_sign)
    if len(found) > 1:
        raise unclear(found[0], _at_least(found[1], digits), field="")
    try:
        return Money.parse(found[0] if found else "", currency)
    except InvalidMoney:
        raise InvalidField(field="", problem=f"is no amount in {currency}") from None


def read_factor(typed: str, field: str) -> Decimal:
    """How much of one thing another is. Raises InvalidField: in one sign before three digits no language helps."""
    found = readings(typed)
    if not found:
        raise InvalidField(field=field, problem="must be a number")
    if len(found) > 1:
        raise unclear(found[0], write_factor(Decimal(found[1])), field=field)
    return Decimal(found[0])


def write_factor(factor: Decimal) -> str:
    """So that it is read as what it is: without idle zeros, but never with three decimals that could be thousands."""
    text = f"{factor.normalize():f}"
    return f"{text}0" if len(readings(text)) > 1 else text


def unclear(thousands: str, fraction: str, *, field: str) -> InvalidField:
    return InvalidField(field=field, problem=f"could mean {thousands} or {fraction}: write it as one of these")


def _at_least(text: str, decimals: int) -> str:
    """Without idle zeros beyond those decimals: `1.250` as `1.25`."""
    whole, fraction = text.split(".")
    return f"{whole}.{fraction[:decimals]}{fraction[decimals:].rstrip('0')}"
