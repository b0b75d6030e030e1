"""The world of Channex: a property's calendar there, the guests behind it, and the way into both."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from starlette.routing import BaseRoute

from innsync.channels.channex.simulator import api, bookings, catalogue, messages, webhooks
from innsync.channels.channex.simulator.state import Json, new_state, nights
from innsync.integrations.simulation.world import OutgoingCall, PropertySpec, Refused, Stay, VendorWorld

LIMITS_PER_MIN = {"availability": 10, "restrictions": 10}
# non_acked_s: when an unacknowledged revision leaves the feed. webhook_retry: factor on the waits between attempts.
PACE = {"non_acked_s": 1800.0, "webhook_retry": 1.0}


class ChannexWorld(VendorWorld):
    """Settings of a PropertySpec: Channex's own property settings; `api_key`, whose account it belongs to; `webhook_url`
    and `webhook_secret`, to have bookings announced there; `card_data = "clear"`, cards as the secure host sends them; `messages = false`, the app for them is not installed.
    Of a guest, `ota` is the travel site's code (else the sites take turns); with `unmapped` the site's room is not
    mapped in Channex.
    """

    key = "channex"
    name = "Channex"

    def reset(self) -> None:
        self.state = new_state()
        self.limits_per_min = dict(LIMITS_PER_MIN)
        self.pace = dict(PACE)

    def routes(self) -> list[BaseRoute]:
        return api.routes(self)

    def accounts(self) -> list[dict[str, str]]:
        return [{"api_key": key} for key in self.state["keys"]]

    def add_property(self, spec: PropertySpec) -> dict[str, Any]:
        known = spec.code in self.state["codes"]
        ids = catalogue.create_property(self.state, spec)
        if spec.settings.get("webhook_url") and not known:
            webhook = {
                "callback_url": spec.settings["webhook_url"],
                "event_mask": "booking;non_acked_booking;message",
                "property_id": ids["id"],
                "headers": {"X-Channex-Webhook-Secret": str(spec.settings.get("webhook_secret", ""))},
                "is_active": True,
                "send_data": True,
            }
            owner = self.state["properties"][ids["id"]]["owner"]
            webhooks.save(self.state, owner, None, {"webhook": webhook})
        return ids

    def properties(self) -> list[dict[str, Any]]:
        return [
            {"property": code, "id": property_id, "products": list(self._products(property_id))}
            for code, property_id in self.state["codes"].items()
        ]

    def _products(self, property_id: str) -> list[Json]:
        rooms = self.state["rooms"]
        return [
            {
                "room": rooms[plan["room_type_id"]]["code"],
                "rate": plan["code"],
                "room_id": plan["room_type_id"],
                "rate_id": plan_id,
            }
            for plan_id, plan in self.state["plans"].items()
            if plan["property_id"] == property_id
        ]

    def calendar(self, property_code: str, first: date, last: date) -> list[dict[str, Any]]:
        property_id = self._property_id(property_code)
        products = self._products(property_id)
        return [self._line(product, night) for night in nights(first, last) for product in products]

    def _line(self, product: Json, night: str) -> Json:
        plan_id = product["rate_id"]
        fullest = max(self.state["plans"][plan_id]["options"], key=lambda option: int(option["occupancy"]))
        amount = catalogue.rate_on(self.state, fullest["id"], night)

        def rule(field: str) -> Any:
            return catalogue.restriction_on(self.state, plan_id, night, field)

        return {
            "date": night,
            "room": product["room"],
            "rate": product["rate"],
            "available": self.state["availability"][product["room_id"]].get(night, 0),
            "amount": amount if Decimal(amount) > 0 else None,
            "min_stay": max(rule("min_stay_arrival"), rule("min_stay_through")),
            "closed": rule("stop_sell"),
            "cta": rule("closed_to_arrival"),
            "ctd": rule("closed_to_departure"),
        }

    def _property_id(self, code: str) -> str:
        if code not in self.state["codes"]:
            raise Refused(f"there is no property {code}", 404)
        return str(self.state["codes"][code])

    # --- guests

    def book(self, stay: Stay, *, force: bool, notify: bool) -> str:
        booking = bookings.create(self.state, stay, force=force, now=self.clock.now())
        self._announce(booking, "booking_new", notify)
        return str(booking["id"])

    def change(self, reference: str, changes: Mapping[str, Any], *, notify: bool) -> None:
        booking = bookings.find(self.state, reference)
        bookings.modify(self.state, booking, changes, self.clock.now())
        self._announce(booking, "booking_modification", notify)

    def cancel(self, reference: str, *, notify: bool) -> None:
        booking = bookings.find(self.state, reference)
        already = booking["status"] == "cancelled"
        bookings.cancel(self.state, booking, self.clock.now())
        if not already:
            self._announce(booking, "booking_cancellation", notify)

    def _announce(self, booking: Json, event: str, notify: bool) -> None:
        revision_id = booking["revisions"][-1]
        revision = self.state["revisions"][revision_id]
        if not notify:
            del self.state["waiting"][revision_id]
            return
        ids = {"booking_id": booking["id"], "property_id": booking["property_id"], "revision_id": revision_id}
        now = self.clock.now()
        webhooks.announce(self.state, booking["property_id"], [event, "booking"], ids, now)
        rooms = revision["attributes"]["rooms"]
        unmapped = {"booking_id": booking["id"], "booking_revision_id": revision_id}
        if any(room["room_type_id"] is None for room in rooms):
            webhooks.announce(self.state, booking["property_id"], ["booking_unmapped_room"], unmapped, now)
        elif any(room["rate_plan_id"] is None for room in rooms):
            webhooks.announce(self.state, booking["property_id"], ["booking_unmapped_rate"], unmapped, now)

    def message(self, body: Mapping[str, Any]) -> dict[str, Any]:
        now = self.clock.now()
        thread, message = messages.guest_writes(self.state, body, now)
        if body.get("notify", True) and self.state["properties"][thread["property_id"]].get("messages", True):
            told = messages.announcement(thread, message)
            webhooks.announce(self.state, thread["property_id"], ["message"], told, now)
        return {"vendor": self.key, "thread": thread["id"], "message": message["id"]}

    def bookings(self, property_code: str) -> list[dict[str, Any]]:
        property_id = self._property_id(property_code)
        return [
            {
                "reference": booking["id"],
                "status": booking["status"],
                "room": booking["stay"]["room"],
                "rate": booking["stay"]["rate"],
                "check_in": booking["stay"]["check_in"],
                "check_out": booking["stay"]["check_out"],
                "acknowledged": all(self.state["revisions"][known]["acked"] for known in booking["revisions"]),
            }
            for booking in self.state["bookings"].values()
            if booking["property_id"] == property_id
        ]

    # --- time

    def tick(self) -> None:
        """A revision that nobody acknowledged for half an hour: an event, an e-mail to the hotel, and out of the feed."""
        now = self.clock.now()
        overdue = now.timestamp() - self.pace["non_acked_s"]
        for revision_id in list(self.state["waiting"]):
            revision = self.state["revisions"][revision_id]
            if revision["inserted"] > overdue:
                return
            del self.state["waiting"][revision_id]
            attributes = revision["attributes"]
            self.state["mails"].append({"revision_id": revision_id, "booking": attributes["unique_id"]})
            ids = {"booking_id": attributes["booking_id"], "booking_revision_id": revision_id}
            webhooks.announce(self.state, attributes["property_id"], ["non_acked_booking"], ids, now)

    def outgoing(self) -> list[OutgoingCall]:
        return webhooks.take_due(self.state, self.faults, self.clock.now())

    def delivered(self, call: OutgoingCall, status: int | None, body: bytes) -> None:
        webhooks.finish(self.state, call.id, status, self.pace["webhook_retry"], self.clock.now())
