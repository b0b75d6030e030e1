"""What a reservation says of its payment, without any card data (NOTES.md 5.6)."""

from __future__ import annotations

from typing import Final

from lxml import etree

from innsync.channels.booking_com.mapping.xml import attribute, deep, each, text

# The vendor can mark the rate of a booking that it paid with a virtual card (NOTES.md 5.6).
VIRTUAL_CARD_MARK: Final = "VCC"
_NO_CARD: Final = "NOCCRESERVATION"


def without_mark(rate: str) -> str:
    """The rate's id without the mark of a virtual card."""
    return rate.removesuffix(VIRTUAL_CARD_MARK)


def read(element: etree._Element) -> dict[str, str | bool]:
    """{"collect", "virtual", "last4", "card", "active_from"}, as far as said; no number, no code, no expiry."""
    marked = any(
        attribute(rate, "RatePlanCode").endswith(VIRTUAL_CARD_MARK)
        for rate in each(element, "RoomStays/RoomStay/RoomRates/RoomRate")
    )
    card = next(iter(deep(element, "PaymentCard")), None)
    known = card is not None and text(card, "CardHolderName").upper() != _NO_CARD
    virtual = marked or (known and bool(attribute(card, "EffectiveDate")))
    said: dict[str, str | bool] = {"collect": "channel" if virtual else "property", "virtual": virtual}
    if card is None or not known:
        return said
    last4 = attribute(card, "CardNumber").replace(" ", "")[-4:]
    if len(last4) == 4 and last4.isdigit() and last4 != "0000":
        said["last4"] = last4
    if attribute(card, "CardCode") not in ("", "-", "XX"):
        said["card"] = attribute(card, "CardCode")
    if attribute(card, "EffectiveDate"):
        said["active_from"] = attribute(card, "EffectiveDate")
    return said
