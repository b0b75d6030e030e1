"""A hotel with a derived rate, and helpers to look at its rates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.test import Client

from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.inventory.withholding import offer
from innsync.apps.rates.history import Change, list_changes
from innsync.apps.rates.models import Season
from innsync.apps.rates.seasons import SeasonFacts, add_season
from innsync.apps.rates.selectors import get_house, list_rate_rows
from innsync.apps.rates.services import RateEdit, add_rate_plan, sell, set_rates
from innsync.domain.derivation import Derivation
from innsync.domain.offers import effective_price, effective_rules
from innsync.domain.rate_cells import own_value
from innsync.domain.seasons import Period
from innsync.portals.tests.house import House


def derive(house: House, code: str = "nr", name: str = "Non-refundable") -> None:
    """A rate ten percent cheaper than the best available, for every room type."""
    from innsync.apps.rates.models import RatePlan

    with tenant(house.organization.id):
        parent = RatePlan.objects.get(property=house.property, code="bar")
        plan = add_rate_plan(
            prop=house.property, code=code, name=name, parent=parent, derivation=Derivation.percent(-10)
        )
        for room_type in house.types.values():
            house.products[f"{room_type.code}-{code}"] = sell(room_type=room_type, rate_plan=plan)


def alone(house: House, code: str = "corporate", name: str = "Corporate") -> None:
    """A second rate of its own for every room type."""
    with tenant(house.organization.id):
        plan = add_rate_plan(prop=house.property, code=code, name=name)
        for room_type in house.types.values():
            house.products[f"{room_type.code}-{code}"] = sell(room_type=room_type, rate_plan=plan)


def stop_unremembered(house: House, product: str, offset: int) -> None:
    """As if its sale was stopped before changes were remembered."""
    with tenant(house.organization.id), sql() as cursor:
        cursor.execute(
            "UPDATE rates_rateday SET flags[%s] = 36 WHERE property_id = %s AND day = %s",
            (house.products[product].slot, house.property.id, night(house, offset)),
        )


def set_cells(house: House, product: str, first: int, last: int, actor: str = "Pat Person", **values: Any) -> None:
    with tenant(house.organization.id):
        set_rates(
            organization_id=house.organization.id,
            property_id=house.property.id,
            edits=[RateEdit(house.products[product].id, night(house, first), night(house, last), values)],
            now=datetime.now(UTC),
            actor=actor,
        )


def withhold(house: House, room: str, *offsets: int, actor: str = "api:Revenue system") -> None:
    """No room of the type may be sold on these nights, says another system."""
    with tenant(house.organization.id):
        offer(
            organization_id=house.organization.id,
            property_id=house.property.id,
            available={(house.types[room].id, night(house, offset)): 0 for offset in offsets},
            now=datetime.now(UTC),
            actor=actor,
        )


def night(house: House, offset: int) -> date:
    return house.today + timedelta(days=offset)


def cells(house: House, product: str, field: str, *offsets: int) -> list[int | None]:
    """The product's own values."""
    with tenant(house.organization.id):
        rows = {
            row.day: row
            for row in list_rate_rows(property_id=house.property.id, first=night(house, 0), last=night(house, 60))
        }
    return [own_value(rows.get(night(house, offset)), house.products[product].slot, field) for offset in offsets]


def sold(house: House, product: str, offset: int) -> tuple[int | None, bool]:
    """(price, stop sell) as everybody reads them."""
    day = night(house, offset)
    with tenant(house.organization.id):
        facts = get_house(organization_id=house.organization.id, key=house.property.id).facts
        row = next(iter(list_rate_rows(property_id=house.property.id, first=day, last=day)), None)
    one = facts.by_slot[house.products[product].slot]
    return effective_price(row, one, facts.by_slot), effective_rules(row, one, facts.by_slot).stop_sell


def changes(house: House) -> list[Change]:
    with tenant(house.organization.id):
        return list_changes(property_id=house.property.id)


def marks(house: House, *, clear: bool = False) -> list[dict[str, Any]]:
    """What waits in the outbox to be told to the channels: one entry a change."""
    with tenant(house.organization.id), sql() as cursor:
        if clear:
            cursor.execute("DELETE FROM events_outbox WHERE organization_id = %s", (house.organization.id,))
        rows = cursor.execute(
            "SELECT payload FROM events_outbox WHERE organization_id = %s AND topic = 'ari_changed' ORDER BY id",
            (house.organization.id,),
        ).fetchall()
    return [row[0] for row in rows]


def slot(house: House, product: str) -> int:
    return house.products[product].slot


def cell(house: House, product: str, offset: int, field: str, value: int | None, seen: int | None) -> dict[str, Any]:
    """An edit of one cell as the grid sends it."""
    return {
        "slot": slot(house, product),
        "day": night(house, offset).isoformat(),
        "field": field,
        "value": value,
        "seen": seen,
    }


def sale(house: House, room_type: str, offset: int, closed: bool, seen: str = "open") -> dict[str, Any]:
    """A room type closed or opened, as the grid sends it."""
    return {"room_type": room_type, "day": night(house, offset).isoformat(), "closed": closed, "seen": seen}


def save(client: Client, house: House, *edits: dict[str, Any], sales: Sequence[dict[str, Any]] = ()) -> HttpResponse:
    """As the grid saves what was edited."""
    body = {"cells": list(edits), "sales": list(sales)}
    return client.post(f"/rates/save?property={house.property.code}", json.dumps(body), content_type="application/json")


def make_season(house: House, name: str = "High summer", *spans: tuple[int, int], colour: str = "") -> Season:
    """spans: its periods as (first, last) nights from today on."""
    periods = tuple(Period(night(house, first), night(house, last)) for first, last in spans or [(2, 5)])
    with tenant(house.organization.id):
        return add_season(
            prop=house.property, facts=SeasonFacts(name, colour, periods), now=datetime.now(UTC), actor="Pat Person"
        )
