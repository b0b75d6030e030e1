"""The sandbox's page as a whole."""

from __future__ import annotations

from urllib.parse import urlencode

from innsync.integrations.simulation.markup import Markup, join, tag
from innsync.integrations.simulation.page_calendar import booking_form, calendar
from innsync.integrations.simulation.page_panels import bookings, faults, requests
from innsync.integrations.simulation.page_parts import STAY, View, empty


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
    """The tabs lead to the same nights of the same property at another channel: that is what one compares."""
    stay = {name: view.draft[name] for name in STAY if view.draft.get(name)}
    tabs = [
        tag(
            "li",
            tag(
                "a",
                host.world.name,
                href=view.link(vendor=host.key, **stay) if view.code else "/?" + urlencode({"vendor": host.key}),
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


def notices(view: View) -> Markup:
    failure = tag("p", view.failure, class_="notice bad", role="alert") if view.failure else None
    notice = tag("p", view.notice, class_="notice good", role="status") if view.notice else None
    return join(failure, notice)
