"""Requests to the simulated vendor that a partner writes by hand: no adapter."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import httpx
from lxml import etree

from innsync.channels.booking_com.simulator.world import BookingComWorld
from innsync.integrations.simulation.world import Stay

OTA = "http://www.opentravel.org/OTA/2003/05"
AVAIL = "/booking_com/hotels/ota/OTA_HotelAvailNotif"
RATES = "/booking_com/hotels/ota/OTA_HotelRateAmountNotif"
NEW = "/booking_com/hotels/ota/OTA_HotelResNotif"
MODIFIED = "/booking_com/hotels/ota/OTA_HotelResModifyNotif"
READ = "/booking_com/hotels/xml/roomrateavailability"
EXCHANGE = "/booking_com/token-based-authentication/exchange"
ROOM, RATE, DERIVED = "900100101", "7700001", "7700003"


class Caller:
    """A partner that writes its requests by hand."""

    def __init__(self, world: BookingComWorld, http: httpx.Client) -> None:
        self.world = world
        self.http = http
        self.token = self.http.post(EXCHANGE, json=world.accounts()[0]).json()["jwt"]

    def headers(self, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/xml", **more}

    def post(self, path: str, body: str, **more: str) -> Any:
        return self.http.post(path, content=body.encode(), headers=self.headers(**more))

    def get(self, path: str, **params: str) -> Any:
        return self.http.get(path, params=params, headers={"Authorization": f"Bearer {self.token}"})

    def avail(self, *lines: str, attributes: str = "") -> Any:
        return self.post(
            AVAIL,
            f'<OTA_HotelAvailNotifRQ xmlns="{OTA}" TimeStamp="2027-02-01T09:00:00" Target="Test" Version="1.005">'
            f"<AvailStatusMessages {attributes}>{''.join(lines)}</AvailStatusMessages></OTA_HotelAvailNotifRQ>",
        )

    def rates(self, *lines: str, hotel: str = "9001001") -> Any:
        return self.post(
            RATES,
            f'<OTA_HotelRateAmountNotifRQ xmlns="{OTA}" TimeStamp="2027-02-01T09:00:00" Target="Test" Version="1.1">'
            f'<RateAmountMessages HotelCode="{hotel}">{"".join(lines)}</RateAmountMessages></OTA_HotelRateAmountNotifRQ>',
        )

    def day(self, offset: int) -> date:
        return self.world.clock.today() + timedelta(days=offset)

    def line(
        self, *, room: str = ROOM, rate: str = "", first: int = 1, last: int = 1, limit: str = "3", inside: str = ""
    ) -> str:
        rate_code = f' RatePlanCode="{rate}"' if rate else ""
        count = f' BookingLimit="{limit}"' if limit else ""
        return (
            f'<AvailStatusMessage LocatorID="1"{count}><StatusApplicationControl Start="{self.day(first)}"'
            f' End="{self.day(last)}" InvTypeCode="{room}"{rate_code}/>{inside}</AvailStatusMessage>'
        )

    def price(
        self,
        *,
        rate: str = RATE,
        first: int = 1,
        last: int = 1,
        amount: str = 'NumberOfGuests="2" AmountAfterTax="99.00"',
    ) -> str:
        return (
            f'<RateAmountMessage><StatusApplicationControl Start="{self.day(first)}" End="{self.day(last)}"'
            f' InvTypeCode="{ROOM}" RatePlanCode="{rate}"/><Rates><Rate><BaseByGuestAmts>'
            f'<BaseByGuestAmt {amount} DecimalPlaces="2" CurrencyCode="EUR"/></BaseByGuestAmts></Rate></Rates>'
            "</RateAmountMessage>"
        )

    def code(self, response: Any) -> str:
        found = etree.fromstring(response.content).find(".//{*}Error")
        return "" if found is None else found.get("Code")


def stay(caller: Caller, **changes: Any) -> Stay:
    return replace(Stay("seaside", "dbl", "flex", caller.day(5), caller.day(7)), **changes)


def ack(queue: str, *references: str, words: str = "<Success/>", extra: str = "") -> str:
    group, single = (
        ("HotelReservations", "HotelReservation") if queue == NEW else ("HotelResModifies", "HotelResModify")
    )
    name = queue.rpartition("/")[2]
    items = "".join(
        f"<{single}><ResGlobalInfo><HotelReservationIDs><HotelReservationID ResID_Value='{reference}'"
        f" ResID_Source='BOOKING.COM'/>{extra}</HotelReservationIDs></ResGlobalInfo></{single}>"
        for reference in references
    )
    return (
        f'<{name}RS xmlns="{OTA}" TimeStamp="2027-02-01T09:00:00" Target="Test" Version="2.001">{words}'
        f"<{group}>{items}</{group}></{name}RS>"
    )


def references(answer: Any) -> list[str]:
    assert answer.status_code == 200
    return [element.get("ResID_Value") for element in etree.fromstring(answer.content).iter("{*}HotelReservationID")]


def poll(caller: Caller, queue: str = NEW) -> list[str]:
    caller.world.clock.shift_s += 20
    return references(caller.get(queue))
