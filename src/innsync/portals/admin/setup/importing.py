"""Rooms and rates from a file: sent, looked at with everything that is wrong by line, and then taken in at once."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from innsync.apps.accounts.roles import Ability
from innsync.apps.distribution.foresee import foresee
from innsync.apps.properties import sheets as kept
from innsync.apps.properties.models import Property, RoomType
from innsync.apps.rates.selectors import House, get_house
from innsync.apps.setup import importing
from innsync.apps.setup.importing import RATE_COLUMNS, ROOM_COLUMNS, FileChanged, RatesPlan, RoomsPlan
from innsync.apps.setup.sheets import LARGEST_SHEET
from innsync.domain.money import Money
from innsync.domain.rate_cells import FIELDS
from innsync.integrations.manifest import channel_name
from innsync.portals.access import Done, Visitor, action, confirmed, page
from innsync.portals.admin.choice import today_at
from innsync.portals.admin.pages import show
from innsync.portals.admin.rates.words import FIELD_WORDS
from innsync.portals.admin.setup.pages import get_property
from innsync.portals.once import only_once

Kind = Literal["rooms", "rates"]
_SALT = "innsync.import"
_KINDS: dict[str, Promise] = {"rooms": gettext_lazy("Rooms"), "rates": gettext_lazy("Rates")}
SHOWN = 50


def _kind(text: str) -> Kind:
    """Raises Http404."""
    if text == "rooms":
        return "rooms"
    if text == "rates":
        return "rates"
    raise Http404


@page(Ability.MANAGE_PROPERTIES)
def start(request: HttpRequest, visitor: Visitor, property_id: UUID) -> HttpResponse:
    prop = get_property(visitor, property_id)
    return show(request, visitor, "setup/import.html", {"prop": prop, "part": "import"}, section="properties")


@action(Ability.MANAGE_PROPERTIES, back="properties")
def send(request: HttpRequest, visitor: Visitor, property_id: UUID, kind: str) -> Done | HttpResponse:
    """Keep the file for a look at what it would do."""
    prop, what = get_property(visitor, property_id), _kind(kind)
    file = request.FILES.get("file")
    to = reverse("property-import", args=[prop.id])
    if file is None:
        return Done(_("Choose a file first."), to, well=False)
    content = file.read(LARGEST_SHEET + 1)
    if len(content) > LARGEST_SHEET:
        return Done(_("The file is larger than 5 MB. Nothing was changed."), to, well=False)
    said = {"key": kept.keep(content), "name": (file.name or "")[:100], **_whose(visitor, prop, what)}
    token = signing.dumps(said, salt=_SALT, compress=True)
    answer = redirect(f"{reverse('property-import-look', args=[prop.id, what])}?{urlencode({'file': token})}")
    answer.status_code = 303
    return answer


def _whose(visitor: Visitor, prop: Property, kind: Kind) -> dict[str, str]:
    return {"user": str(visitor.user.id), "property": str(prop.id), "kind": kind}


def _file(request: HttpRequest, visitor: Visitor, prop: Property, kind: Kind) -> tuple[str, str, bytes] | None:
    """(key, name, content) of the file that the address names, for whoever sent it; None when it is not there any more."""
    try:
        said = signing.loads(request.GET.get("file", ""), salt=_SALT, max_age=timedelta(days=1))
    except signing.BadSignature:
        return None
    if any(said.get(name) != value for name, value in _whose(visitor, prop, kind).items()):
        return None
    content = kept.fetch(said["key"])
    return None if content is None else (said["key"], said["name"], content)


@page(Ability.MANAGE_PROPERTIES)
def _look(request: HttpRequest, visitor: Visitor, property_id: UUID, kind: str) -> HttpResponse:
    prop, what = get_property(visitor, property_id), _kind(kind)
    found = _file(request, visitor, prop, what)
    if found is None:
        return redirect("property-import", prop.id)
    _key, name, content = found
    context: dict[str, Any] = {"prop": prop, "part": "import", "kind": what, "kind_words": _KINDS[what], "name": name}
    if what == "rooms":
        plan: RoomsPlan | RatesPlan = (of_rooms := importing.plan_rooms(prop=prop, content=content))
        context["types"] = [(one, Money(one.price, prop.currency) if one.price else None) for one in of_rooms.types]
    else:
        house = _house(visitor, prop)
        plan = importing.plan_rates(house=house, content=content, today=today_at(prop))
        context |= _rates_in_words(house, plan)
    problems = plan.problems.found
    context |= {
        "plan": plan,
        "problems": problems[:SHOWN],
        "more_problems": max(0, len(problems) - SHOWN),
        "may_confirm": not problems and not plan.nothing,
    }
    return show(request, visitor, "setup/import_look.html", context, section="properties")


def _house(visitor: Visitor, prop: Property) -> House:
    return get_house(organization_id=visitor.access.organization_id, key=prop.id)


def _rates_in_words(house: House, plan: RatesPlan) -> dict[str, Any]:
    counts = Counter(one.field for one in plan.changes)
    return {
        "prices": _prices_in_words(house, plan),
        "counts": [(FIELD_WORDS[name], counts[name]) for name in FIELDS if counts[name]],
        "first": min((one.day for one in plan.changes), default=None),
        "last": max((one.day for one in plan.changes), default=None),
        "channels": [
            (channel_name(one.vendor), one.cells)
            for one in foresee(house=house, changes=plan.changes, now=datetime.now(UTC))
        ],
    }


@dataclass(frozen=True, slots=True)
class PriceSpan:
    """The lowest and the highest of the prices that change, before and after: a slip of the decimals stands out."""

    words: str
    before: Money | None
    after: Money


def _prices_in_words(house: House, plan: RatesPlan) -> list[PriceSpan]:
    changed = [one for one in plan.changes if one.field == "price"]
    before = [one.before for one in changed if one.before is not None]
    after = [one.after for one in changed if one.after is not None]
    if not after:
        return []

    def span(words: str, pick: Callable[[Iterable[int]], int]) -> PriceSpan:
        was = Money(pick(before), house.currency) if before else None
        return PriceSpan(words, was, Money(pick(after), house.currency))

    return [span(_("Lowest price"), min), span(_("Highest price"), max)]


@action(Ability.MANAGE_PROPERTIES, back="properties")
def _do(request: HttpRequest, visitor: Visitor, property_id: UUID, kind: str) -> Done | HttpResponse:
    prop, what = get_property(visitor, property_id), _kind(kind)
    return only_once(request, visitor, lambda: _import(request, visitor, prop, what))


def _import(request: HttpRequest, visitor: Visitor, prop: Property, kind: Kind) -> Done:
    found = _file(request, visitor, prop, kind)
    if found is None:
        words = _("The file is not there any more: it was imported already, or a day ago. Send it again.")
        return Done(words, reverse("property-import", args=[prop.id]), well=False)
    key, _name, content = found
    seen, now = request.POST.get("seen", ""), datetime.now(UTC)
    try:
        done = (
            _import_rooms(visitor, prop, content, seen, now)
            if kind == "rooms"
            else _import_rates(visitor, prop, content, seen, now)
        )
    except FileChanged:
        words = _("Something was changed since you looked. Nothing was imported: look again at what the file would do.")
        return Done(words, request.get_full_path(), well=False)
    kept.drop(key)
    return done


def _import_rooms(visitor: Visitor, prop: Property, content: bytes, seen: str, now: datetime) -> Done:
    plan = importing.import_rooms(prop=prop, content=content, fingerprint=seen, now=now, actor=visitor.actor)
    count = sum(len(one.rooms) for one in plan.types)
    words = ngettext(
        "%(count)d room imported, on sale from today on.", "%(count)d rooms imported, on sale from today on.", count
    )
    return Done(words % {"count": count}, reverse("property", args=[prop.id]))


def _import_rates(visitor: Visitor, prop: Property, content: bytes, seen: str, now: datetime) -> Done:
    cells = importing.import_rates(
        house=_house(visitor, prop), content=content, fingerprint=seen, now=now, actor=visitor.actor
    )
    words = ngettext(
        "%(count)d cell changed. It can be undone under “Last changes”.",
        "%(count)d cells changed. They can be undone under “Last changes”.",
        cells,
    )
    return Done(words % {"count": cells}, f"{reverse('rates')}?property={prop.code}")


look = confirmed(ask=_look, do=_do)


@page(Ability.MANAGE_PROPERTIES)
def template(request: HttpRequest, visitor: Visitor, property_id: UUID, kind: str) -> HttpResponse:
    """A file to fill in, with what is there already. Names that a spreadsheet would reckon with are left out: codes stand."""
    prop, what = get_property(visitor, property_id), _kind(kind)
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{prop.code}-{what}.csv"'
    answer.write("\ufeff")  # without it spreadsheets take UTF-8 for something else
    writer = csv.writer(answer)
    writer.writerows(_room_lines(prop) if what == "rooms" else _rate_lines(_house(visitor, prop), prop))
    return answer


def _room_lines(prop: Property) -> list[list[object]]:
    lines: list[list[object]] = [list(ROOM_COLUMNS)]
    for one in RoomType.objects.filter(property=prop, retired_at=None).prefetch_related("rooms"):
        rooms = ", ".join(room.name for room in one.rooms.all() if room.name[:1] not in "=+-@")
        lines.append([one.code, rooms, one.max_adults, one.max_children, one.max_occupancy, one.size_m2 or "", "", ""])
    return lines if len(lines) > 1 else [*lines, [_("Double room"), "101-110, 201", 2, 1, 3, 22, "120.00", ""]]


def _rate_lines(house: House, prop: Property) -> list[list[object]]:
    today = today_at(prop)
    types = {one.id: one.code for one in house.present_types()}
    ahead = today + timedelta(days=90)
    lines: list[list[object]] = [list(RATE_COLUMNS)]
    for one in house.facts.products:
        if one.sold:
            lines.append([types[one.room_type_id], one.rate_plan_code, today.isoformat(), ahead.isoformat(), *[""] * 8])
    return lines
