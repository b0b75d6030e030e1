"""A vendor's calendar, and the form in which a guest books from it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from innsync.integrations.simulation.markup import Markup, tag
from innsync.integrations.simulation.page_parts import View, labelled, option


def calendar(view: View) -> Markup:
    picker = tag(
        "form",
        tag("input", type="hidden", name="vendor", value=view.chosen.key),
        tag("input", type="hidden", name="month", value=f"{view.month:%Y-%m}"),
        labelled(
            "Property",
            tag(
                "select",
                [option(found["property"], found["property"], view.code) for found in view.properties],
                name="property",
                data_submit=True,
            ),
        ),
        tag("button", "Show", class_="quiet scriptless"),
        action="/",
        class_="picker",
    )
    before, after = view.month - timedelta(days=1), view.month + timedelta(days=31)
    months = tag(
        "div",
        tag("a", "‹", href=view.link(month=f"{before:%Y-%m}"), aria_label=f"{before:%B %Y}", class_="step"),
        tag("h1", f"{view.month:%B %Y}", id="month"),
        tag("a", "›", href=view.link(month=f"{after:%Y-%m}"), aria_label=f"{after:%B %Y}", class_="step"),
        class_="months",
    )
    return tag(
        "section",
        tag("div", months, picker, class_="head"),
        tag("div", grid(view), class_="scroll", role="region", aria_labelledby="month", tabindex="0", data_live="grid"),
        legend(),
        class_="card",
    )


def legend() -> Markup:
    states = (("open", "on sale"), ("full", "none left"), ("closed", "closed or without price"))
    return tag(
        "ul",
        [tag("li", tag("span", class_=f"swatch {name}", aria_hidden="true"), words) for name, words in states],
        tag("li", tag("b", "≥3"), " minimum stay"),
        tag("li", tag("b", "A"), " no arrival"),
        tag("li", tag("b", "D"), " no departure"),
        class_="legend",
    )


def last_of(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def grid(view: View) -> Markup:
    last = last_of(view.month)
    days = [view.month + timedelta(days=offset) for offset in range(last.day)]
    found = {
        (line["room"], line["rate"], str(line["date"])): line
        for line in view.chosen.world.calendar(view.code, view.month, last)
    }
    today = view.chosen.world.clock.today()
    heads = [
        tag(
            "th", tag("span", f"{day:%a}"[:2], class_="weekday"), day.day, scope="col",
            class_=" ".join(["weekend"] * (day.weekday() > 4) + ["today"] * (day == today)) or None,
        )
        for day in days
    ]  # fmt: skip
    rows = [
        tag(
            "tr",
            tag("th", product["room"], tag("small", product["rate"]), scope="row"),
            [cell(view, product, day, found.get((product["room"], product["rate"], day.isoformat()))) for day in days],
        )
        for product in view.products
    ]
    return tag(
        "table",
        tag("caption", "Rooms left and price of each night", class_="unseen"),
        tag("thead", tag("tr", tag("th", "Room and rate", scope="col"), heads)),
        tag("tbody", rows),
        class_="grid",
    )


def cell(view: View, product: Mapping[str, str], day: date, line: Mapping[str, Any] | None) -> Markup:
    if line is None:
        return tag("td", tag("span", "–", class_="cell nothing"))
    marks = [f"≥{line['min_stay']}"] * (line["min_stay"] > 1) + ["A"] * line["cta"] + ["D"] * line["ctd"]
    state = "closed" if line["closed"] or line["amount"] is None else "full" if line["available"] < 1 else "open"
    room, rate = product["room"], product["rate"]
    chosen = view.draft
    if (chosen.get("product"), chosen.get("check_in")) == (f"{room}/{rate}", day.isoformat()):
        state += " chosen"
    return tag(
        "td",
        tag(
            "a",
            tag("b", line["available"]),
            tag("span", price(line["amount"])),
            tag("i", " ".join(marks)) if marks else None,
            class_=f"cell {state}",
            href=view.link(product=f"{room}/{rate}", check_in=day.isoformat()) + "#book",
            aria_label=spoken(line, day, room, rate),
            data_product=f"{room}/{rate}",
            data_day=day.isoformat(),
        ),
    )


def price(amount: str | None) -> str:
    """Whole units are enough for a glance; the exact price is in the spoken text."""
    if amount is None:
        return "–"
    whole, _, part = amount.partition(".")
    return whole if not part.strip("0") else amount


def spoken(line: Mapping[str, Any], day: date, room: str, rate: str) -> str:
    words = [f"{room} {rate}, {day:%a} {day.day} {day:%B}: {line['available']} left"]
    words.append(f"price {line['amount']}" if line["amount"] is not None else "no price")
    if line["closed"]:
        words.append("closed")
    if line["min_stay"] > 1:
        words.append(f"minimum stay {line['min_stay']} nights")
    if line["cta"]:
        words.append("no arrival")
    if line["ctd"]:
        words.append("no departure")
    return ", ".join(words)


def booking_form(view: View) -> Markup:
    draft = view.draft
    tomorrow = view.chosen.world.clock.today() + timedelta(days=1)
    check_in = draft.get("check_in") or tomorrow.isoformat()
    products = [f"{product['room']}/{product['rate']}" for product in view.products]
    return tag(
        "section",
        tag("h2", "Book as a guest"),
        tag("p", "Choose a night in the calendar, then the day of departure in the same row.", class_="soft"),
        tag(
            "form",
            view.hidden(),
            labelled(
                "Room and rate",
                tag("select", [option(name, name, draft.get("product", "")) for name in products], name="product"),
            ),
            tag(
                "div",
                labelled("Check-in", tag("input", type="date", name="check_in", value=check_in, required=True)),
                labelled(
                    "Check-out",
                    tag("input", type="date", name="check_out", value=draft.get("check_out") or day_after(check_in),
                        required=True),
                ),
                class_="pair",
            ),
            tag(
                "div",
                labelled(
                    "Guest", tag("input", name="name", value=draft.get("name", "Sarah Johnson"), required=True,
                                 autocomplete="off"), class_="field grow",
                ),
                labelled(
                    "Adults", tag("input", type="number", name="adults", value=draft.get("adults", "2"), min="1",
                                  max="20", required=True), class_="field narrow",
                ),
                class_="pair",
            ),
            labelled("Requests", tag("textarea", draft.get("special_requests", ""), name="special_requests", rows="2")),
            tag("label", tag("input", type="checkbox", name="force", checked="force" in draft),
                "Book even if it is closed", class_="check"),
            tag("button", "Book", class_="main"),
            method="post", action="/_page/book",
        ),
        class_="card", id="book",
    )  # fmt: skip


def day_after(day: str) -> str:
    try:
        return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return ""
