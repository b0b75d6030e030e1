"""What each channel can do, allows and asks for: from its manifest."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from innsync.integrations.manifest import PORTS, Dialect, Limit, Manifest, manifests
from innsync.ops.docs import markdown

INTRO = """What the channels in this project can do, from their manifests. What a channel can't do is absent here and in Innsync: there is no
button that does nothing. A channel from outside (`INNSYNC_CHANNEL_PACKAGES`) is not listed."""
CAPABILITIES = {
    "push_availability": "Innsync tells it how many rooms are left",
    "push_rates": "Innsync tells it prices and restrictions",
    "read_back": "an audit can read what it really holds",
    "pull_bookings": "bookings are fetched from its queue",
    "list_bookings": "a second look finds bookings that the queue lost",
    "acknowledge": "it is told when a booking is stored for good",
    "booking_webhook": "it announces bookings by itself",
    "open_webhook": "its calls are also taken at the addresses that are the same for everybody",
    "push_bookings": "it is told all bookings of the property, whoever sold them",
    "register_webhook": "it can be told by a program where to announce them",
    "try_webhook": "it can be asked for a call that shows whether it reaches Innsync",
    "catalogue": "its rooms and rates can be listed for mapping",
    "messages": "what guests write through it comes in, and is answered",
}
LIMITS = """The limits are what Innsync keeps, counted in the database for all its processes together.
[Limits and pace](../explanation/limits-and-pace.md) says which of them are the vendor's own and which are caution."""
OURS = "innsync.channels."


def page() -> str:
    found = own_manifests()
    matrix = [
        (markdown.code(name), CAPABILITIES[name], *("yes" if name in one.can else "no" for one in found))
        for name in PORTS
    ]
    return markdown.page(
        "Channels",
        INTRO,
        "## What they can do",
        markdown.table(("capability", "meaning", *(one.name for one in found)), matrix),
        "## Which rules they can express",
        "A rule that a channel can't express is replaced by the nearest safe one, rather closed than sold wrongly.",
        _dialects(found),
        "## Each of them",
        LIMITS,
        *(_about(one) for one in found),
    )


def own_manifests() -> list[Manifest]:
    return sorted((one for one in manifests().values() if one.package.startswith(OURS)), key=lambda one: one.name)


def _dialects(found: list[Manifest]) -> str:
    rules: dict[str, Callable[[Dialect], str]] = {
        "minimum stay": lambda one: " and ".join(one.min_stay) or "no",
        "maximum stay": lambda one: _yes(one.max_stay),
        "closed to arrival": lambda one: _yes(one.closed_to_arrival),
        "closed to departure": lambda one: _yes(one.closed_to_departure),
        "stop sell": lambda one: _yes(one.stop_sell),
        "price for each number of adults": lambda one: _yes(one.occupancy_prices),
        "a currency for each rate": lambda one: _yes(one.rate_currencies),
        "longest minimum or maximum stay": lambda one: f"{one.max_nights} nights" if one.max_nights else "any",
    }
    rows = [(name, *(say(one.dialect) for one in found)) for name, say in rules.items()]
    return markdown.table(("rule", *(one.name for one in found)), rows)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _about(one: Manifest) -> str:
    told = _comments(one)
    decrement = "does" if one.owns_decrement else "does not"
    parts = [
        f"### {one.name}",
        one.notes,
        f"Key `{one.key}`. It takes values up to {one.horizon_days} days ahead and likes to be asked for bookings every"
        f" {one.poll_s:g} s. It {decrement} move its own count when it sells or when a guest cancels there.",
        _relays(one),
        "**What an account needs**",
        markdown.table(
            ("credential", "label", "where it comes from"),
            (
                (markdown.code(secret.name), secret.label + (" (optional)" if secret.optional else ""), secret.help)
                for secret in one.secrets
            ),
        ),
        "**Limits**",
        markdown.table(("limit", "calls", "counted for each", "kept for closing"), map(_limit, one.limits.values())),
    ]
    if one.settings:
        rows = [
            (markdown.code(name), markdown.code(_toml(value)), told.get(("settings", name), ""))
            for name, value in one.settings.items()
        ]
        parts += ["**Settings**", markdown.table(("setting", "default", "meaning"), rows)]
    parts += ["**Quality**", _quality(one.quality)]
    return "\n\n".join(part for part in parts if part)


def _relays(one: Manifest) -> str:
    domains = " and ".join(markdown.code(domain) for domain in one.relay_domains)
    return (
        domains
        and f"An e-mail address at {domains}, or below, is an alias for one booking: no guest is recognised by it."
    )


def _limit(limit: Limit) -> tuple[str, str, str, str]:
    return (
        markdown.code(limit.name),
        f"{limit.calls} in {limit.per_s:g} s",
        limit.scope,
        str(limit.reserve) if limit.reserve else "",
    )


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _quality(quality: Mapping[str, Any]) -> str:
    rows = []
    for name, state in quality.items():
        exempt = state.get("exempt", "") if isinstance(state, dict) else ""
        rows.append((name.replace("_", " "), "does not apply" if exempt else str(state), exempt))
    return markdown.table(("what", "state", "why not"), rows)


_LINE = re.compile(r"^(?P<name>\w+)\s*=\s*(?:\"[^\"]*\"|[^#\"]*)\s*#\s*(?P<words>.+)$")


def _comments(one: Manifest) -> dict[tuple[str, str], str]:
    """What the manifest says of its keys beside them, by (section, key)."""
    folder = Path(next(iter(importlib.import_module(one.package).__path__)))
    found, section = {}, ""
    for line in (folder / "manifest.toml").read_text("utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[] ")
        elif match := _LINE.match(line):
            found[section, match["name"]] = match["words"].split("; NOTES")[0]
    return found
