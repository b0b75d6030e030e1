"""Is this the same guest as one we know? Rather twice in the list than two strangers in one.

A merge cannot easily be taken back, so one equal field never suffices (complaint C48): travel sites hand out an e-mail
alias for each booking, siblings share a telephone, a couple shares a mailbox. Only a real e-mail address together with a
name that does not contradict makes two records the same person; a shared telephone or mailbox is shown to a person.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

# Domains (and everything below them) where a travel site makes up an address for one booking. Sources: the sites' own
# partner help and message samples. These are the well-known ones that have no adapter here: their guests come through
# others. A channel with an adapter names its own in its manifest, and they are passed as `more`.
RELAY_DOMAINS = frozenset(
    {
        "guest.airbnb.com",
        "host.airbnb.com",
        "reply.airbnb.com",
        "messages.homeaway.com",
        "messages.vrbo.com",
        "agoda-messaging.com",
        "guest.trip.com",
        "guest.hostelworld.com",
    }
)

_TITLES = frozenset({"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "herr", "frau", "sr", "sra", "m", "mme", "mlle"})
# Countries whose numbers keep the leading zero after the country code: Italy, San Marino, the Vatican.
_KEEPS_ZERO = frozenset({"39", "378", "379"})
_MAILBOX = re.compile(r"[^\s@<>(),;:]+@[^\s@<>(),;:]+\.[^\s@<>(),;:.]{2,}")


class MatchVerdict(StrEnum):
    SAME = "same"  # merge
    SUGGEST = "suggest"  # show both to a person
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class GuestIdentity:
    """What a booking says about who comes; any part may be empty. country_code: of the telephone, digits only."""

    name: str = ""
    email: str = ""
    phone: str = ""
    country_code: str = ""


def normalise_email(email: str) -> str | None:
    """The address in lower case, or None when it is none. Dots and +tags stay: another mailbox is another mailbox."""
    text = unicodedata.normalize("NFKC", email).strip().removeprefix("mailto:").lower()
    return text if _MAILBOX.fullmatch(text) else None


def is_relay_address(email: str, more: Collection[str] = ()) -> bool:
    """Whether a travel site made this address up for one booking; it says nothing about who the person is."""
    normal = normalise_email(email)
    if normal is None:
        return False
    domain = normal.rpartition("@")[2]
    return any(domain == relay or domain.endswith(f".{relay}") for relay in (*RELAY_DOMAINS, *more))


def normalise_phone(phone: str, country_code: str = "") -> str | None:
    """`+` and digits only, as E.164 writes it; without a country code known, the national digits alone.

    None for what is no telephone: fewer than 7 or more than 15 digits, or one digit over and over.
    """
    text = unicodedata.normalize("NFKC", phone).strip()
    international = text.startswith(("+", "00"))
    digits = re.sub(r"\D", "", text.replace("(0)", "") if international else text)
    if international:
        digits = digits.lstrip("0")
    if not 7 <= len(digits) <= 15 or len(set(digits)) == 1:
        return None
    if international:
        return f"+{digits}"
    if not country_code:
        return digits
    return f"+{country_code}{digits if country_code in _KEEPS_ZERO else digits.lstrip('0')}"


def compatible_names(one: str, other: str) -> bool:
    """Whether both may name one person: every word of the shorter is in the longer, as it is or as its initial.

    Order, accents, titles and case do not matter; at least one whole word must be shared. An empty name agrees with none.
    """
    shorter, longer = sorted((_words(one), _words(other)), key=len)
    left, shared = list(longer), False
    for word in sorted(shorter, key=len, reverse=True):  # whole words first, so that an initial takes what remains
        fitting = [at for at in left if at == word] or [at for at in left if _initial(at, word)]
        if not fitting:
            return False
        shared = shared or (fitting[0] == word and len(word) > 1)
        left.remove(fitting[0])
    return shared


def match(candidate: GuestIdentity, existing: GuestIdentity, relay_domains: Collection[str] = ()) -> MatchVerdict:
    """The verdict, the same whichever of the two is new. Source: complaint C48."""
    mailbox = _real_mailbox(candidate, relay_domains)
    if mailbox is not None and mailbox == _real_mailbox(existing, relay_domains):
        return MatchVerdict.SAME if compatible_names(candidate.name, existing.name) else MatchVerdict.SUGGEST
    phone = normalise_phone(candidate.phone, candidate.country_code)
    if phone is not None and phone == normalise_phone(existing.phone, existing.country_code):
        return MatchVerdict.SUGGEST
    return MatchVerdict.DIFFERENT


def _real_mailbox(guest: GuestIdentity, relay_domains: Collection[str]) -> str | None:
    return None if is_relay_address(guest.email, relay_domains) else normalise_email(guest.email)


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name).casefold()
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    words = re.findall(r"[^\W\d_]+", letters.replace("'", "").replace("’", ""))
    return [word for word in words if word not in _TITLES or len(words) == 1]


def _initial(one: str, other: str) -> bool:
    return one[0] == other[0] and 1 in (len(one), len(other))
