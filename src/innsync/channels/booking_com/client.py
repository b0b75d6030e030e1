"""The vendor's calls, one method each, with its token (NOTES.md 2)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
import orjson
from lxml import etree

from innsync.channels.booking_com.mapping.xml import VENDOR, broken
from innsync.integrations.errors import NotAuthorised
from innsync.integrations.http import Session

# The vendor's tokens live an hour; one is renewed this long before it ends, so that no call leaves with a dying one.
RENEW_BEFORE: Final = timedelta(minutes=5)
TOKEN_LIFE: Final = timedelta(hours=1)
_XML: Final = "application/xml"


@dataclass(frozen=True, slots=True)
class Client:
    """One account's calls to the vendor. Raises the IntegrationError family."""

    session: Session

    def notify(
        self, operation: str, body: bytes, *, limits: tuple[str, ...], property_id: str, urgent: bool
    ) -> httpx.Response:
        """Send an availability or rate request. Both 200 and 400 carry an answer that must be read."""
        return self._call(
            "POST",
            "supply",
            f"/hotels/ota/{operation}",
            operation=operation,
            content=stamp(body, datetime.now(UTC)),
            limits=limits,
            property_id=property_id,
            urgent=urgent,
            accept=(400,),
        )

    def room_rate_availability(
        self, property_id: str, *, first: str, days: int, room_level: bool, operation: str
    ) -> bytes:
        body = _b_xml(
            hotel_id=property_id, start_date=first, number_of_days=str(days), room_level="1" if room_level else "0"
        )
        return self._b_xml_call("roomrateavailability", body, operation=operation, property_id=property_id)

    def room_rates(self, property_id: str, *, operation: str) -> bytes:
        return self._b_xml_call("roomrates", _b_xml(hotel_id=property_id), operation=operation, property_id=property_id)

    def _b_xml_call(self, path: str, body: bytes, *, operation: str, property_id: str) -> bytes:
        return self._call(
            "POST",
            "supply",
            f"/hotels/xml/{path}",
            operation=operation,
            content=body,
            limits=("read_back",),
            property_id=property_id,
            accept=(400,),
        ).content

    def reservations(
        self, queue: str, *, limits: tuple[str, ...], params: Mapping[str, str] | None = None, operation: str
    ) -> bytes:
        return self._call(
            "GET", "secure", f"/hotels/ota/{queue}", operation=operation, params=params, limits=limits
        ).content

    def acknowledge(self, queue: str, body: bytes, *, operation: str) -> bytes:
        return self._call("POST", "secure", f"/hotels/ota/{queue}", operation=operation, content=body).content

    def missed_reservations(self, *, since: datetime, until: datetime, operation: str) -> bytes:
        return self._call(
            "GET",
            "supply",
            "/reservations-flow-control/missed-reservations",
            operation=operation,
            params={"from": written(since), "until": written(until)},
            limits=("recovery",),
        ).content

    def _call(
        self,
        method: str,
        base: str,
        path: str,
        *,
        operation: str,
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
        limits: tuple[str, ...] = (),
        property_id: str = "",
        urgent: bool = False,
        accept: tuple[int, ...] = (),
    ) -> httpx.Response:
        """One call with the account's token; a token that the vendor refuses is replaced once."""

        def attempt(token: str, drawn: tuple[str, ...]) -> httpx.Response:
            return self.session.request(
                method,
                base,
                path,
                operation=operation,
                content=content,
                params=params,
                headers=self._headers(token, content is not None),
                limits=drawn,
                property_id=property_id,
                urgent=urgent,
                accept=accept,
            )

        token = self._token()
        try:
            return attempt(token, limits)
        except NotAuthorised as error:
            if error.vendor_code != "401":
                raise
        # The vendor turned the first call away at the door, so the second draws no limit again.
        return attempt(self._token(refused=token), ())

    def _headers(self, token: str, sends: bool) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept-Version": str(self.session.settings.get("accept_version", "1.1")),
        }
        return headers | {"Content-Type": _XML} if sends else headers

    def _token(self, *, refused: str = "") -> str:
        name = f"{VENDOR}:{self.session.credentials['client_id']}"
        return self.session.tokens.get(name, self._exchange, refused=refused)

    def _exchange(self) -> tuple[str, datetime]:
        """A new token and the moment from which it should be renewed. Raises NotAuthorised, ContractBroken."""
        operation = "exchange token"
        credentials = {key: self.session.credentials[key] for key in ("client_id", "client_secret")}
        answer = self.session.request(
            "POST",
            "authentication",
            "/token-based-authentication/exchange",
            operation=operation,
            content=orjson.dumps(credentials),
            headers={"Content-Type": "application/json"},
            limits=("token",),
        )
        try:
            token = orjson.loads(answer.content)["jwt"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise broken("the token exchange answered no jwt", operation) from error
        if not isinstance(token, str) or not token:
            raise broken("the token exchange answered no jwt", operation)
        return token, (expiry(token) or datetime.now(UTC) + TOKEN_LIFE) - RENEW_BEFORE


def expiry(token: str) -> datetime | None:
    """When a JWT ends by its own words; unverified, since it is the vendor's and goes back to the vendor."""
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (
        IndexError,
        binascii.Error,
        orjson.JSONDecodeError,
        KeyError,
        TypeError,
        ValueError,
        OverflowError,
        OSError,
    ):
        return None


def written(moment: datetime) -> str:
    """A moment as the vendor's query parameters take it: `2027-02-01 09:00:00`, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def stamp(body: bytes, now: datetime) -> bytes:
    """The request with the moment it leaves, which its plan could not know."""
    return body.replace(b" Target=", f' TimeStamp="{now.strftime("%Y-%m-%dT%H:%M:%S")}" Target='.encode(), 1)


def _b_xml(**fields: str) -> bytes:
    root = etree.Element("request")
    for name, value in fields.items():
        etree.SubElement(root, name).text = value
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)
