"""Saving what was edited in the grid: one request, one change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from innsync.apps.accounts.roles import Ability
from innsync.apps.rates.cells import CellEdit, InvalidCells, Sale, SaleChanged, SaleEdit, change_cells
from innsync.apps.rates.history import list_last_actors
from innsync.apps.rates.selectors import House
from innsync.apps.rates.services import CellsChanged
from innsync.domain.errors import DomainError, InvalidField
from innsync.domain.fields import Fields
from innsync.domain.money import minor_digits
from innsync.domain.rate_cells import LIMITS, CellChange
from innsync.portals.access import Visitor, exchange
from innsync.portals.admin.rates.page import house_of
from innsync.portals.admin.rates.words import amount, value_words
from innsync.portals.admin.reading import read_day

MOST_CELLS = 20_000


def _read(request: HttpRequest) -> tuple[list[CellEdit], list[SaleEdit]]:
    """What the page sends. Raises InvalidField."""
    if request.content_type != "application/json":  # a form's body was read already, by those who look for its token
        raise InvalidField(field="", problem="must be JSON")
    try:
        body = Fields(json.loads(request.body))
    except ValueError:
        raise InvalidField(field="", problem="must be JSON") from None
    cells, sales = body.each("cells", _cell), body.each("sales", _sale)
    body.end()
    if len(cells) + len(sales) > MOST_CELLS:
        raise InvalidField(field="/cells", problem=f"must be at most {MOST_CELLS}")
    return list(cells), list(sales)


def _cell(value: object) -> CellEdit:
    fields = Fields(value)
    found = CellEdit(
        fields.integer("slot"),
        _day(fields),
        fields.text("field"),
        fields.optional_integer("value"),
        fields.optional_integer("seen"),
    )
    fields.end()
    return found


def _sale(value: object) -> SaleEdit:
    fields = Fields(value)
    states: dict[str, Sale] = {"open": "open", "closed": "closed", "partly": "partly"}
    seen = states.get(fields.text("seen"))
    if seen is None:
        raise InvalidField(field="/seen", problem=f"must be one of {', '.join(states)}")
    found = SaleEdit(fields.text("room_type"), _day(fields), fields.boolean("closed"), seen)
    fields.end()
    return found


def _day(fields: Fields) -> date:
    found = read_day(fields.text("day"))
    if found is None:
        raise InvalidField(field="/day", problem="must be a date such as 2026-12-31")
    return found


def _refused(request: HttpRequest, visitor: Visitor, error: DomainError) -> dict[str, Any]:
    """Which cells it is about, by the names that the page knows them by."""
    house = house_of(request, visitor)
    if isinstance(error, InvalidCells):
        wrong = [{"key": _key(edit), "words": _problem(house, edit, problem)} for edit, problem in error.problems]
        return {"words": _("Nothing was saved: mend the marked cells."), "wrong": wrong}
    if isinstance(error, CellsChanged):
        changed = _changed(house, error.cells)
    elif isinstance(error, SaleChanged):
        changed = [{"key": _key(edit), "now": state, "words": ""} for edit, state in error.nights]
    else:
        return {}
    words = ngettext(
        "Nothing was saved: somebody else changed %(count)d of these cells meanwhile.",
        "Nothing was saved: somebody else changed %(count)d of these cells meanwhile.",
        len(changed),
    )
    return {"words": words % {"count": len(changed)}, "changed": changed}


def _key(edit: CellEdit | SaleEdit) -> str:
    if isinstance(edit, SaleEdit):
        return f"{edit.room_type}|{edit.day}|sale"
    return f"{edit.slot}|{edit.day}|{edit.field}"


def _problem(house: House, edit: CellEdit | SaleEdit, problem: str) -> str:
    if problem == "over":
        return _("This night is over.")
    if problem == "too_far":
        return _("This night is too far ahead.")
    if problem == "unknown" or isinstance(edit, SaleEdit):
        return _("This is not sold any more.")
    least, most = LIMITS[edit.field]
    if edit.field == "price":
        digits = minor_digits(house.currency)
        said = {"least": amount(least, digits), "most": amount(most, digits)}
    else:
        said = {"least": str(least), "most": str(most)}
    return _("Must be from %(least)s to %(most)s.") % said


def _changed(house: House, cells: Sequence[CellChange]) -> list[dict[str, Any]]:
    """What stands in these cells now, and who put it there."""
    actors = list_last_actors(property_id=house.id, cells=[(one.slot, one.day, one.field) for one in cells])
    found = []
    for one in cells:
        now = value_words(one.field, one.after, house.currency)
        by = actors.get((one.slot, one.day, one.field), "")
        words = _("%(person)s: %(value)s") % {"person": by, "value": now}
        found.append({"key": f"{one.slot}|{one.day}|{one.field}", "now": one.after, "words": words})
    return found


@exchange(Ability.CLOSE_NIGHTS, refused=_refused)
def save(request: HttpRequest, visitor: Visitor) -> dict[str, Any]:
    house = house_of(request, visitor)
    cells, sales = _read(request)
    if cells and Ability.SET_RATES not in visitor.access.abilities:
        raise PermissionDenied
    made = change_cells(house=house, cells=cells, sales=sales, now=datetime.now(UTC), actor=visitor.actor)
    count = len(cells) + len(sales)
    if count and not made:
        return {"words": _("Nothing changed: each rate that is stopped here was stopped by itself."), "count": 0}
    words = ngettext("%(count)d change saved.", "%(count)d changes saved.", count) % {"count": count}
    return {"words": words, "count": count}
