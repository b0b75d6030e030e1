"""The grid as HTML. Thousands of small cells: written here by hand, since templates would take longer than all else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from innsync.apps.inventory.counts import Count
from innsync.apps.rates.cells import products_of, state_of
from innsync.apps.rates.selectors import House
from innsync.domain.money import minor_digits
from innsync.domain.offers import ProductFacts, RateRow, RoomTypeFacts, effective_price, effective_rules
from innsync.domain.rate_cells import FIELDS, FLAGS, own_value
from innsync.domain.restrictions import DayRules
from innsync.portals import formats
from innsync.portals.admin.rates.bands import Band, draw_bands
from innsync.portals.admin.rates.window import Window
from innsync.portals.admin.rates.words import FIELD_WORDS, SHORT, amount, derivation_words

_NOTHING = {"min_stay_arrival": 1, "min_stay_through": 1, "max_stay": 0, **dict.fromkeys(FLAGS, 0)}
"""The value of each rule that forbids nothing."""


@dataclass(frozen=True, slots=True)
class Shown:
    """All that a grid is drawn from. rows and counts: of the window's nights; bands: lines of seasons above them."""

    house: House
    window: Window
    today: date
    rows: Mapping[date, RateRow]
    counts: Mapping[tuple[UUID, date], Count]
    bands: Sequence[Sequence[Band]] = ()


def draw(shown: Shown) -> SafeString:
    """The table's columns, head and bodies."""
    parts = [*_columns(shown), *_head(shown)]
    for room_type in shown.house.present_types():
        parts += _room_type(shown, room_type)
    return mark_safe("".join(parts))  # noqa: S308  # names are escaped where they are put in; the rest are numbers


def _columns(shown: Shown) -> Iterator[str]:
    yield '<colgroup><col class="names">'
    for night in shown.window.nights():
        kinds = _kinds(night, shown.today)
        yield f'<col class="{kinds}">' if kinds else "<col>"
    yield "</colgroup>"


def _kinds(night: date, today: date) -> str:
    """What a column is: today's, over, a weekend night's (Friday and Saturday are what hotels price apart)."""
    kinds = ["today"] if night == today else ["over"] if night < today else []
    return " ".join([*kinds, *(["weekend"] if night.weekday() in (4, 5) else [])])


def _head(shown: Shown) -> Iterator[str]:
    yield "<thead>"
    yield from draw_bands(shown.bands, shown.window)
    yield f'<tr><th scope="col" class="names">{escape(_("Room type and rate"))}</th>'
    for night in shown.window.nights():
        kinds = _kinds(night, shown.today)
        now = ' aria-current="date"' if night == shown.today else ""
        yield (
            f'<th scope="col" data-day="{night.isoformat()}" class="{kinds}"{now}><span>{formats.weekday(night)}</span>'
            f" <b>{night.day}</b> <span>{formats.short_month(night)}</span></th>"
        )
    yield "</tr></thead>"


def _room_type(shown: Shown, room_type: RoomTypeFacts) -> Iterator[str]:
    code, nights = escape(room_type.code), shown.window.nights()
    folded = room_type.code in shown.window.folded
    yield (
        f'<tbody class="type" data-type="{code}"><tr class="left"><th scope="rowgroup" class="names">'
        f'<a href="{escape(shown.window.toggled(room_type.code).address())}" data-fold="{code}"'
        f' aria-expanded="{"false" if folded else "true"}">{escape(room_type.name)}</a>'
        f"<small>{escape(_('left to sell'))}</small></th>"
    )
    assert isinstance(room_type.id, UUID)
    left = [shown.counts.get((room_type.id, night)) for night in nights]
    drawn = {count: _left(count) for count in set(left)}
    yield from (drawn[count] for count in left)
    yield "</tr>"
    products = products_of(shown.house, room_type.code)
    by_slot = shown.house.facts.by_slot
    rules = [[effective_rules(shown.rows.get(night), one, by_slot) for night in nights] for one in products]
    if products:
        yield f'<tr data-sale="{code}"><th scope="row" class="names">{escape(_("All rates"))}</th>'
        words = {"open": escape(_("Open")), "closed": escape(_("Closed")), "partly": escape(_("Partly"))}
        for of_night in zip(*rules, strict=True):
            state = state_of(one.stop_sell for one in of_night)
            yield f"<td data-s={state}>{words[state]}</td>"
        yield "</tr>"
    yield f'</tbody><tbody data-of="{code}"{" hidden" if folded else ""}>'
    for product, of_product in zip(products, rules, strict=True):
        yield from _product(shown, product, of_product)
    if not products:
        nothing = escape(_("Not sold at any rate yet"))
        yield f'<tr><th scope="row" class="names">{nothing}</th><td colspan="{len(nights)}"></td></tr>'
    yield "</tbody>"


def _left(count: Count | None) -> str:
    if count is None:
        return f'<td title="{escape(_("Not open for sale yet"))}">–</td>'
    notes = [ngettext("%(count)d of %(rooms)d sold", "%(count)d of %(rooms)d sold", count.sold)]
    notes += [_("%(held)d held")] if count.held else []
    notes += [_("%(out_of_order)d out of order")] if count.out_of_order else []
    notes += [_("%(not_offered)d withheld")] if count.not_offered else []
    notes += [_("oversold by %(oversold)d")] if count.oversold else []
    said = {**count._asdict(), "count": count.sold, "not_offered": count.not_offered}
    title = escape(", ".join(note % said for note in notes))
    kind = " class=oversold" if count.left < 0 or count.oversold else " class=none" if count.left == 0 else ""
    number = str(count.left).replace("-", "\N{MINUS SIGN}")
    others = count.held + count.out_of_order + count.not_offered
    away = f" +{others}" if others else ""
    return f'<td{kind} title="{title}">{number}<i>{count.sold}{away}/{count.rooms}</i></td>'


def _product(shown: Shown, product: ProductFacts, rules: list[DayRules]) -> Iterator[str]:
    house, by_slot, nights = shown.house, shown.house.facts.by_slot, shown.window.nights()
    digits = minor_digits(house.currency)
    name = escape(next(plan.name for plan in house.plans.values() if plan.code == product.rate_plan_code))
    derived = derivation_words(house, product)
    under = f"<small>= {escape(derived)}</small>" if derived else ""
    yield _row_head(product, "price", f"{name}{under}", name, derived=bool(derived))
    for night, day_rules in zip(nights, rules, strict=True):
        row = shown.rows.get(night)
        own, price = own_value(row, product.slot, "price"), effective_price(row, product, by_slot)
        text = "–" if price is None else amount(price, digits)
        marks = "" if shown.window.rules else _marks(day_rules)
        closed = " class=closed" if day_rules.stop_sell else ""
        yield f"<td{_value(own, price)}{closed}>{text}{marks}</td>"
    yield "</tr>"
    if shown.window.rules:
        for field in FIELDS[1:]:
            yield _row_head(product, field, escape(SHORT[field]), name, derived=bool(derived))
            yield from (
                _rule(own_value(shown.rows.get(night), product.slot, field), int(getattr(day_rules, field)), field)
                for night, day_rules in zip(nights, rules, strict=True)
            )
            yield "</tr>"


def _row_head(product: ProductFacts, field: str, words: str, plan: str, *, derived: bool) -> str:
    kind = "price" if field == "price" else "rule"
    follows = " data-derived" if derived else ""
    return (
        f"<tr class={kind} data-slot={product.slot} data-field={field}{follows}"
        f' data-plan="{escape(product.rate_plan_code)}" data-words="{plan}: '
        f'{escape(FIELD_WORDS[field])}"><th scope="row" class="names">{words}</th>'
    )


def _value(own: int | None, effective: int | None) -> str:
    """`data-o`: the product's own value; `data-e`: what it takes from its parent."""
    return f" data-o={own}" if own is not None else "" if effective is None else f" data-e={effective}"


def _rule(own: int | None, effective: int, field: str) -> str:
    if own is None and effective == _NOTHING[field]:
        return "<td></td>"
    text = str(effective) if field not in FLAGS else escape(_("yes")) if effective else escape(_("no"))
    return f"<td{_value(own, effective)}>{text}</td>"


def _marks(rules: DayRules) -> str:
    found = " ".join(_each_mark(rules))
    return f"<i>{found}</i>" if found else ""


def _each_mark(rules: DayRules) -> Iterable[str]:
    if rules.min_stay_arrival > 1:
        yield f"≥{rules.min_stay_arrival}"
    if rules.min_stay_through > 1:
        yield f"⊇{rules.min_stay_through}"
    if rules.max_stay:
        yield f"≤{rules.max_stay}"
    if rules.closed_to_arrival:
        yield "CTA"
    if rules.closed_to_departure:
        yield "CTD"
