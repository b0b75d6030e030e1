"""Rates and availability: room types by rates by nights, and what was changed last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from innsync.apps.accounts.roles import Ability
from innsync.apps.distribution.models import Connection
from innsync.apps.inventory.counts import list_counts
from innsync.apps.properties.models import Property
from innsync.apps.rates import services
from innsync.apps.rates.cells import products_of
from innsync.apps.rates.history import CellEntry, Change, list_cell_history, list_changes
from innsync.apps.rates.models import RateChange
from innsync.apps.rates.seasons import list_seasons
from innsync.apps.rates.selectors import House, get_house, list_rate_rows
from innsync.domain.money import minor_digits
from innsync.domain.products import lineage_of
from innsync.domain.rate_cells import FIELDS
from innsync.integrations.manifest import channel_name
from innsync.portals.access import Done, Visitor, action, fragment, page
from innsync.portals.admin.choice import Choice, choose_property, the_property
from innsync.portals.admin.pages import show
from innsync.portals.admin.rates.bands import bands_of
from innsync.portals.admin.rates.grid import Shown, draw
from innsync.portals.admin.rates.window import LENGTHS, Window, left_window, read_window
from innsync.portals.admin.rates.withheld import Withheld
from innsync.portals.admin.rates.words import FIELD_WORDS, value_words
from innsync.portals.admin.reading import read_day
from innsync.portals.numbers import decimal_sign


@page(Ability.SEE_RATES)
def rates(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    prop = choose_property(request, visitor)
    if prop is None:
        return show(request, visitor, "rates.html", {"choice": Choice.of(visitor, None)}, section="rates")
    house = get_house(organization_id=visitor.access.organization_id, key=prop.id)
    today = house.today(datetime.now(UTC))
    window = read_window(request, prop.code, today)
    rows = {row.day: row for row in list_rate_rows(property_id=prop.id, first=window.first, last=window.last)}
    counts = list_counts(property_id=prop.id, first=window.first, last=window.last)
    context = {
        "choice": Choice.of(visitor, prop),
        "keep": window.kept("property"),
        "kept_dates": window.kept("from", "days"),
        "window": window,
        "house": house,
        "digits": minor_digits(house.currency),
        "decimal_sign": decimal_sign(),
        "today": today,
        "lengths": LENGTHS,
        "links": _links(window, today),
        "may_set": Ability.SET_RATES in visitor.access.abilities,
        "may_close": Ability.CLOSE_NIGHTS in visitor.access.abilities,
        "grid": draw(Shown(house, window, today, rows, counts, bands_of(list_seasons(property_id=prop.id), window))),
        "changes": [change_line(house, one) for one in list_changes(property_id=prop.id)],
        "withheld": Withheld.of(house, window, today),
    }
    return show(request, visitor, "rates.html", context, section="rates")


def _links(window: Window, today: date) -> dict[str, str]:
    return {
        "before": window.moved(-window.days).address(),
        "after": window.moved(window.days).address(),
        "today": window.starting(today).address(),
        "prices": window.showing(rules=False).address(),
        "rules": window.showing(rules=True).address(),
        "here": window.address(),
        "save": window.address("rates-save"),
        "bulk": window.address("rates-bulk"),
        "history": window.address("rates-history"),
    }


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """A change as the list of the last ones shows it. what: its fields; where: its room types and rates."""

    change: Change
    what: str
    where: str
    kind: str


def change_line(house: House, change: Change) -> ChangeLine:
    kinds = {"bulk": _("bulk edit"), "undo": _("undo"), "import": _("imported file")}
    return ChangeLine(
        change,
        ", ".join(str(FIELD_WORDS[field]) for field in FIELDS if field in change.fields),
        _where(house, change.slots),
        kinds.get(change.kind, ""),
    )


def _where(house: House, slots: tuple[int, ...]) -> str:
    """`Double: Best available rate`, or as many room types and rates as there are."""
    products = [house.facts.by_slot[slot] for slot in slots if slot in house.facts.by_slot]
    types = [one.name for one in house.facts.room_types if any(product.room_type_id == one.id for product in products)]
    plans = [
        plan.name
        for plan_id, plan in house.plans.items()
        if any(product.rate_plan_id == plan_id for product in products)
    ]
    few = ", ".join(types) if len(types) < 3 else _("%(count)d room types") % {"count": len(types)}
    rates = ", ".join(plans) if len(plans) < 3 else _("%(count)d rates") % {"count": len(plans)}
    return f"{few}: {rates}"


@fragment(Ability.SEE_RATES)
def history(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """What was done to one cell, and to those that it follows: `?slot=3&field=price`, or `?type=double` for all rates."""
    house = house_of(request, visitor)
    day = read_day(request.GET.get("day", ""))
    slots, fields, title = _asked(request, house)
    trails = _trails(house, slots[0], day) if slots and day and Ability.SEE_CHANNELS in visitor.access.abilities else []
    if day is None or not slots:
        raise Http404
    found = list_cell_history(property_id=house.id, slots=slots, day=day, fields=fields)
    context = {
        "title": title,
        "day": day,
        "house": house,
        "entries": [_entry(house, one, alone=len(slots) == 1) for one in found],
        "trails": trails,
    }
    return render(request, "portals/admin/_rate_history.html", context)


def _trails(house: House, slot: int, day: date) -> list[tuple[str, str]]:
    """Each channel that the property is connected to, and where it is told why the night is as it is there."""
    room_type = house.facts.by_slot[slot].room_type_id
    query = urlencode({"room_type": room_type, "day": day.isoformat()})
    links = Connection.objects.filter(property_id=house.id).exclude(state="left").order_by("vendor", "id")
    return [(channel_name(one.vendor), f"{reverse('night', args=[one.id])}?{query}") for one in links]


def _asked(request: HttpRequest, house: House) -> tuple[list[int], list[str], str]:
    """The products and fields that a history is about, and what to call them."""
    code, slot, field = (request.GET.get(name, "") for name in ("type", "slot", "field"))
    room_type = house.room_type(code) if code else None
    if room_type is not None:
        return [one.slot for one in products_of(house, code)], ["stop_sell"], f"{room_type.name}: {_('All rates')}"
    product = house.facts.by_slot.get(int(slot)) if slot.isdecimal() and len(slot) < 6 else None
    if product is None or field not in FIELDS:
        return [], [], ""
    line = lineage_of(product.slot, house.facts.by_slot)
    return line, [field], f"{name_of(house, product.slot)}: {FIELD_WORDS[field]}"


def name_of(house: House, slot: int) -> str:
    """`Double, Best available rate`."""
    product = house.facts.by_slot[slot]
    room_type = next(one.name for one in house.facts.room_types if one.id == product.room_type_id)
    return f"{room_type}, {next(plan.name for key, plan in house.plans.items() if key == product.rate_plan_id)}"


def _entry(house: House, entry: CellEntry, *, alone: bool) -> dict[str, Any]:
    cell = entry.cell
    return {
        "entry": entry,
        "of": "" if alone else name_of(house, cell.slot),
        "before": value_words(cell.field, cell.before, house.currency),
        "after": value_words(cell.field, cell.after, house.currency),
        "undo": entry.kind == "undo",
    }


def house_of(request: HttpRequest, visitor: Visitor) -> House:
    """The property that the address names. Raises Http404."""
    return get_house(organization_id=visitor.access.organization_id, key=the_property(request, visitor).id)


@action(Ability.SET_RATES, back="rates")
def undo(request: HttpRequest, visitor: Visitor, change_id: UUID) -> Done:
    change = RateChange.objects.filter(id=change_id).only("id", "property_id").first()
    if change is None or not visitor.access.sees(change.property_id):
        raise Http404
    done = services.undo(
        organization_id=visitor.access.organization_id,
        change_id=change.id,
        now=datetime.now(UTC),
        actor=visitor.actor,
    )
    words = ngettext("%(count)d cell is as it was before.", "%(count)d cells are as they were before.", done.cells)
    kept = ngettext(
        "%(count)d was changed since and stays as it is.",
        "%(count)d were changed since and stay as they are.",
        done.kept,
    )
    said = words % {"count": done.cells} + (" " + kept % {"count": done.kept} if done.kept else "")
    code = Property.objects.values_list("code", flat=True).get(id=change.property_id)
    return Done(said, left_window(request, code))
