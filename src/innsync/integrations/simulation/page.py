"""The page at `/`: a person looks at a vendor's calendar and books as a guest would.

It works without its script; the script refreshes what changed and makes choosing dates quicker.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from urllib.parse import parse_qsl, urlencode

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from innsync.integrations.simulation.control import BookingBody, ChangeBody, check_order, own_site_only
from innsync.integrations.simulation.faults import Faults
from innsync.integrations.simulation.host import Host, Sandbox
from innsync.integrations.simulation.page_panels import NUMBER_FAULTS, PASSED_FAULTS
from innsync.integrations.simulation.page_parts import STAY, View
from innsync.integrations.simulation.page_view import render
from innsync.integrations.simulation.problems import Problem, read_model
from innsync.integrations.simulation.world import Refused

ASSETS = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-cache",
}
NOTICES = {"booked": "Booked", "changed": "Changed", "cancelled": "Cancelled", "faults": "Faults"}


class Page:
    """The page's handlers, all about one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def routes(self) -> list[Route]:
        return [
            Route("/", self.show),
            Route("/_page/book", self.book, methods=["POST"]),
            Route("/_page/change", self.change, methods=["POST"]),
            Route("/_page/cancel", self.cancel, methods=["POST"]),
            Route("/_page/faults", self.set_faults, methods=["POST"]),
            Route("/_page/{name}", self.asset),
        ]

    async def asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in ASSETS:
            raise Problem(404, "no such file")
        content = files("innsync.integrations.simulation").joinpath("static", name).read_bytes()
        return Response(content, media_type=ASSETS[name], headers=HEADERS)

    async def show(self, request: Request) -> Response:
        return self._answer(dict(request.query_params))

    def _answer(self, values: Mapping[str, str], failure: str = "", status: int = 200) -> Response:
        content = render(self._view(values, failure))
        return Response(content, status, media_type="text/html", headers=HEADERS)

    def _view(self, values: Mapping[str, str], failure: str) -> View:
        hosts = list(self.sandbox)
        if not hosts:
            return View(hosts)
        host = self.sandbox.host(values.get("vendor") or hosts[0].key)
        properties = host.world.properties()
        codes = [found["property"] for found in properties]
        chosen = values.get("property", "")
        notice = next((f"{words} {values[name]}" for name, words in NOTICES.items() if values.get(name)), "")
        return View(
            hosts,
            host,
            properties,
            chosen if chosen in codes else next(iter(codes), ""),
            month_of(values.get("month", ""), host),
            values,
            notice,
            failure,
        )

    async def book(self, request: Request) -> Response:
        form = await read_form(request)
        try:
            host = self.sandbox.host(form.get("vendor", ""))
            room, _, rate = form.get("product", "").partition("/")
            body = {
                "property": form.get("property", ""),
                "room": room,
                "rate": rate,
                "check_in": form.get("check_in", ""),
                "check_out": form.get("check_out", ""),
                "adults": number(form.get("adults", "")),
                "guest": {"name": form.get("name", "")},
                "special_requests": form.get("special_requests", ""),
                "force": "force" in form,
            }
            wish = read_model(BookingBody, orjson.dumps(body))
            check_order(wish.check_in, wish.check_out)
            host.require_product(wish.property, wish.room, wish.rate)
            reference = host.world.book(wish.stay(), force=wish.force, notify=True)
        except (Problem, Refused) as error:
            return self._answer(form, error.detail, error.status)
        host.changed()
        return back(form, booked=reference, **{name: form[name] for name in STAY})

    async def change(self, request: Request) -> Response:
        form = await read_form(request)
        try:
            host = self.sandbox.host(form.get("vendor", ""))
            wanted = {"check_in": form.get("check_in", ""), "check_out": form.get("check_out", "")}
            body = read_model(ChangeBody, orjson.dumps(wanted))
            check_order(body.check_in, body.check_out)
            host.world.change(form.get("reference", ""), body.changes(), notify=True)
        except (Problem, Refused) as error:
            return self._answer(form, error.detail, error.status)
        host.changed()
        return back(form, changed=form.get("reference", ""))

    async def cancel(self, request: Request) -> Response:
        form = await read_form(request)
        try:
            host = self.sandbox.host(form.get("vendor", ""))
            host.world.cancel(form.get("reference", ""), notify=True)
        except (Problem, Refused) as error:
            return self._answer(form, error.detail, error.status)
        host.changed()
        return back(form, cancelled=form.get("reference", ""))

    async def set_faults(self, request: Request) -> Response:
        form = await read_form(request)
        try:
            host = self.sandbox.host(form.get("vendor", ""))
            wanted: dict[str, object] = {name: True for name in PASSED_FAULTS if name in form}
            wanted |= {name: number(form[name]) for name in NUMBER_FAULTS if form.get(name)}
            faults = Faults() if "clear" in form else read_model(Faults, orjson.dumps(wanted))
        except Problem as error:
            return self._answer(form, error.detail, error.status)
        host.set_faults(faults)
        host.changed()
        return back(form, faults="cleared" if "clear" in form else "in force")


def month_of(text: str, host: Host) -> date:
    """The first day of the month in the query; of the vendor's present month when there is none or it is no month."""
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        found = host.world.clock.today().replace(day=1)
    return min(max(found, date(2000, 1, 1)), date(2199, 12, 1))


def number(text: str) -> int | float | str:
    """The number that a form field holds; the text itself when it holds none, so that checking can name the field."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


async def read_form(request: Request) -> dict[str, str]:
    own_site_only(request)
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))


def back(form: Mapping[str, str], **notice: str) -> Response:
    """To the view where the form stood, so that reloading repeats nothing."""
    query = {name: form[name] for name in ("vendor", "property", "month") if form.get(name)}
    return RedirectResponse(f"/?{urlencode({**query, **notice})}", 303)
