"""What the parts of the page share: the view that they show, and their smallest pieces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlencode

from innsync.integrations.simulation.host import Host
from innsync.integrations.simulation.markup import Markup, join, tag

STAY = ("product", "check_in", "check_out")


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


def option(value: str, words: str, chosen: str) -> Markup:
    return tag("option", words, value=value, selected=value == chosen)


def labelled(label: str, control: Markup, *, hint: str = "", class_: str = "field") -> Markup:
    return tag("label", tag("span", label, tag("small", f" {hint}") if hint else None), control, class_=class_)


def empty(title: str, words: str) -> Markup:
    return tag("section", tag("h1", title), tag("p", words, class_="soft"), class_="card empty")
