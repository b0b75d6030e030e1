"""Raw requests to Expedia's world, as a partner with bad manners sends them."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
from lxml import etree

from .conftest import Place

AR_NS = "http://www.expediaconnect.com/EQC/AR/2011/06"
BR_NS = "http://www.expediaconnect.com/EQC/BR/2014/01"
BC_NS = "http://www.expediaconnect.com/EQC/BC/2007/09"
PARR_NS = "http://www.expediaconnect.com/EQC/PAR/2013/07"
ACCOUNT = '<Authentication username="EQCdemo001" password="secret-demo"/>'


def post(place: Place, path: str, body: str | bytes) -> etree._Element:
    url = f"{place.session.base_urls['eqc']}/eqc/{path}"
    response = httpx.post(url, content=body, headers={"content-type": "text/xml"})
    assert response.status_code == 200
    return etree.fromstring(response.content)


def codes(root: etree._Element) -> list[str]:
    return [item.attrib["code"] for item in root.iter("{*}Error", "{*}Warning")]


class Ar:
    """AR requests with one thing changed."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.room = place.room().room
        self.plan = place.product().rate

    def body(
        self,
        *,
        inside: str | None = None,
        room: str = "",
        first: int = 0,
        last: int = 3,
        account: str = ACCOUNT,
        hotel: str = "",
        dates: str = "",
        blocks: int = 1,
    ) -> str:
        content = '<Inventory totalInventoryAvailable="3"/>' if inside is None else inside
        dates = dates or f'<DateRange from="{self.place.day(first)}" to="{self.place.day(last)}"/>'
        block = (
            f'<AvailRateUpdate>{dates}<RoomType id="{room or self.room}" closed="false">{content}</RoomType>'
            "</AvailRateUpdate>"
        )
        return (
            f'<AvailRateUpdateRQ xmlns="{AR_NS}">{account}<Hotel id="{hotel or self.place.prop.id}"/>'
            f"{block * blocks}</AvailRateUpdateRQ>"
        )

    def rate(self, inside: str, plan: str = "") -> str:
        return f'<RatePlan id="{plan or self.plan}">{inside}</RatePlan>'

    def send(self, **about: object) -> list[str]:
        return codes(post(self.place, "ar", self.body(**about)))  # type: ignore[arg-type]


def br(place: Place, *parameters: str, hotel: bool = False) -> list[etree._Element]:
    inside = f"<ParamSet>{''.join(parameters)}</ParamSet>" if parameters else ""
    named = f'<Hotel id="{place.prop.id}"/>' if hotel else ""
    body = f'<BookingRetrievalRQ xmlns="{BR_NS}">{ACCOUNT}{named}{inside}</BookingRetrievalRQ>'
    return list(post(place, "br", body).iter("{*}Booking"))


def status(value: str) -> str:
    return f'<Status value="{value}"/>'


def bc(place: Place, *items: tuple[str, str, str], hotel: str = "") -> list[str]:
    numbers = "".join(
        f'<BookingConfirmNumber bookingID="{reference}" bookingType="{kind}" confirmNumber="{number}" '
        f'confirmTime="{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"/>'
        for reference, kind, number in items
    )
    body = (
        f'<BookingConfirmRQ xmlns="{BC_NS}">{ACCOUNT}<Hotel id="{hotel or place.prop.id}"/>'
        f"<BookingConfirmNumbers>{numbers}</BookingConfirmNumbers></BookingConfirmRQ>"
    )
    return codes(post(place, "bc", body))
