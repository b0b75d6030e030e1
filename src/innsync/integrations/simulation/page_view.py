"""How the sandbox's page looks: a vendor's calendar, a booking form, bookings, faults, and what was asked of the vendor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from innsync.integrations.simulation.host import Host
from innsync.integrations.simulation.markup import Markup, join, tag
from innsync.integrations.simulation.requests import Seen

PASSED_FAULTS = {
    "duplicate": "Deliver messages twice",
    "reorder": "Shuffle the order of messages",
    "drop_webhooks": "Lose calls to the partner",
    "bad_schema": "Answer in a broken format",
    "timeout_after_apply": "Apply, but never answer",
}
NUMBER_FAULTS = {
    "latency_ms": ("Latency", "ms", "any"),
    "error_rate": ("Error share", "0 to 1", "any"),
    "status": ("Error status", "400 to 599", "1"),
    "rate_limit_per_min": ("Calls a minute", "at most", "1"),
    "down_for_s": ("Down for", "seconds", "any"),
}


@dataclass(slots=True)
class View:
    """What the page shows: the vendor and property chosen, the month, the booking being written, and a notice."""

    hosts: Sequence[Host]
    host: Host | None = None
    properties: Sequence[Mapping[str, Any]] = ()
    code: str = ""
    month: date = date.min
    draft: Mapping[str, str] = field(default_factory=dict)
    notice: str = ""
    failure: str = ""

    @property
    def chosen(self) -> Host:
        assert self.host is not None
        return self.host

    @property
    def products(self) -> list[Mapping[str, str]]:
        return next((found["products"] for found in self.properties if found["property"] == self.code), [])

    def link(self, **changes: str) -> str:
        query = {"vendor": self.chosen.key, "property": self.code, "month": f"{self.month:%Y-%m}", **changes}
        return "/?" + urlencode(query)

    def hidden(self) -> Markup:
        """The fields that lead back to this view after a form was sent."""
        values = {"vendor": self.chosen.key, "property": self.code, "month": f"{self.month:%Y-%m}"}
        return join(tag("input", type="hidden", name=name, value=value) for name, value in values.items())


def render(view: View) -> bytes:
    title = f"{view.host.world.name} · Sandbox channels" if view.host else "Sandbox channels"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("link", rel="stylesheet", href="/_page/page.css"),
        tag("link", rel="icon", href="/_page/icon.svg", type="image/svg+xml"),
        tag("script", src="/_page/page.js", defer=True),
    )
    body = tag(
        "body",
        tag("a", "Skip to the calendar", href="#main", class_="skip"),
        header(view),
        tag("main", content(view), id="main", tabindex="-1"),
        data_vendor=view.host.key if view.host else None,
        data_revision=view.host.revision if view.host else None,
    )
    return f"<!doctype html>{tag('html', head, body, lang='en')}".encode()


def header(view: View) -> Markup:
    tabs = [
        tag(
            "li",
            tag(
                "a",
                host.world.name,
                href="/?" + urlencode({"vendor": host.key}),
                aria_current="page" if host is view.host else None,
            ),
        )
        for host in view.hosts
    ]
    return tag(
        "header",
        tag("div", tag("p", "Sandbox channels", class_="brand"), live_switch() if view.host else None, class_="bar"),
        tag("nav", tag("ul", tabs, class_="tabs"), aria_label="Channels") if tabs else None,
        class_="top",
    )


def live_switch() -> Markup:
    """Shown by the script: without it the page does not refresh itself."""
    return tag(
        "button", tag("span", class_="dot", aria_hidden="true"), "Live", type="button", id="live", aria_pressed="true",
        class_="quiet", hidden=True,
    )  # fmt: skip


def content(view: View) -> Markup:
    if view.host is None:
        return empty("No channel is installed", "A channel appears here as soon as its adapter brings a simulator.")
    if not view.properties:
        return join(
            empty(
                f"{view.host.world.name} has no property yet",
                "Properties are created when a hub connects its demo portfolio, "
                f"or by POST /_control/{view.host.key}/properties.",
            ),
            tag("div", faults(view), requests(view), class_="columns"),
        )
    return join(
        notices(view),
        tag("div", calendar(view), booking_form(view), class_="columns wide"),
        bookings(view),
        tag("div", faults(view), requests(view), class_="columns"),
    )


def empty(title: str, words: str) -> Markup:
    return tag("section", tag("h1", title), tag("p", words, class_="soft"), class_="card empty")


def notices(view: View) -> Markup:
    failure = tag("p", view.failure, class_="notice bad", role="alert") if view.failure else None
    notice = tag("p", view.notice, class_="notice good", role="status") if view.notice else None
    return join(failure, notice)


def option(value: str, words: str, chosen: str) -> Markup:
    return tag("option", words, value=value, selected=value == chosen)


def labelled(label: str, control: Markup, *, hint: str = "", class_: str = "field") -> Markup:
    return tag("label", tag("span", label, tag("small", f" {hint}") if hint else None), control, class_=class_)


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
    states = (("open", "on sale"), ("full", "none left"), ("closed", "closed"))
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
    state = "closed" if line["closed"] else "full" if line["available"] < 1 else "open"
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


def bookings(view: View) -> Markup:
    found = list(view.chosen.world.bookings(view.code))[::-1][:100]
    heads = ("Booking", "Status", "Room and rate", "Acknowledged", "Check-in", "Check-out", "")
    names = [tag("th", head, scope="col") if head else tag("td") for head in heads]
    table = tag(
        "table",
        tag("caption", "Bookings, latest first", class_="unseen"),
        tag("thead", tag("tr", names)),
        tag("tbody", [booking_row(view, booking) for booking in found]),
        class_="list stack",
    )
    return tag(
        "section",
        tag("h2", "Bookings", id="bookings-title"),
        tag(
            "div", table if found else tag("p", "Nobody has booked here yet.", class_="soft"),
            class_="scroll", role="region", aria_labelledby="bookings-title", tabindex="0", data_live="bookings",
        ),
        class_="card",
    )  # fmt: skip


def booking_row(view: View, booking: Mapping[str, Any]) -> Markup:
    reference, gone = str(booking["reference"]), "cancel" in str(booking["status"])
    taken = booking["acknowledged"]
    return tag(
        "tr",
        tag("th", reference, scope="row"),
        tag("td", tag("span", booking["status"], class_="chip gone" if gone else "chip good")),
        tag("td", f"{booking['room']}/{booking['rate']}", data_label="Room and rate"),
        tag(
            "td",
            tag("span", "yes" if taken else "not yet", class_="chip good" if taken else "chip wait"),
            data_label="Acknowledged",
        ),
        tag("td", str(booking["check_in"]), data_label="Check-in"),
        tag("td", str(booking["check_out"]), data_label="Check-out"),
        tag("td", None if gone else booking_actions(view, booking, reference)),
    )


def booking_actions(view: View, booking: Mapping[str, Any], reference: str) -> Markup:
    change = tag(
        "details",
        tag("summary", "Change", tag("span", f" {reference}", class_="unseen")),
        tag(
            "form",
            view.hidden(),
            tag("input", type="hidden", name="reference", value=reference),
            labelled("Check-in", tag("input", type="date", name="check_in", value=str(booking["check_in"]))),
            labelled("Check-out", tag("input", type="date", name="check_out", value=str(booking["check_out"]))),
            tag("button", "Save", class_="main"),
            method="post",
            action="/_page/change",
        ),
    )
    cancel = tag(
        "form",
        view.hidden(),
        tag("input", type="hidden", name="reference", value=reference),
        tag("button", "Cancel", tag("span", f" {reference}", class_="unseen"), class_="quiet"),
        method="post",
        action="/_page/cancel",
    )
    return tag("div", change, cancel, class_="actions")


def faults(view: View) -> Markup:
    now = view.chosen.trouble.describe()
    numbers = [
        labelled(
            label,
            tag("input", type="number", name=name, min="0", step=step, inputmode="decimal",
                value=f"{now[name]:.10g}" if name in now else None),
            hint=unit,
        )
        for name, (label, unit, step) in NUMBER_FAULTS.items()
    ]  # fmt: skip
    switches = [
        tag("label", tag("input", type="checkbox", name=name, checked=bool(now.get(name))), words, class_="check")
        for name, words in PASSED_FAULTS.items()
    ]
    chip = tag("span", "in force" if now else "none", class_="chip wait" if now else "chip good")
    return tag(
        "section",
        tag("h2", "Faults ", tag("span", chip, data_live="faults")),
        tag(
            "form",
            view.hidden(),
            tag("div", numbers, class_="numbers"),
            tag("div", switches, class_="checks"),
            tag(
                "div",
                tag("button", "Put in force", class_="main"),
                tag("button", "Clear", name="clear", value="1", class_="quiet"),
                class_="row",
            ),
            method="post",
            action="/_page/faults",
        ),
        class_="card",
    )


def requests(view: View) -> Markup:
    log = view.chosen.requests
    latest = log.after(max(0, log.last_id - 12), 12)[::-1]
    table = tag(
        "table",
        tag("caption", "Requests the channel saw, latest first", class_="unseen"),
        tag("thead", tag("tr", [tag("th", head, scope="col") for head in ("Time", "Request", "Answer", "Verdict")])),
        tag("tbody", [request_row(seen) for seen in latest]),
        class_="list",
    )
    return tag(
        "section",
        tag("h2", "Requests", id="requests-title"),
        tag(
            "div", table if latest else tag("p", "Nothing was asked yet.", class_="soft"),
            class_="scroll", role="region", aria_labelledby="requests-title", tabindex="0", data_live="requests",
        ),
        class_="card",
    )  # fmt: skip


def request_row(seen: Seen) -> Markup:
    fine = seen.verdict == "ok"
    return tag(
        "tr",
        tag("td", f"{seen.time:%H:%M:%S}"),
        tag("td", tag("b", seen.method), " ", seen.operation or seen.path, class_="path"),
        tag("td", seen.status if seen.status is not None else "none", tag("small", f" {seen.duration_ms:.0f} ms")),
        tag("td", tag("span", seen.verdict, class_="chip good" if fine else "chip wait")),
    )
