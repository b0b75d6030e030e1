"""Bulk edits, and closing nights: a form, a preview of what would change here and at each channel, and then one change."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from innsync.apps.accounts.roles import Ability
from innsync.apps.distribution.foresee import Foreseen, foresee
from innsync.apps.rates.bulk import BulkEdit, BulkPlan, NothingToChange, PlanChanged, apply_bulk, plan_bulk, rows_for
from innsync.apps.rates.seasons import list_seasons
from innsync.apps.rates.selectors import House
from innsync.domain.errors import InvalidField
from innsync.domain.rate_cells import FIELDS, CellChange
from innsync.domain.spans import compress
from innsync.integrations.manifest import channel_name
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.pages import show
from innsync.portals.admin.rates.bulk_form import BulkForm, read_form
from innsync.portals.admin.rates.page import house_of, name_of
from innsync.portals.admin.rates.window import read_window
from innsync.portals.admin.rates.words import FIELD_WORDS, value_words

MOST_SAMPLES = 12


class Sample(NamedTuple):
    """Nights in a row on which a cell changes alike."""

    where: str
    what: str
    first: date
    last: date
    before: str
    after: str


@page(Ability.CLOSE_NIGHTS)
def _look(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    house = house_of(request, visitor)
    now = datetime.now(UTC)
    today = house.today(now)
    form = read_form(_asked(request, visitor), house, list_seasons(property_id=house.id), today)
    context: dict[str, Any] = {
        "form": form,
        "house": house,
        "today": today,
        "window": read_window(request, house.code, today),
    }
    if form.edit:
        try:
            plan = plan_bulk(house=house, edit=form.edit, rows=rows_for(house, form.edit), today=today)
        except InvalidField as error:
            form.problems.append(f"{error.field.strip('/')} {error.problem}")
        else:
            context |= _preview(house, plan, now) | {"copied": _copied(form.edit, plan)}
    return show(request, visitor, "rates_bulk.html", context, section="rates")


def _preview(house: House, plan: BulkPlan, now: datetime) -> dict[str, Any]:
    samples = _samples(house, plan.changes)
    counts = Counter(one.field for one in plan.changes)
    return {
        "plan": plan,
        "counts": [(FIELD_WORDS[field], counts[field]) for field in FIELDS if counts[field]],
        "samples": samples[:MOST_SAMPLES],
        "more_samples": max(0, len(samples) - MOST_SAMPLES),
        "channels": [_channel(house, one) for one in foresee(house=house, changes=plan.changes, now=now)],
        "may_confirm": bool(plan.changes) and not plan.worthless,
    }


def _copied(edit: BulkEdit, plan: BulkPlan) -> tuple[date, date] | None:
    """The first and the last night that are copied from."""
    apart = edit.distance()
    return (plan.nights[0] - apart, plan.nights[-1] - apart) if edit.copy and plan.nights else None


def _samples(house: House, found: tuple[CellChange, ...]) -> list[Sample]:
    by_row: dict[tuple[int, str], dict[date, tuple[int | None, int | None]]] = {}
    for one in found:
        by_row.setdefault((one.slot, one.field), {})[one.day] = (one.before, one.after)
    return [
        Sample(
            name_of(house, slot),
            str(FIELD_WORDS[field]),
            span.first,
            span.last,
            *(value_words(field, value, house.currency) for value in span.value),
        )
        for (slot, field), nights in by_row.items()
        for span in compress(nights)
    ]


def _channel(house: House, one: Foreseen) -> dict[str, Any]:
    return {
        "foreseen": one,
        "name": channel_name(one.vendor),
        "rates": [(name_of(house, slot), cells) for slot, cells in one.products],
    }


def _asked(request: HttpRequest, visitor: Visitor) -> QueryDict:
    """What the address asks for; of who may set no prices and rules, it is always to close nights or open them."""
    asked = request.GET.copy()
    if Ability.SET_RATES not in visitor.access.abilities:
        asked["do"] = "close"
    return asked


@action(Ability.CLOSE_NIGHTS, back="rates")
def _make(request: HttpRequest, visitor: Visitor) -> Done:
    house = house_of(request, visitor)
    now = datetime.now(UTC)
    today = house.today(now)
    form = read_form(_asked(request, visitor), house, list_seasons(property_id=house.id), today)
    again = f"{reverse('rates-bulk')}?{request.GET.urlencode()}"
    if form.edit is None:
        return Done(_("Nothing was changed: complete the form first."), again, well=False)
    try:
        cells = apply_bulk(
            house=house,
            edit=form.edit,
            fingerprint=request.POST.get("fingerprint", ""),
            now=now,
            actor=visitor.actor,
        )
    except PlanChanged:
        return Done(
            _("Somebody changed these rates since the preview was made. Nothing was changed; look again."),
            again,
            well=False,
        )
    except NothingToChange:
        return Done(_("There is nothing to change."), again, well=False)
    words = _told(form, cells)
    window = read_window(request, house.code, today)
    return Done(words, window.starting(max(form.edit.reach[0], today)).address())


def _told(form: BulkForm, cells: int) -> str:
    if not form.closing:
        return ngettext("%(count)d cell changed.", "%(count)d cells changed.", cells) % {"count": cells}
    if form.sale == "open":
        return _("These nights are open again; all channels are being told.")
    return _("These nights are closed; all channels are being told.")


bulk = confirmed(ask=_look, do=_make)
